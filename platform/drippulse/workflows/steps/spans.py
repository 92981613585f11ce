"""Spans of time in step configs: an amount and a unit, singular or plural."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator

MAX_SPAN = timedelta(days=5 * 366)


class Unit(StrEnum):
    SECONDS = "seconds"
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"


SPANS = {
    Unit.SECONDS: timedelta(seconds=1),
    Unit.MINUTES: timedelta(minutes=1),
    Unit.HOURS: timedelta(hours=1),
    Unit.DAYS: timedelta(days=1),
    Unit.WEEKS: timedelta(weeks=1),
}
CALENDAR_UNITS = frozenset({Unit.DAYS, Unit.WEEKS})
"""Wall time in a zone; the other units are absolute."""


def _plural(value: Any) -> Any:
    """`1 hour` is as good as `1 hours`."""
    text = value.strip().lower() if isinstance(value, str) else value
    return f"{text}s" if isinstance(text, str) and f"{text}s" in set(Unit) else text


AnyUnit: TypeAlias = Annotated[Unit, BeforeValidator(_plural)]
