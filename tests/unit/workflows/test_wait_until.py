"""`wait_until` against known answers (gaps, folds, odd offsets, date lines, holidays) and against a slow search."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drippulse.workflows.dry_run import dry_run
from drippulse.workflows.graph import compile_graph
from drippulse.workflows.holiday_calendar import canonical, is_holiday
from drippulse.workflows.opening_days import Opening
from drippulse.workflows.steps.base import Advance, WaitUntil
from drippulse.workflows.steps.wait_until import WaitUntilConfig, WaitUntilStep, Weekday, due_at
from drippulse.workflows.values import parse_date
from drippulse.workflows.wall_clock import zone
from tests.support.walks import NOW, TEMPLATES, context, step

BERLIN, NEW_YORK, LORD_HOWE, SYDNEY = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Australia/Sydney"
SANTIAGO, CHATHAM, APIA, TOKYO = "America/Santiago", "Pacific/Chatham", "Pacific/Apia", "Asia/Tokyo"
WORKDAYS = ["mon", "tue", "wed", "thu", "fri"]
OFFICE = {"start": "09:00", "end": "17:00"}
NIGHT = {"start": "22:00", "end": "06:00"}
MONDAY = "2026-03-02T12:00"

# (entered UTC, contact's zone, config, due UTC)
KNOWN: list[tuple[str, str, dict[str, Any], str]] = [
    (MONDAY, "UTC", {"at": "2026-05-01T09:00Z"}, "2026-05-01T09:00"),
    (MONDAY, BERLIN, {"at": "2026-05-01T09:00"}, "2026-05-01T07:00"),
    (MONDAY, BERLIN, {"at": "2026-05-01"}, "2026-04-30T22:00"),  # the day begins in Berlin
    (MONDAY, BERLIN, {"at": "2026-05-01T09:00+05:30"}, "2026-05-01T03:30"),
    (MONDAY, NEW_YORK, {"at": "2026-05-01", "time_of_day": "09:00"}, "2026-05-01T13:00"),
    # Gaps: the wall time does not exist and moves past them
    (MONDAY, BERLIN, {"at": "2026-03-29T01:59"}, "2026-03-29T00:59"),
    (MONDAY, BERLIN, {"at": "2026-03-29T02:00"}, "2026-03-29T01:00"),
    (MONDAY, BERLIN, {"at": "2026-03-29T02:30"}, "2026-03-29T01:30"),
    (MONDAY, NEW_YORK, {"at": "2026-03-08T02:30"}, "2026-03-08T07:30"),
    (MONDAY, LORD_HOWE, {"at": "2026-10-04T02:15"}, "2026-10-03T15:45"),  # a gap of half an hour
    (MONDAY, SYDNEY, {"at": "2026-10-04T02:30"}, "2026-10-03T16:30"),
    (MONDAY, SANTIAGO, {"at": "2026-09-06"}, "2026-09-06T04:00"),  # midnight itself is left out
    (MONDAY, CHATHAM, {"at": "2026-09-27T03:00"}, "2026-09-26T14:15"),
    (MONDAY, "Antarctica/Troll", {"at": "2026-03-29T01:30"}, "2026-03-29T01:30"),  # a gap of two hours
    ("2026-03-28T12:00", BERLIN, {"time_of_day": "02:30"}, "2026-03-29T01:30"),
    ("2026-03-29T00:00", BERLIN, {"window": {"start": "02:30", "end": "05:00"}}, "2026-03-29T01:30"),
    ("2026-03-29T00:30", BERLIN, {"window": {"start": "02:00", "end": "03:00"}}, "2026-03-30T00:00"),  # left out
    (MONDAY, BERLIN, {"at": "2026-03-29T02:30", "weekdays": ["mon"]}, "2026-03-30T00:30"),  # 02:30 again on Monday
    # Folds: the wall time comes twice and means the first
    (MONDAY, BERLIN, {"at": "2026-10-25T02:30"}, "2026-10-25T00:30"),
    (MONDAY, BERLIN, {"at": "2026-10-25T03:00"}, "2026-10-25T02:00"),
    (MONDAY, NEW_YORK, {"at": "2026-11-01T01:30"}, "2026-11-01T05:30"),
    (MONDAY, LORD_HOWE, {"at": "2026-04-05T01:45"}, "2026-04-04T14:45"),
    (MONDAY, SYDNEY, {"at": "2026-04-05T02:30"}, "2026-04-04T15:30"),
    (MONDAY, SANTIAGO, {"at": "2026-04-04T23:30"}, "2026-04-05T02:30"),
    (MONDAY, CHATHAM, {"at": "2026-04-05T03:00"}, "2026-04-04T13:15"),
    ("2026-10-25T00:45", BERLIN, {"time_of_day": "02:30"}, "2026-10-26T01:30"),  # not the second 02:30
    ("2026-10-25T01:20", BERLIN, {"window": {"start": "02:15", "end": "02:45"}}, "2026-10-26T01:15"),
    # Offsets of :30 and :45, the date line, a day that was left out
    (MONDAY, "Asia/Kathmandu", {"time_of_day": "09:00"}, "2026-03-03T03:15"),
    (MONDAY, "Asia/Kolkata", {"time_of_day": "18:00"}, "2026-03-02T12:30"),
    (MONDAY, "Australia/Eucla", {"at": "2026-05-01T08:45"}, "2026-05-01T00:00"),
    (MONDAY, "America/St_Johns", {"at": "2026-07-01T09:00"}, "2026-07-01T11:30"),
    (MONDAY, "Europe/Dublin", {"at": "2026-07-01T09:00"}, "2026-07-01T08:00"),  # winter time is the exception there
    (MONDAY, "Africa/Casablanca", {"time_of_day": "09:00"}, "2026-03-03T09:00"),  # an hour back in Ramadan
    (MONDAY, "Africa/Casablanca", {"at": "2026-05-01T09:00"}, "2026-05-01T08:00"),
    ("2025-12-01T00:00", "Pacific/Kiritimati", {"at": "2026-01-01"}, "2025-12-31T10:00"),
    ("2025-12-01T00:00", "Pacific/Pago_Pago", {"at": "2026-01-01"}, "2026-01-01T11:00"),
    ("2011-12-29T20:00", APIA, {"time_of_day": "09:00"}, "2011-12-30T19:00"),  # 31 December: there was no 30th
    ("2011-12-29T20:00", APIA, {"time_of_day": "09:00", "weekdays": ["fri"]}, "2012-01-05T19:00"),
    ("2011-12-30T11:00", APIA, {"window": OFFICE, "weekdays": ["fri"]}, "2012-01-05T19:00"),
    ("2011-12-29T20:00", APIA, {"at": "2011-12-30T12:00"}, "2011-12-30T22:00"),
    ("1993-08-20T00:00", "Pacific/Kwajalein", {"at": "1993-08-21T08:00"}, "1993-08-21T20:00"),
    # Leap days and year ends
    ("2028-02-01T00:00", "UTC", {"at": "2028-02-29", "time_of_day": "09:00"}, "2028-02-29T09:00"),
    ("2028-02-28T12:00", "UTC", {"time_of_day": "09:00"}, "2028-02-29T09:00"),
    ("2027-02-28T12:00", "UTC", {"time_of_day": "09:00"}, "2027-03-01T09:00"),
    (MONDAY, "UTC", {"at": "2028-03-01", "offset": {"duration": -1, "unit": "day"}}, "2028-02-29T00:00"),
    (MONDAY, "UTC", {"at": "2027-03-01", "offset": {"duration": -1, "unit": "days"}}, "2027-02-28T00:00"),
    (MONDAY, "UTC", {"at": "2028-02-29", "offset": {"duration": 52, "unit": "weeks"}}, "2029-02-27T00:00"),
    ("2026-12-31T23:30", "UTC", {"time_of_day": "00:15"}, "2027-01-01T00:15"),
    (MONDAY, NEW_YORK, {"at": "2026-12-31T23:59:59"}, "2027-01-01T04:59:59"),
    # Offsets: days are wall time, hours are absolute
    (MONDAY, BERLIN, {"at": "2026-03-29T09:00", "offset": {"duration": -1, "unit": "days"}}, "2026-03-28T08:00"),
    (MONDAY, BERLIN, {"at": "2026-03-29T09:00", "offset": {"duration": -24, "unit": "hours"}}, "2026-03-28T07:00"),
    (MONDAY, BERLIN, {"at": "2026-03-30T02:30", "offset": {"duration": -1, "unit": "days"}}, "2026-03-29T01:30"),
    (MONDAY, BERLIN, {"at": "2026-10-25T01:30Z", "offset": {"duration": 0, "unit": "days"}}, "2026-10-25T01:30"),
    (MONDAY, "UTC", {"at": "2026-05-03", "offset": {"duration": -1.5, "unit": "days"}}, "2026-05-01T12:00"),
    (
        MONDAY,
        NEW_YORK,
        {"at": "2026-05-04", "time_of_day": "09:00", "offset": {"duration": -3, "unit": "days"}},
        "2026-05-01T13:00",
    ),
    (
        MONDAY,
        "UTC",
        {"at": "2026-05-04", "time_of_day": "09:00", "offset": {"duration": -2, "unit": "hours"}, "window": OFFICE},
        "2026-05-04T09:00",  # 07:00 is before the window opens
    ),
    (
        MONDAY,
        "UTC",
        {"at": "2026-05-04", "time_of_day": "10:00", "offset": {"duration": -2, "unit": "hours"}, "window": OFFICE},
        "2026-05-04T09:00",  # 08:00 is too early: the opening, no longer the time of day
    ),
    (
        MONDAY,
        "UTC",
        {"at": "2026-05-04", "time_of_day": "18:00", "offset": {"duration": -2, "unit": "hours"}, "window": OFFICE},
        "2026-05-04T16:00",
    ),
    (
        MONDAY,
        "UTC",
        {"at": "2026-05-02", "time_of_day": "10:00", "offset": {"duration": -2, "unit": "hours"}, "weekdays": WORKDAYS},
        "2026-05-04T08:00",
    ),
    # A time of day is always ahead, a weekday and a window may hold at once
    ("2026-03-02T09:00", "UTC", {"time_of_day": "09:00"}, "2026-03-03T09:00"),
    ("2026-03-02T08:59:59", "UTC", {"time_of_day": "09:00"}, "2026-03-02T09:00"),
    ("2026-03-28T09:00", BERLIN, {"time_of_day": "09:00"}, "2026-03-29T07:00"),
    (MONDAY, BERLIN, {"time_of_day": "09:00", "timezone": NEW_YORK}, "2026-03-02T14:00"),
    (MONDAY, BERLIN, {"time_of_day": "13:00", "timezone": "UTC"}, "2026-03-02T13:00"),
    ("2026-03-06T12:00", "UTC", {"time_of_day": "09:00", "weekdays": WORKDAYS}, "2026-03-09T09:00"),
    (MONDAY, "UTC", {"weekdays": ["sat"]}, "2026-03-07T12:00"),
    (MONDAY, "UTC", {"weekdays": ["mon"]}, MONDAY),
    ("2026-03-01T23:30", TOKYO, {"weekdays": ["mon"]}, "2026-03-01T23:30"),  # Monday there
    (MONDAY, "UTC", {"window": OFFICE}, MONDAY),
    ("2026-03-02T17:00", "UTC", {"window": OFFICE}, "2026-03-03T09:00"),
    ("2026-03-28T18:00", BERLIN, {"window": OFFICE}, "2026-03-29T07:00"),
    ("2026-03-06T18:00", "UTC", {"window": OFFICE, "weekdays": WORKDAYS}, "2026-03-09T09:00"),
    ("2026-03-07T01:00", "UTC", {"window": NIGHT, "weekdays": ["fri"]}, "2026-03-07T01:00"),  # Friday's night
    ("2026-03-06T01:00", "UTC", {"window": NIGHT, "weekdays": ["fri"]}, "2026-03-06T22:00"),  # Thursday's night
    ("2026-03-02T12:00", "UTC", {"window": NIGHT, "weekdays": ["fri"], "time_of_day": "02:00"}, "2026-03-07T02:00"),
    # A date on a day that is not allowed
    (MONDAY, "UTC", {"at": "2026-03-07T10:00", "weekdays": WORKDAYS}, "2026-03-09T10:00"),
    (MONDAY, "UTC", {"at": "2026-03-07T10:00", "weekdays": WORKDAYS, "window": OFFICE}, "2026-03-09T09:00"),
    (
        MONDAY,
        "UTC",
        {"at": "2026-03-07", "time_of_day": "10:00", "weekdays": WORKDAYS, "window": OFFICE},
        "2026-03-09T10:00",
    ),
    (MONDAY, "UTC", {"at": "2026-03-03T20:00", "window": OFFICE}, "2026-03-04T09:00"),
    # Holidays
    (MONDAY, BERLIN, {"at": "2026-12-25", "time_of_day": "09:00", "holidays": "DE"}, "2026-12-27T08:00"),
    (
        MONDAY,
        BERLIN,
        {"at": "2026-12-25", "time_of_day": "09:00", "holidays": "de", "weekdays": WORKDAYS},
        "2026-12-28T08:00",
    ),
    (
        MONDAY,
        NEW_YORK,
        {"at": "2026-07-03", "time_of_day": "09:00", "holidays": "US", "weekdays": WORKDAYS},
        "2026-07-06T13:00",  # the 4th is a Saturday and observed on Friday
    ),
    ("2026-01-02T00:00", BERLIN, {"at": "2026-01-06T09:00", "holidays": "DE"}, "2026-01-06T08:00"),
    ("2026-01-02T00:00", BERLIN, {"at": "2026-01-06T09:00", "holidays": "DE-BY"}, "2026-01-07T08:00"),
    (MONDAY, TOKYO, {"at": "2026-05-03T09:00", "holidays": "JP"}, "2026-05-07T00:00"),  # Golden Week
    ("2026-12-25T03:00", "Europe/London", {"window": OFFICE, "holidays": "GB"}, "2026-12-27T09:00"),
    # Past dates are not waited for; days and hours still hold
    (MONDAY, "UTC", {"at": "2026-03-02T12:00"}, MONDAY),
    (MONDAY, "UTC", {"at": "2026-01-01"}, MONDAY),
    (MONDAY, "UTC", {"at": "2026-03-02", "time_of_day": "09:00"}, MONDAY),
    ("2026-03-02T20:00", "UTC", {"at": "2026-01-01", "window": OFFICE}, "2026-03-03T09:00"),
    ("2026-03-07T15:00", "UTC", {"at": "2026-01-01", "weekdays": WORKDAYS}, "2026-03-09T15:00"),
    ("2026-03-07T15:00", "UTC", {"at": "2026-01-01", "time_of_day": "09:00", "weekdays": WORKDAYS}, "2026-03-09T09:00"),
]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due(entered: datetime, timezone: str, config: WaitUntilConfig) -> datetime | None:
    return due_at(config, config.opening(timezone, "UTC"), parse_date(config.at), entered)[0]


@pytest.mark.parametrize(("entered", "timezone", "config", "expected"), KNOWN)
def test_known_answers(entered: str, timezone: str, config: dict[str, Any], expected: str) -> None:
    compile_graph([step("wait_until", **config)])
    assert due(moment(entered), timezone, WaitUntilConfig.model_validate(config)) == moment(expected)


QUARTERS = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))
ZONES = st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, CHATHAM, SANTIAGO, "UTC", "Asia/Kathmandu", APIA])
DAYS = st.none() | st.sets(st.sampled_from(list(Weekday)), min_size=1)
WINDOWS = st.none() | st.tuples(QUARTERS, QUARTERS).filter(lambda window: window[0] != window[1])


def config_of(days: set[Weekday] | None, window: tuple[time, time] | None, clock: time | None) -> WaitUntilConfig:
    hours = window and {"start": window[0].isoformat(), "end": window[1].isoformat()}
    return WaitUntilConfig.model_validate(
        {"weekdays": days and list(days), "window": hours, "time_of_day": clock and clock.isoformat()}
    )


def open_by_the_clock(wall: datetime, days: set[Weekday] | None, window: tuple[time, time] | None) -> bool:
    """What "open" means, read off the clock on the wall; true of times when no clock changes."""
    opened = wall.date()
    if window is not None:
        start, end = window
        overnight = end < start
        if not (start <= wall.time() < end if not overnight else wall.time() >= start or wall.time() < end):
            return False
        opened -= timedelta(days=overnight and wall.time() < end)
    return days is None or list(Weekday)[opened.weekday()] in days


@given(st.integers(0, 20 * 96), ZONES, DAYS, WINDOWS, st.none() | QUARTERS)
def test_a_search_by_quarters_of_an_hour_finds_the_same(
    quarters: int, timezone: str, days: set[Weekday] | None, window: tuple[time, time] | None, clock: time | None
) -> None:
    config = config_of(days, window, clock)
    if list(WaitUntilStep().problems(config)):
        return
    entered = moment("2026-06-01T00:00") + quarters * timedelta(minutes=15)
    kept = clock or (None if window else entered.astimezone(zone(timezone)).time())
    for tick in range(16 * 96):
        found = entered + tick * timedelta(minutes=15)
        wall = found.astimezone(zone(timezone)).replace(tzinfo=None)
        ahead = tick > 0 or clock is None
        if ahead and (kept is None or wall.time() == kept) and open_by_the_clock(wall, days, window):
            assert due(entered, timezone, config) == found
            return
    raise AssertionError("never opens")


MOMENTS = st.integers(1_577_836_800, 1_893_456_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(MOMENTS, MOMENTS, ZONES, DAYS, WINDOWS, st.none() | QUARTERS)
def test_never_early_always_open_and_stable_through_the_whole_year(
    entered: datetime,
    at: datetime,
    timezone: str,
    days: set[Weekday] | None,
    window: tuple[time, time] | None,
    clock: time | None,
) -> None:
    config = config_of(days, window, None).model_copy(update={"at": at.isoformat()})
    found = due(entered, timezone, config)
    assert found is not None
    assert found >= max(at, entered)
    assert config.opening(timezone, "UTC").is_open(found)
    assert due(found, timezone, config) == found
    timed = config_of(days, window, clock)
    if clock is not None and not list(WaitUntilStep().problems(timed)):
        ahead = due(entered, timezone, timed)
        assert ahead is not None
        assert ahead > entered
        assert timed.opening(timezone, "UTC").is_open(ahead)


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())))
def test_no_value_of_a_date_field_breaks_the_step(value: Any) -> None:
    config = WaitUntilConfig.model_validate({"date_field": "d", "offset": {"duration": 260, "unit": "weeks"}})
    WaitUntilStep().decide(config, context({"d": value}, timezone=APIA))


@pytest.mark.parametrize(
    ("value", "due_text"),
    [
        ("2026-05-01", "2026-04-30T22:00"),
        (" 2026-05-01T09:00 ", "2026-05-01T07:00"),
        ("2026-05-01T09:00:00Z", "2026-05-01T09:00"),
        ("2026-05-01T09:00:00-04:00", "2026-05-01T13:00"),
        (1_777_626_000, "2026-05-01T09:00"),
        (1_777_626_000_000, "2026-05-01T09:00"),
    ],
)
def test_a_date_field_is_a_date_a_time_or_a_unix_time(value: Any, due_text: str) -> None:
    config = WaitUntilConfig.model_validate({"date_field": "{{ deal.close }}"})
    decided = WaitUntilStep().decide(config, context({"deal": {"close": value}}, timezone=BERLIN))
    assert decided == WaitUntil(at=moment(due_text), reason="wait_until")


@pytest.mark.parametrize(
    "value", [None, "", "  ", "soon", "2026-02-29", "32/13/2026", True, [], {}, "9999-12-31", 1e300]
)
def test_a_missing_or_unreadable_date_is_skipped_with_the_reason(value: Any) -> None:
    decided = WaitUntilStep().decide(WaitUntilConfig(date_field="renewal"), context({"renewal": value}))
    assert isinstance(decided, Advance)
    assert decided.skipped is not None
    assert "`renewal` is " in decided.skipped
    assert decided.output == {"wait_until": {"due": None, "already_past": False}}


def test_waits_until_due_and_then_says_since_when() -> None:
    ctx, config = context(timezone=BERLIN), WaitUntilConfig(at="2026-03-03T09:00")
    due_moment = moment("2026-03-03T08:00")
    waiting = WaitUntil(at=due_moment, reason="wait_until")
    assert WaitUntilStep().decide(config, ctx) == waiting
    assert WaitUntilStep().decide(config, replace(ctx, now=due_moment - timedelta(microseconds=1))) == waiting
    done = WaitUntilStep().decide(config, replace(ctx, now=due_moment + timedelta(hours=5)))
    assert isinstance(done, Advance)
    assert done.output == {"wait_until": {"due": "2026-03-03T08:00:00.000Z", "already_past": False}}


def test_a_past_date_goes_on_at_once_and_the_output_tells() -> None:
    done = WaitUntilStep().decide(WaitUntilConfig(at="2026-03-01"), context())
    assert isinstance(done, Advance)
    assert done.output == {"wait_until": {"due": "2026-03-02T12:00:00.000Z", "already_past": True}}
    assert done.logs == ("The date was already past: went on at once",)


def test_a_time_reached_while_waiting_or_just_now_is_not_past() -> None:
    config = WaitUntilConfig(at="2026-03-05")
    just_now = WaitUntilStep().decide(WaitUntilConfig(at=NOW.isoformat()), context())
    assert isinstance(just_now, Advance)
    assert just_now.output["wait_until"]["already_past"] is False
    done = WaitUntilStep().decide(config, replace(context(), now=moment("2026-03-09T00:00")))
    assert isinstance(done, Advance)
    assert done.output["wait_until"]["already_past"] is False


def test_the_zone_of_the_organization_is_one_of_its_own() -> None:
    config = WaitUntilConfig.model_validate({"time_of_day": "09:00", "timezone": "org"})
    ctx = replace(context(timezone=NEW_YORK), organization_timezone=TOKYO)
    assert WaitUntilStep().decide(config, ctx) == WaitUntil(at=moment("2026-03-03T00:00"), reason="wait_until")


def test_days_that_are_never_allowed_are_skipped_and_do_not_search_for_ever() -> None:
    shut = Opening(tz=zone("UTC"), weekdays=frozenset())
    assert shut.next_opening(NOW) is None
    assert shut.next_at(time(9), NOW) is None


def test_the_next_time_of_day_may_be_this_moment() -> None:
    assert Opening(tz=zone("UTC")).next_at(time(12), NOW) == NOW
    assert Opening(tz=zone("UTC")).next_at(time(12), NOW + timedelta(seconds=1)) == NOW + timedelta(days=1)


def test_weekdays_are_names_short_names_or_iso_numbers() -> None:
    config = WaitUntilConfig.model_validate({"weekdays": ["Monday", "TUE", 3, Weekday.SUNDAY]})
    assert config.weekdays == [Weekday.MONDAY, Weekday.TUESDAY, Weekday.WEDNESDAY, Weekday.SUNDAY]
    for wrong in (0, 8, True, "mo", "someday", None):
        with pytest.raises(ValidationError):
            WaitUntilConfig.model_validate({"weekdays": [wrong]})


def test_holidays_by_country_and_region() -> None:
    assert (canonical(" de-by "), canonical("us")) == ("DE-BY", "US")
    assert is_holiday("DE-BY", date(2026, 1, 6))
    assert not is_holiday("DE", date(2026, 1, 6))
    assert not is_holiday("DE", date(2199, 12, 25))  # beyond what is known, nothing is a holiday


def test_a_dry_run_does_not_wait_and_time_goes_on() -> None:
    steps = [step("wait_until", "w", time_of_day="09:00"), step("wait_until", time_of_day="09:00", timezone=NEW_YORK)]
    answer = dry_run(compile_graph(steps), now=NOW, templates=TEMPLATES, timezone=BERLIN)
    assert [line for line in answer["logs"] if line.startswith("[test]")] == [
        "[test] Would wait until 2026-03-03T08:00:00.000Z (wait_until)",
        "[test] Would wait until 2026-03-03T14:00:00.000Z (wait_until)",
    ]
    assert answer["sample_data"]["wait_until"] == {"due": "2026-03-03T14:00:00.000Z", "already_past": False}
