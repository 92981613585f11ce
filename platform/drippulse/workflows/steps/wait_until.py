"""`wait_until`: a date, a time of day, a weekday, an opening of a window, or several of these together."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from drippulse.kit.clock import isoformat
from drippulse.workflows import holiday_calendar
from drippulse.workflows.conditions import bare_path
from drippulse.workflows.errors import UnknownTimezoneError
from drippulse.workflows.namespace import resolve
from drippulse.workflows.opening_days import DAYS_SEARCHED, Opening
from drippulse.workflows.steps.base import (
    Advance,
    Category,
    Decision,
    Guarantee,
    Problem,
    PureStep,
    StepConfig,
    StepContext,
    WaitUntil,
)
from drippulse.workflows.steps.clock_times import ClockTime, clock_text
from drippulse.workflows.steps.spans import CALENDAR_UNITS, MAX_SPAN, SPANS, AnyUnit, Unit
from drippulse.workflows.values import FIRST_YEAR, LAST_YEAR, blank, parse_date
from drippulse.workflows.wall_clock import to_utc, wall_time, zone

CONTACT, ORGANIZATION = "contact", "org"
DATE_HINT = f"an ISO 8601 date or time between {FIRST_YEAR} and {LAST_YEAR}, such as 2026-05-01 or 2026-05-01T09:00:00Z"
TICK = timedelta(microseconds=1)


class Weekday(StrEnum):
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


_WEEKDAYS = list(Weekday)


def _weekday(value: Any) -> Any:
    """`Mon` and the ISO number 1 are as good as `monday`."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= len(_WEEKDAYS):
        return _WEEKDAYS[value - 1]
    text = value.strip().lower() if isinstance(value, str) else value
    return next((day for day in Weekday if isinstance(text, str) and text == day[:3]), text)


class Offset(BaseModel):
    """A span before (negative) or after the date."""

    model_config = ConfigDict(extra="forbid")

    duration: float = Field(allow_inf_nan=False, description="How many units; a negative number is before the date.")
    unit: AnyUnit = Field(description="Days and weeks keep the wall time; seconds, minutes and hours are absolute.")

    @model_validator(mode="after")
    def _bounded(self) -> "Offset":
        if abs(self.duration) > MAX_SPAN / SPANS[self.unit]:
            raise ValueError("is longer than five years")
        return self

    def shift(self, wall: datetime, moment: datetime, tz: ZoneInfo) -> datetime:
        """`moment`, at which the clocks show `wall`, moved by this span (UTC)."""
        if self.unit not in CALENDAR_UNITS:
            return moment + self.duration * SPANS[self.unit]
        days, rest = divmod(self.duration * (7 if self.unit is Unit.WEEKS else 1), 1)
        shifted = to_utc(wall + timedelta(days=days), tz) if days else moment
        return shifted + timedelta(days=rest)


class WaitWindow(BaseModel):
    """A daily window, the end exclusive. An end before the start is on the next day."""

    model_config = ConfigDict(extra="forbid")

    start: ClockTime = Field(description="When the window opens, such as 09:00.")
    end: ClockTime = Field(description="When it closes, such as 17:00.")

    @model_validator(mode="after")
    def _has_length(self) -> "WaitWindow":
        if self.start == self.end:
            raise ValueError("never opens: `start` and `end` are the same. Leave the window out for the whole day")
        return self

    def holds(self, clock: time) -> bool:
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end


class WaitUntilConfig(StepConfig):
    at: str | None = Field(
        default=None,
        max_length=100,
        description="ISO 8601 date or time, such as 2026-05-01T09:00. Without an offset it is wall time in `timezone`.",
    )
    date_field: str | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        description="Dotted path of a date in the contact's data, instead of `at`. Missing or unreadable: skipped.",
    )
    offset: Offset | None = Field(
        default=None, description="{duration, unit} before (negative) or after the date of `at` or `date_field`."
    )
    time_of_day: ClockTime | None = Field(
        default=None,
        description="HH:MM. With a date: at that time of the day. Alone: the next time that the clocks show it.",
    )
    weekdays: list[Annotated[Weekday, BeforeValidator(_weekday)]] | None = Field(
        default=None, min_length=1, max_length=7, description="Days that are allowed: monday to sunday."
    )
    window: WaitWindow | None = Field(default=None, description="{start, end}: the hours that are allowed.")
    timezone: str = Field(
        default=CONTACT,
        description="contact (the enrollment's time zone), org (the organization's), UTC, or an IANA name.",
    )
    holidays: str | None = Field(
        default=None,
        max_length=20,
        description="Country code such as US, or region such as DE-BY, whose public holidays are not allowed.",
    )

    @field_validator("date_field")
    @classmethod
    def _path(cls, text: str | None) -> str | None:
        return None if text is None else bare_path(text)

    @field_validator("at")
    @classmethod
    def _date(cls, text: str | None) -> str | None:
        if text is not None and parse_date(text) is None:
            raise ValueError(f"is not a date: write {DATE_HINT}")
        return text

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in (CONTACT, ORGANIZATION):
            try:
                zone(name)
            except UnknownTimezoneError as error:
                raise ValueError(error.message) from None
        return name

    @field_validator("holidays")
    @classmethod
    def _known_country(cls, code: str | None) -> str | None:
        return None if code is None else holiday_calendar.canonical(code)

    @property
    def dated(self) -> bool:
        return self.at is not None or self.date_field is not None

    @property
    def fixed_time(self) -> time | None:
        """The time of day that holds whatever day it gets; an offset of hours leaves no such time."""
        moved = self.offset is not None and (self.offset.unit not in CALENDAR_UNITS or self.offset.duration % 1 != 0)
        return None if moved else self.time_of_day

    def opening(self, contact_zone: str, organization_zone: str) -> Opening:
        named = {CONTACT: contact_zone, ORGANIZATION: organization_zone}.get(self.timezone, self.timezone)
        return Opening(
            tz=zone(named),
            weekdays=None if self.weekdays is None else frozenset(map(_WEEKDAYS.index, self.weekdays)),
            holidays=self.holidays,
            window=None if self.window is None else (self.window.start, self.window.end),
        )


