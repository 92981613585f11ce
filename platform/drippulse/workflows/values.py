"""How conditions read free-form JSON: as a number, a truth, a moment, a span of time. Nothing in here raises."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

_TRUE = frozenset({"true", "yes", "y", "on", "1", "t"})
_FALSE = frozenset({"false", "no", "n", "off", "0", "f"})
_NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,3})?")
_SPAN = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)\s*([a-z]+)")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_UNIX_MILLISECONDS_FROM = 100_000_000_000
FIRST_YEAR, LAST_YEAR = 1900, 2200


def parse_span(value: Any) -> timedelta | None:
    """`{duration: 7, unit: "days"}`, "7 days" or a bare number of days; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, Mapping):
        amount, unit = number(value.get("duration")), str(value.get("unit"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - JSON
    elif (plain := number(value)) is not None:
        amount, unit = plain, "days"
    else:
        found = _SPAN.fullmatch(value.strip().lower()) if isinstance(value, str) else None
        amount, unit = (float(found[1]), found[2]) if found else (None, "")
    seconds = _SECONDS.get(unit.strip().lower().removesuffix("s"))
    if amount is None or seconds is None or not 0 <= amount * seconds <= timedelta.max.total_seconds() / 2:
        return None
    return timedelta(seconds=float(amount * seconds))


def parse_moment(value: Any, now: datetime) -> datetime | None:
    """An ISO 8601 date or time, `now`, or a Unix time in seconds or milliseconds, as UTC; None for anything else."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if abs(value) >= _UNIX_MILLISECONDS_FROM else value
            return datetime.fromtimestamp(seconds, UTC)
        if not isinstance(value, str):
            return None
        text = value.strip()
        if text.lower() == "now":
            return now
        parsed = datetime.fromisoformat(text)
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def parse_date(value: Any) -> date | datetime | None:
    """An ISO 8601 date or time as it was written (a time without an offset stays without), or a Unix time as UTC.

    None for anything else, and for what lies outside of the years 1900 to 2200.
    """
    found: date | datetime | None
    if isinstance(value, str):
        text = value.strip()
        found = _iso(date.fromisoformat, text) or _iso(datetime.fromisoformat, text)
    else:
        found = parse_moment(value, datetime.fromtimestamp(0, UTC))
    return found if found is not None and FIRST_YEAR <= found.year <= LAST_YEAR else None


def _iso(parse: Callable[[str], date], text: str) -> date | None:
    try:
        return parse(text)
    except ValueError:
        return None


def number(value: Any) -> float | int | None:
    """A number, or a text that reads as one; true and false are none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, str) and _NUMBER.fullmatch(text := value.strip()):
        result = float(text)
        return int(text) if text.lstrip("+-").isdigit() else (result if result - result == 0 else None)
    return None


def truth(value: Any) -> bool | None:
    """true or false as people write them, None when it reads as neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value != 0
    text = value.strip().lower() if isinstance(value, str) else None
    return True if text in _TRUE else False if text in _FALSE else None


def blank(value: Any) -> bool:
    return (
        value is None
        or (isinstance(value, str) and not value.strip())
        or (isinstance(value, list | dict) and not value)
    )
