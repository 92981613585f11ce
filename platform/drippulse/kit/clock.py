"""Time. Decisions use the database's clock; this one stamps what is not decided by."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def isoformat(moment: datetime) -> str:
    """UTC ISO 8601 with `Z` and milliseconds, as every API answers it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def isoformat_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else isoformat(moment)
