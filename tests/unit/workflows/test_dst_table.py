"""Waits over clock changes: a table of instants worked out by hand from the zones' published rules.

Each row gives when a step is entered and when it is due, both in UTC. The comments have the wall times.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drippulse.workflows.steps.base import Advance, WaitUntil
from drippulse.workflows.steps.wait import WaitConfig, WaitStep, due_at
from drippulse.workflows.steps.wait_until import WaitUntilConfig, WaitUntilStep
from tests.support.walks import context

BERLIN, NEW_YORK, SYDNEY = "Europe/Berlin", "America/New_York", "Australia/Sydney"
LORD_HOWE, APIA, CASABLANCA = "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"

# In each row: what it shows, the zone, when the step is entered, the wait, when it is due.
SPANS: list[tuple[str, str, str, dict[str, Any], str]] = [
    # Berlin, 29 March 2026: 02:00 CET (+1) becomes 03:00 CEST (+2) at 01:00Z.
    ("a day over a gap is 23 hours", BERLIN, "2026-03-28T11:00Z", {"duration": 1, "unit": "days"}, "2026-03-29T10:00Z"),
    ("24 hours over a gap", BERLIN, "2026-03-28T11:00Z", {"duration": 24, "unit": "hours"}, "2026-03-29T11:00Z"),
    (
        "1440 minutes over a gap",
        BERLIN,
        "2026-03-28T11:00Z",
        {"duration": 1440, "unit": "minutes"},
        "2026-03-29T11:00Z",
    ),
    # 28 March 02:30 CET; a day later 02:30 does not exist and means 03:30 CEST.
    ("a day into the gap", BERLIN, "2026-03-28T01:30Z", {"duration": 1, "unit": "days"}, "2026-03-29T01:30Z"),
    ("a week over a gap", BERLIN, "2026-03-25T08:00Z", {"duration": 1, "unit": "weeks"}, "2026-04-01T07:00Z"),
    ("an hour over a gap", BERLIN, "2026-03-29T00:30Z", {"duration": 1, "unit": "hours"}, "2026-03-29T01:30Z"),
    # Berlin, 25 October 2026: 03:00 CEST becomes 02:00 CET at 01:00Z.
    (
        "a day over a fold is 25 hours",
        BERLIN,
        "2026-10-24T10:00Z",
        {"duration": 1, "unit": "days"},
        "2026-10-25T11:00Z",
    ),
    ("24 hours over a fold", BERLIN, "2026-10-24T10:00Z", {"duration": 24, "unit": "hours"}, "2026-10-25T10:00Z"),
    # 24 October 02:30 CEST; 25 October has 02:30 twice, and the first one counts.
    ("a day into the fold", BERLIN, "2026-10-24T00:30Z", {"duration": 1, "unit": "days"}, "2026-10-25T00:30Z"),
    # Entered in the second 02:30 (CET); a day later there is one only.
    ("a day out of the fold", BERLIN, "2026-10-25T01:30Z", {"duration": 1, "unit": "days"}, "2026-10-26T01:30Z"),
    (
        "half a day after a day over a fold",
        BERLIN,
        "2026-10-24T10:00Z",
        {"duration": 1.5, "unit": "days"},
        "2026-10-25T23:00Z",
    ),
    # New York, 8 March 2026: 02:00 EST (-5) becomes 03:00 EDT (-4) at 07:00Z; 1 November: back at 06:00Z.
    ("a day over a gap", NEW_YORK, "2026-03-07T14:00Z", {"duration": 1, "unit": "days"}, "2026-03-08T13:00Z"),
    ("a day into the gap", NEW_YORK, "2026-03-07T07:30Z", {"duration": 1, "unit": "days"}, "2026-03-08T07:30Z"),
    ("a day over a fold", NEW_YORK, "2026-10-31T13:00Z", {"duration": 1, "unit": "days"}, "2026-11-01T14:00Z"),
    ("a day into the fold", NEW_YORK, "2026-10-31T05:30Z", {"duration": 1, "unit": "days"}, "2026-11-01T05:30Z"),
    ("two weeks over a gap", NEW_YORK, "2026-03-01T14:00Z", {"duration": 2, "unit": "weeks"}, "2026-03-15T13:00Z"),
    # Sydney, in the south: 4 October 2026, 02:00 AEST (+10) becomes 03:00 AEDT (+11) at 16:00Z the day before.
    ("a day over a southern gap", SYDNEY, "2026-10-03T02:00Z", {"duration": 1, "unit": "days"}, "2026-10-04T01:00Z"),
    # 5 April 2026: 03:00 AEDT becomes 02:00 AEST at 16:00Z the day before.
    ("a day over a southern fold", SYDNEY, "2026-04-04T01:00Z", {"duration": 1, "unit": "days"}, "2026-04-05T02:00Z"),
    (
        "24 hours over a southern fold",
        SYDNEY,
        "2026-04-04T01:00Z",
        {"duration": 24, "unit": "hours"},
        "2026-04-05T01:00Z",
    ),
    # Santiago, 6 September 2026: 00:00 (-4) becomes 01:00 (-3) at 04:00Z. Midnight does not exist and means 01:00.
    (
        "a day to a midnight that is skipped",
        "America/Santiago",
        "2026-09-05T04:00Z",
        {"duration": 1, "unit": "days"},
        "2026-09-06T04:00Z",
    ),
    # Lord Howe changes by half an hour: 4 October 2026, 02:00 (+10:30) becomes 02:30 (+11) at 15:30Z the day before.
    (
        "a day over half an hour's gap",
        LORD_HOWE,
        "2026-10-03T01:30Z",
        {"duration": 1, "unit": "days"},
        "2026-10-04T01:00Z",
    ),
    # 3 October 02:15; a day later that is skipped and means 02:45 (+11).
    (
        "a day into half an hour's gap",
        LORD_HOWE,
        "2026-10-02T15:45Z",
        {"duration": 1, "unit": "days"},
        "2026-10-03T15:45Z",
    ),
    # 5 April 2026: 02:00 (+11) becomes 01:30 (+10:30) at 15:00Z the day before.
    (
        "a day over half an hour's fold",
        LORD_HOWE,
        "2026-04-04T01:00Z",
        {"duration": 1, "unit": "days"},
        "2026-04-05T01:30Z",
    ),
    (
        "a day into half an hour's fold",
        LORD_HOWE,
        "2026-04-03T14:45Z",
        {"duration": 1, "unit": "days"},
        "2026-04-04T14:45Z",
    ),
    # Apia left out 30 December 2011: after 29 December 24:00 (-10) came the 31st 00:00 (+14), at 10:00Z on the 30th.
    (
        "a day into a day that is left out",
        APIA,
        "2011-12-29T19:00Z",
        {"duration": 1, "unit": "days"},
        "2011-12-30T19:00Z",
    ),
    (
        "two days over a day that is left out",
        APIA,
        "2011-12-29T19:00Z",
        {"duration": 2, "unit": "days"},
        "2011-12-30T19:00Z",
    ),
    (
        "three days over a day that is left out",
        APIA,
        "2011-12-29T19:00Z",
        {"duration": 3, "unit": "days"},
        "2011-12-31T19:00Z",
    ),
    (
        "24 hours over a day that is left out",
        APIA,
        "2011-12-29T19:00Z",
        {"duration": 24, "unit": "hours"},
        "2011-12-30T19:00Z",
    ),
    # Morocco is at +1, and at +0 in Ramadan: 15 February 2026, 03:00 becomes 02:00 at 02:00Z; 22 March back.
    ("a day into Ramadan", CASABLANCA, "2026-02-14T11:00Z", {"duration": 1, "unit": "days"}, "2026-02-15T12:00Z"),
    ("a day out of Ramadan", CASABLANCA, "2026-03-21T12:00Z", {"duration": 1, "unit": "days"}, "2026-03-22T11:00Z"),
    ("a week in Ramadan", CASABLANCA, "2026-03-01T12:00Z", {"duration": 1, "unit": "weeks"}, "2026-03-08T12:00Z"),
    # Zones without changes, also odd ones.
    ("a day in Tokyo", "Asia/Tokyo", "2026-03-28T15:30Z", {"duration": 1, "unit": "days"}, "2026-03-29T15:30Z"),
    ("a day in Kolkata", "Asia/Kolkata", "2026-03-28T18:45Z", {"duration": 1, "unit": "days"}, "2026-03-29T18:45Z"),
    ("a day in Kathmandu", "Asia/Kathmandu", "2026-03-28T18:20Z", {"duration": 1, "unit": "days"}, "2026-03-29T18:20Z"),
    ("a day in Phoenix", "America/Phoenix", "2026-03-07T14:00Z", {"duration": 1, "unit": "days"}, "2026-03-08T14:00Z"),
    ("a day in UTC", "UTC", "2026-03-28T11:00Z", {"duration": 1, "unit": "days"}, "2026-03-29T11:00Z"),
    # The year's last day, and a leap day.
    ("a day over new year", "Asia/Tokyo", "2026-12-31T14:00Z", {"duration": 1, "unit": "days"}, "2027-01-01T14:00Z"),
    ("a day to a leap day", BERLIN, "2028-02-28T11:00Z", {"duration": 1, "unit": "days"}, "2028-02-29T11:00Z"),
    # Business days. Friday 27 March 2026 12:00 CET; Monday is CEST.
    (
        "a business day over a weekend with a gap",
        BERLIN,
        "2026-03-27T11:00Z",
        {"duration": 1, "unit": "days", "business_days_only": True},
        "2026-03-30T10:00Z",
    ),
    (
        "five business days are a week",
        BERLIN,
        "2026-03-25T11:00Z",
        {"duration": 5, "unit": "days", "business_days_only": True},
        "2026-04-01T10:00Z",
    ),
    (
        "a business day from a Saturday is Monday",
        BERLIN,
        "2026-03-28T11:00Z",
        {"duration": 1, "unit": "days", "business_days_only": True},
        "2026-03-30T10:00Z",
    ),
    # Friday 22:00 CEST and 3 hours is Saturday 01:00: the same wall time on Monday.
    (
        "hours that end on a weekend end on Monday",
        BERLIN,
        "2026-10-23T20:00Z",
        {"duration": 3, "unit": "hours", "business_days_only": True},
        "2026-10-26T00:00Z",
    ),
    # Friday 23 October 12:00 CEST, two business days later Tuesday 12:00 CET.
    (
        "two business days over a fold",
        BERLIN,
        "2026-10-23T10:00Z",
        {"duration": 2, "unit": "days", "business_days_only": True},
        "2026-10-27T11:00Z",
    ),
]

# In each row: what it shows, the contact's zone, when the step is entered, the step, when it is due.
MOMENTS: list[tuple[str, str, str, dict[str, Any], str]] = [
    ("a time that is skipped", BERLIN, "2026-03-28T12:00Z", {"time_of_day": "02:30"}, "2026-03-29T01:30Z"),
    ("the day after a skipped time", BERLIN, "2026-03-29T01:30Z", {"time_of_day": "02:30"}, "2026-03-30T00:30Z"),
    ("a time that comes twice", BERLIN, "2026-10-24T12:00Z", {"time_of_day": "02:30"}, "2026-10-25T00:30Z"),
    ("between the two", BERLIN, "2026-10-25T00:45Z", {"time_of_day": "02:30"}, "2026-10-26T01:30Z"),
    ("09:00 on the day of a gap", BERLIN, "2026-03-28T12:00Z", {"time_of_day": "09:00"}, "2026-03-29T07:00Z"),
    ("09:00 on the day of a fold", BERLIN, "2026-10-24T12:00Z", {"time_of_day": "09:00"}, "2026-10-25T08:00Z"),
    ("a wall time at a date in the gap", BERLIN, "2026-03-01T00:00Z", {"at": "2026-03-29T02:30"}, "2026-03-29T01:30Z"),
    ("a wall time at a date in the fold", BERLIN, "2026-03-01T00:00Z", {"at": "2026-10-25T02:30"}, "2026-10-25T00:30Z"),
    ("an instant is an instant", BERLIN, "2026-03-01T00:00Z", {"at": "2026-10-25T02:30:00+01:00"}, "2026-10-25T01:30Z"),
    (
        "a date at a time",
        NEW_YORK,
        "2026-03-01T00:00Z",
        {"at": "2026-03-08", "time_of_day": "09:00"},
        "2026-03-08T13:00Z",
    ),
    (
        "a day before a date over a gap",
        BERLIN,
        "2026-03-01T00:00Z",
        {"at": "2026-03-29T12:00", "offset": {"duration": -1, "unit": "days"}},
        "2026-03-28T11:00Z",
    ),
    (
        "24 hours before a date over a gap",
        BERLIN,
        "2026-03-01T00:00Z",
        {"at": "2026-03-29T12:00", "offset": {"duration": -24, "unit": "hours"}},
        "2026-03-28T10:00Z",
    ),
    # 28 March 2026 is a Saturday.
    ("a weekday", BERLIN, "2026-03-28T11:00Z", {"weekdays": ["monday"], "time_of_day": "09:00"}, "2026-03-30T07:00Z"),
    ("a weekday at the same wall time", BERLIN, "2026-03-28T11:00Z", {"weekdays": ["monday"]}, "2026-03-30T10:00Z"),
    (
        "a window that opens in the gap",
        BERLIN,
        "2026-03-28T12:00Z",
        {"window": {"start": "02:15", "end": "05:00"}},
        "2026-03-29T01:15Z",
    ),
    (
        "a window that opens in the fold",
        BERLIN,
        "2026-10-24T12:00Z",
        {"window": {"start": "02:15", "end": "05:00"}},
        "2026-10-25T00:15Z",
    ),
    (
        "an open window",
        BERLIN,
        "2026-10-25T01:15Z",
        {"window": {"start": "02:00", "end": "03:00"}},
        "2026-10-25T01:15Z",
    ),
    # Saturday 23:30 CET is in Friday's window, if that goes to 02:00; Sunday's opens at 22:00 CEST.
    (
        "a window past midnight",
        BERLIN,
        "2026-03-29T01:30Z",
        {"window": {"start": "22:00", "end": "02:00"}},
        "2026-03-29T20:00Z",
    ),
    (
        "a window past midnight of a day that counts",
        BERLIN,
        "2026-03-27T23:30Z",
        {"window": {"start": "22:00", "end": "02:00"}, "weekdays": ["friday"]},
        "2026-03-27T23:30Z",
    ),
    # Good Friday and Easter Monday 2026 are 3 and 6 April; Thursday 2 April 18:00 CEST.
    (
        "Easter in Germany",
        BERLIN,
        "2026-04-02T16:00Z",
        {
            "weekdays": ["mon", "tue", "wed", "thu", "fri"],
            "holidays": "DE",
            "window": {"start": "09:00", "end": "17:00"},
        },
        "2026-04-07T07:00Z",
    ),
    # Christmas 2026: the 25th is a Friday, the 26th a Saturday.
    (
        "Christmas in Germany",
        BERLIN,
        "2026-12-24T20:00Z",
        {"weekdays": ["mon", "tue", "wed", "thu", "fri"], "holidays": "DE", "time_of_day": "10:00"},
        "2026-12-28T09:00Z",
    ),
    # Independence Day 2026 is a Saturday and observed on Friday the 3rd.
    (
        "an observed holiday",
        NEW_YORK,
        "2026-07-02T20:00Z",
        {"weekdays": ["mon", "tue", "wed", "thu", "fri"], "holidays": "US", "time_of_day": "09:00"},
        "2026-07-06T13:00Z",
    ),
    ("a day that is left out", APIA, "2011-12-29T20:00Z", {"time_of_day": "12:00"}, "2011-12-29T22:00Z"),
    ("after a day that is left out", APIA, "2011-12-29T23:00Z", {"time_of_day": "12:00"}, "2011-12-30T22:00Z"),
    ("half an hour's gap", LORD_HOWE, "2026-10-03T00:00Z", {"time_of_day": "02:15"}, "2026-10-03T15:45Z"),
    ("half an hour's fold", LORD_HOWE, "2026-04-04T00:00Z", {"time_of_day": "01:45"}, "2026-04-04T14:45Z"),
    ("Ramadan", CASABLANCA, "2026-02-14T20:00Z", {"time_of_day": "09:00"}, "2026-02-15T09:00Z"),
    (
        "another zone than the contact's",
        BERLIN,
        "2026-03-28T12:00Z",
        {"time_of_day": "09:00", "timezone": "Asia/Tokyo"},
        "2026-03-29T00:00Z",
    ),
    ("UTC", BERLIN, "2026-03-28T12:00Z", {"time_of_day": "09:00", "timezone": "UTC"}, "2026-03-29T09:00Z"),
]


def utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    assert moment.utcoffset() == timedelta(0)
    return moment.astimezone(UTC)


@pytest.mark.parametrize(
    ("what", "zone", "entered", "config", "due"), SPANS, ids=[f"{row[1]} {row[0]}" for row in SPANS]
)
def test_a_wait_ends(what: str, zone: str, entered: str, config: dict[str, Any], due: str) -> None:
    step, parsed = WaitStep(), WaitConfig.model_validate(config)
    ctx = context(now=utc(entered), timezone=zone)
    assert step.decide(parsed, ctx) == WaitUntil(at=utc(due), reason="wait")
    ctx.now = utc(due) - timedelta(microseconds=1)
    assert isinstance(step.decide(parsed, ctx), WaitUntil), "early"
    ctx.now = utc(due)
    assert isinstance(step.decide(parsed, ctx), Advance)


@pytest.mark.parametrize(
    ("what", "zone", "entered", "config", "due"), MOMENTS, ids=[f"{row[1]} {row[0]}" for row in MOMENTS]
)
def test_a_moment_comes(what: str, zone: str, entered: str, config: dict[str, Any], due: str) -> None:
    step, parsed = WaitUntilStep(), WaitUntilConfig.model_validate(config)
    ctx = context(now=utc(entered), timezone=zone)
    decided = step.decide(parsed, ctx)
    if utc(due) == utc(entered):
        assert isinstance(decided, Advance)
        return
    assert decided == WaitUntil(at=utc(due), reason="wait_until")
    ctx.now = utc(due)
    assert isinstance(step.decide(parsed, ctx), Advance)


def test_org_means_the_organizations_zone() -> None:
    parsed = WaitUntilConfig.model_validate({"time_of_day": "09:00", "timezone": "org"})
    ctx = context(now=utc("2026-03-28T12:00Z"), timezone=BERLIN)
    ctx.organization_timezone = NEW_YORK
    assert WaitUntilStep().decide(parsed, ctx) == WaitUntil(at=utc("2026-03-28T13:00Z"), reason="wait_until")


def test_jitter_stays_within_its_bounds_and_differs_between_enrollments() -> None:
    """Over a gap: 28 March 12:00 CET to 29 March 12:00 CEST, and up to 90 minutes."""
    config = WaitConfig.model_validate({"duration": 1, "unit": "days", "jitter_minutes": 90})
    entered, base = utc("2026-03-28T11:00Z"), utc("2026-03-29T10:00Z")
    shifts = [due_at(config, entered, BERLIN, enrollment, 1) - base for enrollment in range(500)]
    assert all(timedelta(0) <= shift <= timedelta(minutes=90) for shift in shifts)
    assert len(set(shifts)) > 400
    assert max(shifts) - min(shifts) > timedelta(minutes=80)
    assert shifts == [due_at(config, entered, BERLIN, enrollment, 1) - base for enrollment in range(500)]
