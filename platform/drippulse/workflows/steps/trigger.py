"""`trigger`: how a workflow starts. A run that is under way passes through it."""

import re
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drippulse.workflows.conditions import MAX_CONDITIONS, Condition, MatchMode
from drippulse.workflows.steps.base import Advance, Category, Guarantee, PureStep, StepConfig, StepContext

_CRON_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_CRON_PART = re.compile(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?")


class Frequency(StrEnum):
    MANUAL = "manual"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    CRON = "cron"
    EVENT = "event"


class TriggerFilter(BaseModel):
    """Who may enter."""

    model_config = ConfigDict(extra="forbid")

    match: MatchMode = Field(default="all", description="Whether all conditions must hold, or any.")
    conditions: list[Condition] = Field(
        default_factory=list[Condition], max_length=MAX_CONDITIONS, description="What must hold."
    )


class TriggerConfig(StepConfig):
    frequency: Frequency = Field(default=Frequency.MANUAL, description="How the workflow starts.")
    cron: str | None = Field(
        default=None, description="Five cron fields (minute hour day month weekday); needed when frequency is cron."
    )
    event: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="Event type, such as lead.created; needed when frequency is event.",
    )
    filter: TriggerFilter | None = Field(default=None, description="Conditions for who may enter.")

    @model_validator(mode="after")
    def _belongs_together(self) -> "TriggerConfig":
        if self.frequency is Frequency.CRON and self.cron is None:
            raise ValueError("the frequency cron needs `cron`, such as `0 9 * * 1`")
        if self.frequency is Frequency.EVENT and self.event is None:
            raise ValueError("the frequency event needs `event`, such as `lead.created`")
        if self.cron is not None and not _is_cron(self.cron):
            raise ValueError("`cron` has five fields (minute hour day month weekday), such as `0 9 * * 1`")
        return self


def _is_cron(text: str) -> bool:
    fields = text.split()
    return len(fields) == len(_CRON_RANGES) and all(
        _is_cron_part(part, low, high)
        for given, (low, high) in zip(fields, _CRON_RANGES, strict=True)
        for part in given.split(",")
    )


def _is_cron_part(part: str, low: int, high: int) -> bool:
    found = _CRON_PART.fullmatch(part)
    if found is None or found[3] == "0":
        return False
    start, end = found[1], found[2]
    if start is None:
        return True
    return low <= int(start) <= high and (end is None or int(start) <= int(end) <= high)


class TriggerStep(PureStep[TriggerConfig]):
    type: ClassVar[str] = "trigger"
    label: ClassVar[str] = "Trigger"
    category: ClassVar[Category] = Category.TRIGGER
    description: ClassVar[str] = "Where the workflow starts. Enrollments pass through it at once."
    guarantee: ClassVar[Guarantee] = Guarantee.EXACTLY_ONCE
    test_behaviour: ClassVar[str] = "Passes through, whatever the frequency and the filter say."
    config_model = TriggerConfig

    def decide(self, config: TriggerConfig, ctx: StepContext) -> Advance:
        return Advance()
