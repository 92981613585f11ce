"""Which days and moments can be stored."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from drippulse.crm.importing import values
from drippulse.kit import moments

BEHIND, AHEAD = timezone(timedelta(hours=-5)), timezone(timedelta(hours=5))
RANGE = "must lie in UTC from 0001-01-02 to 9999-12-30"


@pytest.mark.parametrize("day", [date.min, date.max])
def test_days_that_mean_for_ever_are_refused(day: date) -> None:
    with pytest.raises(ValueError, match="must be from 0001-01-02 to 9999-12-30"):
        moments.storable_day(day)


@pytest.mark.parametrize("day", [date(1, 1, 2), date(2026, 1, 31), date(9999, 12, 30)])
def test_other_days_are_stored(day: date) -> None:
    assert moments.storable_day(day) == day


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime(1, 1, 1, 23, 59, tzinfo=UTC),
        datetime(1, 1, 2, tzinfo=AHEAD),
        datetime(1, 1, 1, tzinfo=AHEAD),
        datetime(9999, 12, 31, tzinfo=UTC),
        datetime(9999, 12, 30, 23, tzinfo=BEHIND),
        datetime(9999, 12, 31, 23, tzinfo=BEHIND),
    ],
)
def test_moments_beyond_are_refused_by_their_day_in_utc(moment: datetime) -> None:
    with pytest.raises(ValueError, match=RANGE):
        moments.storable_moment(moment)


@pytest.mark.parametrize(
    ("moment", "stored"),
    [
        (datetime.fromisoformat("2026-01-31T09:00:00"), datetime(2026, 1, 31, 9, tzinfo=UTC)),
        (datetime(1, 1, 1, 19, tzinfo=BEHIND), datetime(1, 1, 2, tzinfo=UTC)),
        (datetime(9999, 12, 31, 4, tzinfo=AHEAD), datetime(9999, 12, 30, 23, tzinfo=UTC)),
    ],
)
def test_other_moments_are_told_in_utc(moment: datetime, stored: datetime) -> None:
    found = moments.storable_moment(moment)
    assert (found, found.tzinfo) == (stored, UTC)


def test_years_of_a_moment_are_those_in_utc() -> None:
    assert moments.within_years(datetime(2200, 12, 31, tzinfo=UTC), 1900, 2200)
    assert not moments.within_years(datetime(2200, 12, 31, 23, tzinfo=BEHIND), 1900, 2200)
    assert not moments.within_years(datetime.max.replace(tzinfo=BEHIND), 1900, 2200)


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31", "31.12.9999", "9999/12/31", "9999-12-31T00:00:00"])
def test_a_cell_with_such_a_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be from 0001-01-02 to 9999-12-30"):
        values.day(text)


@pytest.mark.parametrize(
    "text", ["0001-01-01", "31.12.9999", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+05:00"]
)
def test_a_cell_with_such_a_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="from 0001-01-02 to 9999-12-30"):
        values.moment(text)


def test_the_last_of_them_are_read() -> None:
    assert values.day("30.12.9999") == "9999-12-30"
    assert values.moment("9999-12-30T23:59:59+00:00") == "9999-12-30T23:59:59+00:00"
