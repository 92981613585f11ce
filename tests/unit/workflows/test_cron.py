"""Cron: fields, days that never come, and clock changes."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.workflows.cron import never_fires, next_fire, parse

START = datetime(2026, 11, 22, 12, 30, 15, tzinfo=UTC)


def fires(cron: str, after: str, zone: str, times: int) -> list[str]:
    """The next instants, as UTC texts to the minute."""
    found: list[str] = []
    moment = datetime.fromisoformat(after)
    for _ in range(times):
        following = next_fire(cron, moment, ZoneInfo(zone))
        assert following is not None
        assert following.utcoffset() == timedelta(0)
        assert following.second == following.microsecond == 0
        moment = following
        found.append(f"{moment:%Y-%m-%dT%H:%M}")
    return found


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("* * * * *", "2026-11-22T12:31"),
        ("30 12 * * *", "2026-11-23T12:30"),
        ("*/15 * * * *", "2026-11-22T12:45"),
        ("5/20 * * * *", "2026-11-22T12:45"),
        ("0 9 * * 1", "2026-11-23T09:00"),
        ("0 9 * * 0", "2026-11-29T09:00"),
        ("0 9 * * 7", "2026-11-29T09:00"),
        ("0 9 * * 1-5", "2026-11-23T09:00"),
        ("0 0 1 * *", "2026-12-01T00:00"),
        ("0 0 31 * *", "2026-12-31T00:00"),
        ("0 0 31 2,4 1", "2027-02-01T00:00"),
        ("0 0 29 2 *", "2028-02-29T00:00"),
        ("0 0 13 * 5", "2026-11-27T00:00"),
        ("0 0 */31 2 1", "2027-02-01T00:00"),
        ("0,30 8-10/2 * * *", "2026-11-23T08:00"),
        ("59 23 31 12 *", "2026-12-31T23:59"),
    ],
)
def test_the_next_time_in_utc(cron: str, expected: str) -> None:
    assert fires(cron, START.isoformat(), "UTC", 1) == [expected]


@pytest.mark.parametrize("cron", ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "* * 31 9 */2", "0 12 30-31 2 *"])
def test_what_never_fires_is_known_at_once(cron: str) -> None:
    assert never_fires(parse(cron))
    assert next_fire(cron, START, ZoneInfo("UTC")) is None


@pytest.mark.parametrize("cron", ["0 0 30 2 1", "0 0 29 2 *", "0 0 31 * *", "* * * * *"])
def test_what_fires_some_day_is_not_refused(cron: str) -> None:
    assert not never_fires(parse(cron))
    assert next_fire(cron, START, ZoneInfo("UTC")) is not None


NO_CRONS = """* * * *|* * * * * *|60 * * * *|* 24 * * *|* * 0 * *|* * 32 * *|* * * 13 *|* * * * 8|*/0 * * * *
5-1 * * * *|a * * * *|1, * * * *|-1 * * * *|@daily|* * * JAN *|*/00 * * * *"""


@pytest.mark.parametrize("cron", ["", *NO_CRONS.replace("\n", "|").split("|")])
def test_what_is_no_cron_is_refused_with_how_one_looks(cron: str) -> None:
    with pytest.raises(ValueError, match="five fields"):
        parse(cron)


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        # Berlin, 29 March 2026: 02:00 becomes 03:00 at 01:00Z. A skipped time fires once, right after the gap.
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T00:00Z",
            ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"],
        ),
        ("0,15,30,45 2 * * *", "Europe/Berlin", "2026-03-29T00:30Z", ["2026-03-29T01:00", "2026-03-30T00:00"]),
        ("0 2,3 * * *", "Europe/Berlin", "2026-03-29T00:30Z", ["2026-03-29T01:00", "2026-03-30T00:00"]),
        ("0 3 * * *", "Europe/Berlin", "2026-03-28T12:00Z", ["2026-03-29T01:00", "2026-03-30T01:00"]),
        # Berlin, 25 October 2026: 03:00 becomes 02:00 at 01:00Z. A time that comes twice fires once.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30Z", ["2026-10-26T01:30"]),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:45Z", ["2026-10-26T01:30"]),
        ("0 3 * * *", "Europe/Berlin", "2026-10-25T00:45Z", ["2026-10-25T02:00"]),
        # Every hour goes by real time: 24 hours a day have 24 firings, also on days of 23 and 25 hours.
        (
            "0 * * * *",
            "Europe/Berlin",
            "2026-10-24T23:30Z",
            ["2026-10-25T00:00", "2026-10-25T01:00", "2026-10-25T02:00"],
        ),
        ("0 * * * *", "Europe/Berlin", "2026-03-29T00:00Z", ["2026-03-29T01:00", "2026-03-29T02:00"]),
        (
            "*/30 * * * *",
            "Europe/Berlin",
            "2026-10-25T00:15Z",
            ["2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30"],
        ),
        # New York, 8 March and 1 November 2026.
        ("30 2 * * *", "America/New_York", "2026-03-08T00:00Z", ["2026-03-08T07:00", "2026-03-09T06:30"]),
        ("30 1 * * *", "America/New_York", "2026-11-01T00:00Z", ["2026-11-01T05:30", "2026-11-02T06:30"]),
        # Lord Howe puts its clocks by half an hour: 4 October 2026, 02:00 becomes 02:30 at 15:30Z the day before.
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00Z", ["2026-10-03T15:30", "2026-10-04T15:15"]),
        # and 5 April 2026, 02:00 becomes 01:30 at 15:00Z the day before.
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00Z", ["2026-04-04T14:45", "2026-04-05T15:15"]),
        # Apia left out 30 December 2011: from the 29th straight to the 31st, at 10:00Z.
        (
            "0 9 * * *",
            "Pacific/Apia",
            "2011-12-29T18:00Z",
            ["2011-12-29T19:00", "2011-12-30T10:00", "2011-12-30T19:00"],
        ),
        ("0 9 30 12 *", "Pacific/Apia", "2011-12-29T18:00Z", ["2011-12-30T10:00", "2012-12-29T19:00"]),
        # Havana goes from 00:00 to 01:00 on 8 March 2026, at 05:00Z, and back from 01:00 on 1 November, at 05:00Z.
        ("0 0 * * *", "America/Havana", "2026-03-07T12:00Z", ["2026-03-08T05:00", "2026-03-09T04:00"]),
        ("30 0 * * *", "America/Havana", "2026-10-31T12:00Z", ["2026-11-01T04:30", "2026-11-02T05:30"]),
        # No changes at all.
        ("30 2 * * *", "Asia/Kolkata", "2026-03-28T00:00Z", ["2026-03-28T21:00", "2026-03-29T21:00"]),
    ],
)
def test_clock_changes(cron: str, zone: str, after: str, expected: list[str]) -> None:
    assert fires(cron, after, zone, len(expected)) == expected


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Africa/Casablanca"]
HOURS = st.lists(st.integers(0, 23), min_size=1, max_size=5, unique=True)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


@given(st.integers(0, 59), HOURS, st.sampled_from(ZONES), MOMENTS)
def test_every_day_has_each_time_exactly_once(minute: int, hours: list[int], zone: str, after: datetime) -> None:
    """Over four days: as many firings as distinct wall times, each later than the one before."""
    cron, tz = f"{minute} {','.join(map(str, hours))} * * *", ZoneInfo(zone)
    moment = after
    seen: list[datetime] = []
    while moment < after + timedelta(days=4):
        following = next_fire(cron, moment, tz)
        assert following is not None
        assert following > moment
        seen.append(following)
        moment = following
    walls = [one.astimezone(tz).replace(tzinfo=None) for one in seen]
    assert len(set(walls)) == len(walls), "a time that came twice fired twice"
    gaps = [later - earlier for earlier, later in pairwise(seen)]
    assert all(gap <= timedelta(hours=27) for gap in gaps)


@given(st.sampled_from(["* * * * *", "*/7 * * * *", "0 * * * 1", "13 0-23 1 * *"]), st.sampled_from(ZONES), MOMENTS)
def test_every_hour_agrees_with_looking_at_every_minute(cron: str, zone: str, after: datetime) -> None:
    parsed, tz = parse(cron), ZoneInfo(zone)
    moment = after.replace(second=0, microsecond=0)
    for _ in range(3 * 1440):
        moment += timedelta(minutes=1)
        wall = moment.astimezone(tz)
        if parsed.on(wall.date()) and wall.time().replace(tzinfo=None) in parsed.times:
            assert next_fire(cron, after, tz) == moment
            return
    following = next_fire(cron, after, tz)
    assert following is not None
    assert following > moment
