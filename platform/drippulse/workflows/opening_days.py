"""Days and hours at which something may happen: weekdays, holidays and a daily window, exact over clock changes."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from drippulse.workflows.holiday_calendar import is_holiday
from drippulse.workflows.wall_clock import next_opening_on, to_utc, wall_time

DAYS_SEARCHED = 400


@dataclass(frozen=True, slots=True)
class Opening:
    """`weekdays` counts Monday as 0; `holidays` is a canonical country code; `window` is (start, end), end exclusive.

    With a window the day on which it opens decides about weekdays and holidays, also past midnight.
    """

    tz: ZoneInfo
    weekdays: frozenset[int] | None = None
    holidays: str | None = None
    window: tuple[time, time] | None = None

    def allows(self, day: date) -> bool:
        """Whether this day is allowed, whatever the time."""
        if self.weekdays is not None and day.weekday() not in self.weekdays:
            return False
        return self.holidays is None or not is_holiday(self.holidays, day)

    def is_open(self, moment: datetime) -> bool:
        if self.window is None:
            return self.allows(wall_time(moment, self.tz).date())
        return self._opening(moment, 1) == moment

    def next_opening(self, moment: datetime) -> datetime | None:
        """`moment` while it is open, otherwise when the window opens next. Without a window: the next allowed day at
        the same wall time."""
        if self.window is not None:
            return self._opening(moment, DAYS_SEARCHED)
        return moment if self.is_open(moment) else self.next_at(wall_time(moment, self.tz).time(), moment)

    def next_at(self, clock: time, not_before: datetime) -> datetime | None:
        """The first time that the clocks show `clock` on an allowed day (and inside of the window)."""
        today = wall_time(not_before, self.tz).date()
        for offset in range(-1, DAYS_SEARCHED):
            moment = to_utc(datetime.combine(today + timedelta(days=offset), clock), self.tz)
            if moment >= not_before and self.is_open(moment):
                return moment
        return None

    def _opening(self, moment: datetime, days: int) -> datetime | None:
        if self.window is None:
            return moment
        start, end = self.window
        return next_opening_on(moment, start, end, self.tz, self.allows, days)
