"""Quiet hours in the contact's wall time, over clock changes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.sending.quiet_hours import loud_again
from drippulse.sending.schemas import QuietHours

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def at(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def rule(**changes: Any) -> QuietHours:
    return QuietHours.model_validate({"start": "21:00", "end": "08:00", **changes})


@pytest.mark.parametrize(
    ("now", "zone", "expected"),
    [
        ("2026-07-01T20:59", BERLIN, "2026-07-01T20:59"),
        ("2026-07-01T21:00", BERLIN, "2026-07-02T08:00"),
        ("2026-07-02T07:59", BERLIN, "2026-07-02T08:00"),
        ("2026-07-02T08:00", BERLIN, "2026-07-02T08:00"),
        ("2026-03-28T23:00", BERLIN, "2026-03-29T08:00"),  # ten hours by the clock on the wall, nine by the sun
        ("2026-10-24T23:00", BERLIN, "2026-10-25T08:00"),
        ("2026-11-01T00:30", NEW_YORK, "2026-11-01T08:00"),
    ],
)
def test_they_end_at_the_contacts_wall_time(now: str, zone: str, expected: str) -> None:
    assert loud_again(rule(), at(now, zone), zone, "UTC") == at(expected, zone)


def test_an_end_that_the_clocks_skip_is_reached_when_they_have_skipped_it() -> None:
    quiet = rule(start="22:00", end="02:30")
    assert loud_again(quiet, at("2026-03-29T01:30", BERLIN), BERLIN, "UTC") == at("2026-03-29T03:30", BERLIN)


def test_the_zone_is_the_contacts_the_organizations_or_the_one_named() -> None:
    now = at("2026-07-01T22:00", BERLIN)
    ends = {name: loud_again(rule(timezone=name), now, NEW_YORK, BERLIN) for name in ("contact", "org", "Asia/Tokyo")}
    assert ends == {
        "contact": now,
        "org": at("2026-07-02T08:00", BERLIN),
        "Asia/Tokyo": at("2026-07-02T08:00", "Asia/Tokyo"),
    }


def test_a_contact_without_a_zone_that_exists_is_taken_to_live_in_utc() -> None:
    now = datetime(2026, 7, 1, 22, tzinfo=UTC)
    assert loud_again(rule(), now, "Mars/Olympus", "UTC") == datetime(2026, 7, 2, 8, tzinfo=UTC)


def test_weekdays_are_those_on_which_they_begin() -> None:
    friday = rule(weekdays=["fri"])
    assert loud_again(friday, at("2026-11-21T02:00", BERLIN), BERLIN, "UTC") == at("2026-11-21T08:00", BERLIN)
    assert loud_again(friday, at("2026-11-20T02:00", BERLIN), BERLIN, "UTC") == at("2026-11-20T02:00", BERLIN)


@given(
    seconds=st.integers(0, 4 * 365 * 86_400),
    start=st.times(),
    end=st.times(),
    zone=st.sampled_from([BERLIN, NEW_YORK, "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]),
)
def test_they_never_last_more_than_a_day_and_are_over_when_they_end(
    seconds: int, start: Any, end: Any, zone: str
) -> None:
    if start == end:
        return
    moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    quiet = QuietHours(start=start, end=end)
    until = loud_again(quiet, moment, zone, "UTC")
    assert moment <= until <= moment + timedelta(hours=25)
    local = until.astimezone(ZoneInfo(zone))
    if until > moment:
        inside = [start < end and start <= local.time() < end, start > end and not end <= local.time() < start]
        assert not any(inside) or local.utcoffset() != moment.astimezone(ZoneInfo(zone)).utcoffset()