def due_at(
    config: WaitUntilConfig, opening: Opening, value: date | datetime | None, entered_at: datetime
) -> tuple[datetime | None, bool]:
    """(when the wait is over in UTC, whether the date was already past). The same arguments give the same answer.

    A date that is past when the step is entered is not waited for; weekdays, holidays and the window still hold.
    None: no day within 400 days is allowed.

    Args:
        value: the date of `at` or `date_field`, None when the step has neither.
    """
    if value is None:
        if config.time_of_day is None:
            return opening.next_opening(entered_at), False
        return opening.next_at(config.time_of_day, entered_at + TICK), False
    wanted, clock = _wanted(config, value, opening.tz)
    past = wanted < entered_at
    moment = max(wanted, entered_at)
    if opening.is_open(moment):
        return moment, past
    if config.fixed_time is not None:
        return opening.next_at(config.fixed_time, moment), past
    if opening.window is None and not past:
        return opening.next_at(clock, moment), past
    return opening.next_opening(moment), past


def _wanted(config: WaitUntilConfig, value: date | datetime, tz: ZoneInfo) -> tuple[datetime, time]:
    """The date with its time of day and its offset, as an instant and as the wall time it was meant to be."""
    moment: datetime | None = None
    if isinstance(value, datetime) and value.tzinfo is not None:
        moment = value.astimezone(UTC)
        value = wall_time(moment, tz)
    wall = value if isinstance(value, datetime) else datetime.combine(value, time())
    if config.time_of_day is not None:
        moment, wall = None, datetime.combine(wall.date(), config.time_of_day)
    moment = moment or to_utc(wall, tz)
    if config.offset is None:
        return moment, wall.time()
    shifted = config.offset.shift(wall, moment, tz)
    return shifted, config.fixed_time or wall_time(shifted, tz).time()


class WaitUntilStep(PureStep[WaitUntilConfig]):
    type: ClassVar[str] = "wait_until"
    label: ClassVar[str] = "Wait until"
    category: ClassVar[Category] = Category.TIMING
    description: ClassVar[str] = (
        "Waits for a date (`at`, or `date_field` of the contact, with an `offset`), for a time of day, for a weekday "
        "or for a window to open. A day that is not allowed moves to the next one that is, at `time_of_day`, else at "
        "the opening of the window, else at the same wall time. A date that is already past is not waited for, while "
        "weekdays, holidays and the window still hold. A missing or unreadable date is skipped. A wall time that the "
        "clocks skip moves past the gap; one that comes twice means the first."
    )
    guarantee: ClassVar[Guarantee] = Guarantee.ONCE_NEVER_EARLY
    test_behaviour: ClassVar[str] = "Does not wait; logs until when it would."
    outputs: ClassVar[dict[str, str]] = {
        "wait_until": "{due, already_past}: when it went on at the earliest (UTC), and whether the date was past."
    }
    config_model = WaitUntilConfig

    def problems(self, config: WaitUntilConfig) -> Iterator[Problem]:
        if config.at is not None and config.date_field is not None:
            yield Problem("date_field", "stands beside `at`; keep one of them")
        if config.offset is not None and not config.dated:
            yield Problem("offset", "needs `at` or `date_field` to count from")
        if not (config.dated or config.time_of_day or config.weekdays or config.window or config.holidays):
            yield Problem(
                "at", "is missing: give `at`, `date_field`, `time_of_day`, `weekdays`, `window` or `holidays`"
            )
        if config.time_of_day is not None and config.at is not None and isinstance(parse_date(config.at), datetime):
            yield Problem("time_of_day", "stands beside the time in `at`; give `at` as a date such as 2026-05-01")
        window, clock = config.window, config.fixed_time
        if window is not None and clock is not None and not window.holds(clock):
            hours = f"{clock_text(window.start)} to {clock_text(window.end)}"
            yield Problem("time_of_day", f"is never inside of the window: {clock_text(clock)} is not within {hours}")

    def decide(self, config: WaitUntilConfig, ctx: StepContext) -> Decision:
        value: date | datetime | None = None
        if config.dated:
            raw = resolve(config.date_field, ctx.bag) if config.date_field is not None else config.at
            value = parse_date(raw)
            if value is None:
                return _skip(f"`{config.date_field}` is {'empty' if blank(raw) else f'not {DATE_HINT}'}")
        opening = config.opening(ctx.timezone, ctx.organization_timezone)
        due, past = due_at(config, opening, value, ctx.entered_at)
        if due is None:
            return _skip(f"no day within {DAYS_SEARCHED} days is allowed")
        if ctx.now < due:
            return WaitUntil(at=due, reason="wait_until")
        log = "The date was already past: went on at once" if past else f"Waited until {isoformat(due)}"
        if past and due > ctx.entered_at:
            log = f"The date was already past: waited for the next opening, {isoformat(due)}"
        return Advance(output={"wait_until": {"due": isoformat(due), "already_past": past}}, logs=(log,))

    def suspends(self, config: WaitUntilConfig) -> bool:
        """Only a bare time of day is always ahead; a date may be past and a window open."""
        return config.time_of_day is not None and not config.dated


def _skip(reason: str) -> Advance:
    return Advance(output={"wait_until": {"due": None, "already_past": False}}, skipped=reason)
