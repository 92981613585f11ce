"""Which days and moments can be stored. PostgreSQL's driver takes the first and the last ones that Python has for
infinity: they would not be found again, and what comes out is no day."""

from datetime import UTC, date, datetime
from typing import Final

FIRST_DAY: Final = date(1, 1, 2)
LAST_DAY: Final = date(9999, 12, 30)
RANGE: Final = f"from {FIRST_DAY} to {LAST_DAY}"


def storable_day(day: date) -> date:
    """Raises ValueError with a sentence."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"must be {RANGE}")
    return day


def storable_moment(moment: datetime) -> datetime:
    """In UTC, as what has no offset is already. Raises ValueError with a sentence."""
    told = _utc(moment)
    if told is None or not FIRST_DAY <= told.date() <= LAST_DAY:
        raise ValueError(f"must lie in UTC {RANGE}")
    return told


def within_years(moment: datetime, first: int, last: int) -> bool:
    """Whether its year in UTC is one of them."""
    told = _utc(moment)
    return told is not None and first <= told.year <= last


def _utc(moment: datetime) -> datetime | None:
    """None for a moment before the first or after the last that Python can tell in UTC."""
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None
