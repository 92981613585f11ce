"""Cron expressions: when they fire next in a time zone, and whether they ever do. Pure.

Five fields: minute hour day-of-month month day-of-week (0 and 7 are Sunday), each `*`, numbers, ranges, lists and
steps. Where both days are given, one of them is enough, as in Vixie cron; a day field that begins with `*` counts as
not given. An expression with an hour of its own goes by the wall clock: a time that the clocks skip fires once, right
after the gap, and one that comes twice fires the first time. One for every hour (`*`) goes by real time: nothing is
made up for an hour that is skipped, and one that comes twice fires twice.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from drippulse.workflows.wall_clock import wall_time

RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MONTHS_SEARCHED = 12 * 41
"""29 February on one weekday comes at least every 40 years."""
FIVE_FIELDS = "`cron` has five fields (minute hour day month weekday), such as `0 9 * * 1`"
MINUTE = timedelta(minutes=1)
_PART = re.compile(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?")


@dataclass(frozen=True, slots=True)
class Cron:
    """A parsed expression. `weekdays` counts Monday as 0; `both_days` says that either of the days is enough."""

    times: tuple[time, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    both_days: bool
    every_hour: bool

    def on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.weekday() in self.weekdays
        return (of_month or of_week) if self.both_days else (of_month and of_week)


@lru_cache(maxsize=1024)
def parse(text: str) -> Cron:
    """Raises ValueError, whose message says what is wrong."""
    fields = text.split()
    if len(fields) != len(RANGES):
        raise ValueError(FIVE_FIELDS)
    minutes, hours, days, months, weekdays = (
        _numbers(part, low, high) for part, (low, high) in zip(fields, RANGES, strict=True)
    )
    return Cron(
        times=tuple(time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes)),
        days=days,
        months=months,
        weekdays=frozenset((number - 1) % 7 for number in weekdays),
        both_days=not (fields[2].startswith("*") or fields[4].startswith("*")),
        every_hour=len(hours) == 24,
    )


def never_fires(cron: Cron) -> bool:
    """Whether no day of any year fits, as with 30 February."""
    if cron.both_days:
        return False  # every month has every weekday
    return not any(day <= MONTH_DAYS[month - 1] for month in cron.months for day in cron.days)


def next_fire(cron: str | Cron, after: datetime, tz: ZoneInfo) -> datetime | None:
    """The first instant (UTC) after `after` at which it fires; None when it never does.

    Raises:
        ValueError: `cron` is a text that is no cron expression.
    """
    cron = parse(cron) if isinstance(cron, str) else cron
    if never_fires(cron):
        return None
    if cron.every_hour:
        return _next_by_real_time(cron, after, tz)
    earliest = wall_time(after, tz)  # no earlier wall time first shows later than this one
    for day in _days(cron, earliest.date()):
        start = bisect_left(cron.times, earliest.time()) if day == earliest.date() else 0
        for clock in cron.times[start:]:
            moment = _instant(datetime.combine(day, clock), tz)
            if moment > after:
                return moment
    return None


def _numbers(text: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None or match[3] == "0" or match[3] == "00":
            raise ValueError(f"{FIVE_FIELDS}; `{part[:40]}` cannot be read")
        first = low if match[1] is None else int(match[1])
        last = high if match[1] is None or (match[2] is None and match[3]) else int(match[2] or first)
        if not low <= first <= last <= high:
            raise ValueError(f"{FIVE_FIELDS}; `{part}` is not within {low} to {high}")
        found.update(range(first, last + 1, int(match[3] or 1)))
    return frozenset(found)


def _days(cron: Cron, start: date) -> Iterator[date]:
    """The days that fit, from `start` on."""
    year, month = start.year, start.month
    for _ in range(MONTHS_SEARCHED):
        if month in cron.months:
            day = max(start, date(year, month, 1))
            while day.month == month:
                if cron.on(day):
                    yield day
                day += timedelta(days=1)
        year, month = (year, month + 1) if month < len(MONTH_DAYS) else (year + 1, 1)


def _instant(wall: datetime, tz: ZoneInfo) -> datetime:
    """When the clocks first show `wall`, or the end of the gap that it falls into (UTC)."""
    moment = wall.replace(tzinfo=tz, fold=0).astimezone(UTC)
    if wall_time(moment, tz) == wall:
        return moment
    before, shown = wall.replace(tzinfo=tz, fold=1).astimezone(UTC), moment.astimezone(tz).utcoffset()
    while moment - before > timedelta(seconds=1):
        middle = before + (moment - before) // 2
        if middle.astimezone(tz).utcoffset() == shown:
            moment = middle
        else:
            before = middle
    return moment.replace(microsecond=0)  # changes come at whole seconds


def _next_by_real_time(cron: Cron, after: datetime, tz: ZoneInfo) -> datetime | None:
    """Minute by minute on days that fit; only hours that the clocks really show count."""
    moment = after.astimezone(UTC).replace(second=0, microsecond=0) + MINUTE
    clocks = frozenset(cron.times)
    while True:
        wall = wall_time(moment, tz)
        if cron.on(wall.date()):
            if wall.time() in clocks:
                return moment
            moment += MINUTE
            continue
        following = next(_days(cron, wall.date() + timedelta(days=1)), None)
        if following is None:
            return None
        moment = max(moment + MINUTE, _instant(datetime.combine(following, time()), tz))
