"""Waits and send windows against known answers, daylight-saving changes above all."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.workflows.errors import UnknownTimezoneError
from drippulse.workflows.steps.base import Advance, WaitUntil
from drippulse.workflows.steps.wait import WaitConfig, WaitStep, due_at
from drippulse.workflows.wall_clock import next_opening, zone
from tests.support.walks import context

BERLIN, NEW_YORK, UTC_ZONE = "Europe/Berlin", "America/New_York", "UTC"

# (start UTC, zone, config, due UTC)
KNOWN_WAITS: list[tuple[str, str, dict[str, Any], str]] = [
    ("2026-03-28T11:00", BERLIN, {"duration": 1, "unit": "days"}, "2026-03-29T10:00"),  # 23 hours: clocks go forward
    ("2026-03-28T11:00", BERLIN, {"duration": 24, "unit": "hours"}, "2026-03-29T11:00"),  # absolute
    ("2026-10-24T10:00", BERLIN, {"duration": 1, "unit": "days"}, "2026-10-25T11:00"),  # 25 hours: clocks go back
    ("2026-10-24T10:00", BERLIN, {"duration": 24, "unit": "hours"}, "2026-10-25T10:00"),
    ("2026-03-28T01:30", BERLIN, {"duration": 1, "unit": "days"}, "2026-03-29T01:30"),  # 02:30 is skipped: 03:30
    ("2026-03-28T00:59", BERLIN, {"duration": 1, "unit": "days"}, "2026-03-29T00:59"),  # 01:59, just before the gap
    ("2026-03-28T02:00", BERLIN, {"duration": 1, "unit": "days"}, "2026-03-29T01:00"),  # 03:00, just after it
    ("2026-10-24T00:30", BERLIN, {"duration": 1, "unit": "days"}, "2026-10-25T00:30"),  # 02:30 is twice: the first
    ("2026-10-25T01:30", BERLIN, {"duration": 1, "unit": "days"}, "2026-10-26T01:30"),  # from the second 02:30
    ("2026-10-25T00:30", BERLIN, {"duration": 1, "unit": "hours"}, "2026-10-25T01:30"),  # 02:30 to 02:30
    ("2026-03-07T07:30", NEW_YORK, {"duration": 1, "unit": "days"}, "2026-03-08T07:30"),  # 02:30 is skipped: 03:30
    ("2026-03-01T15:00", NEW_YORK, {"duration": 1, "unit": "weeks"}, "2026-03-08T14:00"),
    ("2026-10-31T05:30", NEW_YORK, {"duration": 1, "unit": "days"}, "2026-11-01T05:30"),  # 01:30 is twice
    ("2026-01-31T12:00", "Australia/Lord_Howe", {"duration": 64, "unit": "days"}, "2026-04-05T12:30"),  # half an hour
    ("2011-12-29T20:00", "Pacific/Apia", {"duration": 1, "unit": "days"}, "2011-12-30T20:00"),  # that day was left out
    ("2026-03-02T12:00", UTC_ZONE, {"duration": 90, "unit": "seconds"}, "2026-03-02T12:01:30"),
    ("2026-03-02T12:00", UTC_ZONE, {"duration": 1.5, "unit": "hours"}, "2026-03-02T13:30"),
    ("2026-03-02T12:00", UTC_ZONE, {"duration": 1.5, "unit": "days"}, "2026-03-04T00:00"),
    ("2026-03-06T12:00", UTC_ZONE, {"duration": 1, "unit": "days", "business_days_only": True}, "2026-03-09T12:00"),
    ("2026-03-06T12:00", UTC_ZONE, {"duration": 3, "unit": "days", "business_days_only": True}, "2026-03-11T12:00"),
    ("2026-03-07T12:00", UTC_ZONE, {"duration": 1, "unit": "days", "business_days_only": True}, "2026-03-09T12:00"),
    ("2026-03-07T12:00", UTC_ZONE, {"duration": 5, "unit": "days", "business_days_only": True}, "2026-03-13T12:00"),
    ("2026-03-04T12:00", UTC_ZONE, {"duration": 2, "unit": "weeks", "business_days_only": True}, "2026-03-18T12:00"),
    ("2026-03-06T23:00", UTC_ZONE, {"duration": 2, "unit": "hours", "business_days_only": True}, "2026-03-09T01:00"),
    ("2026-03-27T17:00", BERLIN, {"duration": 1, "unit": "days", "business_days_only": True}, "2026-03-30T16:00"),
    ("2026-03-06T23:30", NEW_YORK, {"duration": 1, "unit": "hours", "business_days_only": True}, "2026-03-07T00:30"),
]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(("start", "timezone", "config", "due"), KNOWN_WAITS)
def test_known_waits(start: str, timezone: str, config: dict[str, Any], due: str) -> None:
    assert due_at(WaitConfig.model_validate(config), moment(start), timezone, 1, 1) == moment(due)


MOMENTS = st.integers(1_577_836_800, 1_893_456_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
ZONES = st.sampled_from([BERLIN, NEW_YORK, UTC_ZONE, "Asia/Kolkata", "Pacific/Chatham", "Africa/Casablanca"])


@given(MOMENTS, ZONES, st.integers(1, 60), st.booleans(), st.integers(0, 90))
def test_a_wait_of_days_keeps_the_wall_time_and_is_never_early(
    start: datetime, timezone: str, days: int, business: bool, jitter: int
) -> None:
    config = WaitConfig.model_validate({"duration": days, "unit": "days", "business_days_only": business})
    due = due_at(config, start, timezone, 1, 1)
    assert due > start
    assert due >= start + timedelta(days=days, hours=-2)
    if business:
        assert due.astimezone(zone(timezone)).weekday() < 5
    jittered = config.model_copy(update={"jitter_minutes": jitter})
    assert due_at(jittered, start, timezone, 1, 1) >= due


def test_jitter_is_the_same_at_every_recomputation_and_differs_between_contacts() -> None:
    config = WaitConfig.model_validate({"duration": 1, "unit": "hours", "jitter_minutes": 60})
    start = moment("2026-03-02T12:00")
    dues = [due_at(config, start, "UTC", enrollment, 1) for enrollment in range(200)]
    assert dues == [due_at(config, start, "UTC", enrollment, 1) for enrollment in range(200)]
    assert len(set(dues)) > 150
    assert all(timedelta(hours=1) <= due - start <= timedelta(hours=2) for due in dues)


def test_decide_waits_until_due_and_then_goes_on() -> None:
    step, config = WaitStep(), WaitConfig.model_validate({"duration": 10, "unit": "minute"})
    ctx = context()
    due = ctx.now + timedelta(minutes=10)
    assert step.decide(config, ctx) == WaitUntil(at=due, reason="wait")
    assert step.decide(config, replace(ctx, now=due - timedelta(microseconds=1))) == WaitUntil(at=due, reason="wait")
    assert isinstance(step.decide(config, replace(ctx, now=due)), Advance)


def test_an_unknown_zone_is_named() -> None:
    for name in ("Mars/Olympus", "", "../../etc/passwd", "Europe/Berlin\x00"):
        with pytest.raises(UnknownTimezoneError, match="IANA"):
            zone(name)


# (now UTC, start, end, zone, business days only, opens UTC)
KNOWN_WINDOWS: list[tuple[str, str, str, str, bool, str]] = [
    ("2026-03-02T12:00", "09:00", "17:00", UTC_ZONE, False, "2026-03-02T12:00"),
    ("2026-03-02T08:59", "09:00", "17:00", UTC_ZONE, False, "2026-03-02T09:00"),
    ("2026-03-02T17:00", "09:00", "17:00", UTC_ZONE, False, "2026-03-03T09:00"),
    ("2026-03-06T18:00", "09:00", "17:00", UTC_ZONE, True, "2026-03-09T09:00"),
    ("2026-03-02T12:00", "09:00", "17:00", NEW_YORK, False, "2026-03-02T14:00"),
    ("2026-03-02T01:00", "22:00", "06:00", UTC_ZONE, False, "2026-03-02T01:00"),
    ("2026-03-02T12:00", "22:00", "06:00", UTC_ZONE, False, "2026-03-02T22:00"),
    ("2026-03-29T00:00", "02:30", "05:00", BERLIN, False, "2026-03-29T01:30"),  # opens past the gap, at 03:30
    ("2026-10-25T00:00", "02:30", "05:00", BERLIN, False, "2026-10-25T00:30"),  # the first 02:30
    ("2026-03-28T18:00", "09:00", "17:00", BERLIN, False, "2026-03-29T07:00"),  # already summer time
    ("2026-03-07T01:00", "22:00", "06:00", UTC_ZONE, True, "2026-03-07T01:00"),  # Friday's window
    ("2026-03-08T23:00", "22:00", "06:00", UTC_ZONE, True, "2026-03-09T22:00"),
]


@pytest.mark.parametrize(("now", "start", "end", "timezone", "business", "opens"), KNOWN_WINDOWS)
def test_known_windows(now: str, start: str, end: str, timezone: str, business: bool, opens: str) -> None:
    found = next_opening(
        moment(now), time.fromisoformat(start), time.fromisoformat(end), zone(timezone), business_days_only=business
    )
    assert found == moment(opens)
