"""Wall-clock arithmetic in a contact's time zone, exact over daylight-saving changes.

A wall time that a change skips moves forward by the gap (02:30 becomes 03:30), so nothing happens early. A wall time
that exists twice means the first one (RFC 5545, section 3.3.5).
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from drippulse.workflows.errors import UnknownTimezoneError

SATURDAY = 5
DAYS_SEARCHED = 16


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The IANA time zone `name`.

    Raises:
        UnknownTimezoneError: there is none; the message says how one looks.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownTimezoneError(
            f'"{name}" is not a time zone. Use an IANA name such as "Europe/Berlin" or "UTC".'
        ) from None


def to_utc(wall: datetime, tz: ZoneInfo) -> datetime:
    """The instant of a naive wall time: the first of two, and past the gap when it does not exist."""
    return wall.replace(tzinfo=tz, fold=0).astimezone(UTC)


def add_days(start: datetime, days: int, tz: ZoneInfo) -> datetime:
    """The same wall time `days` days later."""
    return to_utc(_wall(start, tz) + timedelta(days=days), tz)


def add_business_days(start: datetime, days: int, tz: ZoneInfo) -> datetime:
    """The same wall time after `days` days that are neither Saturday nor Sunday."""
    wall = _wall(start, tz)
    weeks, left = divmod(days, SATURDAY)
    if left == 0 and weeks and is_weekend(wall.date()):
        weeks, left = weeks - 1, SATURDAY
    wall += timedelta(weeks=weeks)
    while left:
        wall += timedelta(days=1)
        left -= not is_weekend(wall.date())
    return to_utc(wall, tz)


def after_weekend(moment: datetime, tz: ZoneInfo) -> datetime:
    """`moment`, or the same wall time on Monday when it falls on a Saturday or Sunday."""
    wall = _wall(moment, tz)
    if not is_weekend(wall.date()):
        return moment
    return to_utc(wall + timedelta(days=7 - wall.weekday()), tz)


def next_opening(
    now: datetime, start: time, end: time, tz: ZoneInfo, *, business_days_only: bool = False
) -> datetime | None:
    """`now` while the daily window is open, otherwise the instant it opens next; None when it never does.

    The end is exclusive. An `end` at or before `start` is on the next day; the opening day decides about weekends.
    """
    today = _wall(now, tz).date()
    for offset in range(-1, DAYS_SEARCHED):
        day = today + timedelta(days=offset)
        if business_days_only and is_weekend(day):
            continue
        opens = to_utc(datetime.combine(day, start), tz)
        closes = to_utc(datetime.combine(day if end > start else day + timedelta(days=1), end), tz)
        if now < closes and opens < closes:
            return max(now, opens)
    return None


def is_weekend(day: date) -> bool:
    return day.weekday() >= SATURDAY


def _wall(moment: datetime, tz: ZoneInfo) -> datetime:
    return moment.astimezone(tz).replace(tzinfo=None)
