"""Wall-clock arithmetic in a contact's time zone, exact over daylight-saving changes.

A wall time that a change skips moves forward by the gap (02:30 becomes 03:30), so nothing happens early. A wall time
that exists twice means the first one (RFC 5545, section 3.3.5).
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from drippulse.workflows.errors import UnknownTimezoneError

DayRule: TypeAlias = Callable[[date], bool]

SATURDAY = 5
DAYS_SEARCHED = 16
NO_ZONES = ("Factory", "localtime", "posix", "right/")
"""What the zone database holds beside the zones; contacts cannot have them either."""


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The IANA time zone `name`.

    Raises:
        UnknownTimezoneError: there is none; the message says how one looks.
    """
    try:
        if name.startswith(NO_ZONES):
            raise ValueError(name)
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
    return to_utc(wall_time(start, tz) + timedelta(days=days), tz)


def add_business_days(start: datetime, days: int, tz: ZoneInfo) -> datetime:
    """The same wall time after `days` days that are neither Saturday nor Sunday."""
    wall = wall_time(start, tz)
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
    wall = wall_time(moment, tz)
    if not is_weekend(wall.date()):
        return moment
    return to_utc(wall + timedelta(days=7 - wall.weekday()), tz)


def next_opening(
    now: datetime, start: time, end: time, tz: ZoneInfo, *, business_days_only: bool = False
) -> datetime | None:
    """`now` while the daily window is open, otherwise the instant it opens next; None when it never does.

    The end is exclusive. An `end` at or before `start` is on the next day; the opening day decides about weekends.
    """
    return next_opening_on(now, start, end, tz, is_business_day if business_days_only else any_day, DAYS_SEARCHED)


def next_opening_on(
    now: datetime, start: time, end: time, tz: ZoneInfo, allowed: DayRule, days: int
) -> datetime | None:
    """`next_opening` for a window that opens on allowed days only; None when it does not within `days` days.

    A day that a zone left out (Apia, 30 December 2011) does not count: what counts is the date at the opening.
    """
    today = wall_time(now, tz).date()
    for offset in range(-2, days):
        day = today + timedelta(days=offset)
        opens = to_utc(datetime.combine(day, start), tz)
        closes = to_utc(datetime.combine(day if end > start else day + timedelta(days=1), end), tz)
        if now < closes and opens < closes and allowed(wall_time(opens, tz).date()):
            return max(now, opens)
    return None


def any_day(_day: date) -> bool:
    return True


def is_business_day(day: date) -> bool:
    return not is_weekend(day)


def is_weekend(day: date) -> bool:
    return day.weekday() >= SATURDAY


def wall_time(moment: datetime, tz: ZoneInfo) -> datetime:
    """What the clocks show in `tz`, without a zone."""
    return moment.astimezone(tz).replace(tzinfo=None)
