"""`trigger`: how a workflow starts. A run that is under way passes through it."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from drippulse.workflows import cron
from drippulse.workflows.conditions import MAX_CONDITIONS, Condition, MatchMode
from drippulse.workflows.errors import UnknownTimezoneError
from drippulse.workflows.event_match import is_event_type
from drippulse.workflows.steps.base import Advance, Category, Guarantee, Problem, PureStep, StepConfig, StepContext
from drippulse.workflows.wall_clock import zone

MAX_AUDIENCE = 1000


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


class Audience(BaseModel):
    """Whom a scheduled trigger enrolls, each time."""

    model_config = ConfigDict(extra="forbid")

    contacts: list[dict[str, Any]] = Field(
        min_length=1, max_length=MAX_AUDIENCE, description="Contacts as bulk enrollment takes them."
    )


class TriggerConfig(StepConfig):
    frequency: Frequency = Field(default=Frequency.MANUAL, description="How the workflow starts.")
    cron: str | None = Field(
        default=None,
        max_length=200,
        description="Five cron fields (minute hour day month weekday); needed when frequency is cron.",
    )
    event: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="Event type, such as lead.created; needed when frequency is event.",
    )
    filter: TriggerFilter | None = Field(
        default=None, description="Conditions for who may enter; fields are those of the event."
    )
    timezone: str | None = Field(
        default=None, description="IANA zone of hourly, daily, weekly and cron; default is the organization's."
    )
    audience: Audience | None = Field(
        default=None,
        description="Who is enrolled when the time comes; without it one run without a contact.",
    )

    @model_validator(mode="after")
    def _belongs_together(self) -> "TriggerConfig":
        if self.frequency is Frequency.CRON and self.cron is None:
            raise ValueError("the frequency cron needs `cron`, such as `0 9 * * 1`")
        if self.frequency is Frequency.EVENT and self.event is None:
            raise ValueError("the frequency event needs `event`, such as `lead.created`")
        if self.cron is not None:
            cron.parse(self.cron)
        if self.frequency in (Frequency.MANUAL, Frequency.EVENT) and self.audience is not None:
            raise ValueError("`audience` goes with the frequencies hourly, daily, weekly and cron")
        return self

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, name: str | None) -> str | None:
        try:
            return name if name is None else zone(name).key
        except UnknownTimezoneError:
            raise ValueError("is not an IANA time zone, such as Europe/Berlin") from None


class TriggerStep(PureStep[TriggerConfig]):
    type: ClassVar[str] = "trigger"
    label: ClassVar[str] = "Trigger"
    category: ClassVar[Category] = Category.TRIGGER
    description: ClassVar[str] = "Where the workflow starts. Enrollments pass through it at once."
    guarantee: ClassVar[Guarantee] = Guarantee.EXACTLY_ONCE
    test_behaviour: ClassVar[str] = "Passes through, whatever the frequency and the filter say."
    config_model = TriggerConfig

    def problems(self, config: TriggerConfig) -> Iterator[Problem]:
        if config.cron is not None and cron.never_fires(cron.parse(config.cron)):
            yield Problem("cron", f"never fires: no month has such a day (`{config.cron}`)")

        if config.event is not None and not is_event_type(config.event):
            yield Problem("event", "is no event type: those have lower case letters, digits and _ . : - only")

    def decide(self, config: TriggerConfig, ctx: StepContext) -> Advance:
        return Advance()
