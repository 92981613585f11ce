"""Times as every API answers them."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import example, given
from hypothesis import strategies as st

from drippulse.kit.clock import isoformat

OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC) | OFFSETS)  # noqa: DTZ001 - naive bounds are asked for


@given(MOMENTS)
@example(datetime(2026, 1, 31, 9, tzinfo=UTC))
@example(datetime(2026, 1, 31, 9, 0, 0, 999, tzinfo=UTC))
@example(datetime(2026, 1, 31, 9, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2))))
def test_times_are_utc_with_milliseconds_cut_off(moment: datetime) -> None:
    written = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    assert isoformat(moment) == written.replace("+00:00", "Z")


def test_what_has_no_offset_is_in_utc() -> None:
    """As the driver tells the infinities that a database may hold: a list that has one is answered."""
    assert isoformat(datetime.min) == "0001-01-01T00:00:00.000Z"  # noqa: DTZ901 - that is what it tells
    assert isoformat(datetime.max) == "9999-12-31T23:59:59.999Z"  # noqa: DTZ901
