"""`wait`: a span of time; hours and less are absolute, days and weeks are wall time in the contact's zone."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import Field

from drippulse.kit.clock import isoformat
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
from drippulse.workflows.steps.spans import CALENDAR_UNITS, MAX_SPAN, SPANS, AnyUnit, Unit
from drippulse.workflows.wall_clock import add_business_days, add_days, after_weekend, zone

BUSINESS_DAYS_A_WEEK = 5


class WaitConfig(StepConfig):
    duration: float = Field(ge=0, le=200_000_000, allow_inf_nan=False, description="How many units to wait.")
    unit: AnyUnit = Field(
        description="Seconds, minutes and hours are absolute. Days and weeks keep the wall time in the contact's zone."
    )
    jitter_minutes: int = Field(
        default=0, ge=0, le=10_080, description="Up to this many minutes more, spread evenly over the contacts."
    )
    business_days_only: bool = Field(
        default=False,
        description="Days and weeks count Monday to Friday only; a shorter wait that ends on a weekend ends on Monday.",
    )


def due_at(config: WaitConfig, entered_at: datetime, timezone: str, enrollment_id: int, visit: int) -> datetime:
    """When the wait is over (UTC). The same arguments always give the same instant, and never one too early."""
    tz = zone(timezone)
    if config.unit in CALENDAR_UNITS:
        days, rest = divmod(config.duration * (7 if config.unit is Unit.WEEKS else 1), 1)
        if config.business_days_only:
            counted = config.duration * BUSINESS_DAYS_A_WEEK if config.unit is Unit.WEEKS else config.duration
            days, rest = divmod(counted, 1)
            due = add_business_days(entered_at, int(days), tz)
        else:
            due = add_days(entered_at, int(days), tz)
        due += timedelta(days=rest)
    else:
        due = entered_at + config.duration * SPANS[config.unit]
    due += _jitter(config.jitter_minutes, enrollment_id, visit)
    return after_weekend(due, tz) if config.business_days_only else due


def _jitter(minutes: int, enrollment_id: int, visit: int) -> timedelta:
    """A share of `minutes` that depends on the step visit alone, so that every recomputation agrees."""
    if not minutes:
        return timedelta(0)
    digest = hashlib.blake2b(f"{enrollment_id}:{visit}".encode(), digest_size=8).digest()
    return timedelta(seconds=int.from_bytes(digest) % (minutes * 60 + 1))


class WaitStep(PureStep[WaitConfig]):
    type: ClassVar[str] = "wait"
    label: ClassVar[str] = "Wait"
    category: ClassVar[Category] = Category.TIMING
    description: ClassVar[str] = (
        "Waits a span of time. A wait of 24 hours is absolute; a wait of 1 day ends at the same wall time in the "
        "contact's time zone, also when the clocks change."
    )
    guarantee: ClassVar[Guarantee] = Guarantee.ONCE_NEVER_EARLY
    test_behaviour: ClassVar[str] = "Does not wait; logs until when it would."
    config_model = WaitConfig

    def problems(self, config: WaitConfig) -> Iterator[Problem]:
        if config.duration * SPANS[config.unit] > MAX_SPAN:
            yield Problem("duration", "is longer than five years")

    def decide(self, config: WaitConfig, ctx: StepContext) -> Decision:
        due = due_at(config, ctx.entered_at, ctx.timezone, ctx.enrollment_id, ctx.visit)
        if ctx.now < due:
            return WaitUntil(at=due, reason="wait")
        return Advance(logs=(f"Waited until {isoformat(due)}",))

    def suspends(self, config: WaitConfig) -> bool:
        return config.duration > 0
