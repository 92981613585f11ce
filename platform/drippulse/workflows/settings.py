"""What a workflow version says beside its steps: who may enter again, and what ends a run early.

`compile_settings` checks what a client sent, `stored_settings` reads what a version holds.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from drippulse.kit import errors
from drippulse.workflows.conditions import evaluate
from drippulse.workflows.config_errors import describe_errors
from drippulse.workflows.event_match import EVENT_TYPE, EventConditions
from drippulse.workflows.steps.spans import MAX_SPAN, SPANS, AnyUnit
from drippulse.workflows.templates import shared_templates

MAX_CRITERIA = 20


class InvalidSettingsError(errors.ValidationError):
    """The settings are not acceptable; `errors` has every finding (`settings.goals.0.conditions.1.operator`)."""

    code = "invalid_settings"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Span(_Part):
    """An absolute span of time."""

    duration: float = Field(gt=0, le=200_000_000, allow_inf_nan=False, description="How many units.")
    unit: AnyUnit = Field(description="seconds, minutes, hours, days or weeks.")

    @model_validator(mode="after")
    def _at_most_five_years(self) -> "Span":
        if self.duration > MAX_SPAN / SPANS[self.unit]:
            raise ValueError("is longer than five years")
        return self

    @property
    def seconds(self) -> float:
        return self.duration * SPANS[self.unit].total_seconds()


class ReEntryMode(StrEnum):
    ALWAYS = "always"
    NEVER = "never"
    AFTER_EXIT = "after_exit"
    COOLDOWN = "cooldown"
    MAX = "max"


class ReEntry(_Part):
    """Whether somebody who was enrolled before may enter again."""

    mode: ReEntryMode = Field(
        default=ReEntryMode.ALWAYS,
        description="always; never; after_exit: once no earlier run is under way; cooldown: once the last began long "
        "enough ago; max: so many times in all.",
    )
    cooldown: Span | None = Field(default=None, description="How long after the last start; for the mode cooldown.")
    max: int | None = Field(default=None, ge=1, le=1_000_000, description="How many runs in all; for the mode max.")

    @model_validator(mode="after")
    def _belongs_together(self) -> "ReEntry":
        if self.mode is ReEntryMode.COOLDOWN and self.cooldown is None:
            raise ValueError('the mode cooldown needs `cooldown`, such as {"duration": 30, "unit": "days"}')
        if self.mode is ReEntryMode.MAX and self.max is None:
            raise ValueError("the mode max needs `max`, such as 3")
        return self


class ExitTrigger(StrEnum):
    REPLY = "reply"
    BOUNCE = "bounce"
    UNSUBSCRIBE = "unsubscribe"
    COMPLAINT = "complaint"
    EVENT = "event"
    CONDITION = "condition"


EXIT_EVENTS = {
    ExitTrigger.REPLY: "email.replied",
    ExitTrigger.BOUNCE: "email.bounced",
    ExitTrigger.UNSUBSCRIBE: "email.unsubscribed",
    ExitTrigger.COMPLAINT: "email.complained",
}
"""The event that each named trigger listens to. Replies are reported by whoever reads the inbox."""


class ExitCriterion(EventConditions):
    """What takes a contact out. `event` listens to an event, `condition` looks at the contact before each step."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trigger: ExitTrigger = Field(description="What happens: reply, bounce, unsubscribe, complaint, event, condition.")
    event: str | None = Field(default=None, pattern=EVENT_TYPE, description="The event type; for the trigger event.")

    @model_validator(mode="after")
    def _belongs_together(self) -> "ExitCriterion":
        if self.trigger is ExitTrigger.EVENT and self.event is None:
            raise ValueError("the trigger event needs `event`, such as `order.paid`")
        if self.trigger is not ExitTrigger.EVENT and self.event is not None:
            raise ValueError(f"the trigger {self.trigger} takes no `event`; use the trigger event for it")
        if self.trigger is ExitTrigger.CONDITION and not self.conditions:
            raise ValueError("the trigger condition needs `conditions`")
        return self

    @property
    def event_type(self) -> str | None:
        """The event that ends the run; None for a condition over the contact's data."""
        return self.event or EXIT_EVENTS.get(self.trigger)

    @property
    def exit_reason(self) -> str:
        return f"exit:{self.trigger}"


class Goal(EventConditions):
    """What the workflow is for: reached through an event, or when conditions over the contact's data hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=100, description="What people call it.")
    event: str | None = Field(default=None, pattern=EVENT_TYPE, description="The event type that reaches the goal.")

    @model_validator(mode="after")
    def _belongs_together(self) -> "Goal":
        if self.event is None and not self.conditions:
            raise ValueError("needs `event` or `conditions`")
        return self

    @property
    def event_type(self) -> str | None:
        return self.event

    @property
    def exit_reason(self) -> str:
        return f"goal:{self.name}"


class WorkflowSettings(_Part):
    """The settings of one version. The defaults are those of a workflow that says nothing."""

    re_entry: ReEntry = Field(default_factory=ReEntry, description="Who may be enrolled again.")
    dedupe_key: str | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="Liquid over the contact: who counts as the same. Default is lead_ref, else the e-mail address.",
    )
    exit_criteria: list[ExitCriterion] = Field(
        default_factory=list[ExitCriterion], max_length=MAX_CRITERIA, description="What ends a run early."
    )
    goals: list[Goal] = Field(
        default_factory=list[Goal], max_length=MAX_CRITERIA, description="What a run is for; reaching it ends it."
    )

    @field_validator("dedupe_key")
    @classmethod
    def _is_liquid(cls, source: str | None) -> str | None:
        problem = shared_templates().parse_error(source) if source else None
        if problem:
            raise ValueError(f"is not a valid Liquid template: {problem}")
        return source

    @field_validator("goals")
    @classmethod
    def _distinct_names(cls, goals: list[Goal]) -> list[Goal]:
        names = [goal.name for goal in goals]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f'has two goals with the name "{name}"; give each its own')
        return goals

    @property
    def exits(self) -> tuple[ExitCriterion | Goal, ...]:
        """What is checked by the walk before each step; goals come first, so that a reached goal is called so."""
        return tuple(one for one in (*self.goals, *self.exit_criteria) if one.event_type is None)


NO_SETTINGS = WorkflowSettings()


def compile_settings(raw: Any) -> WorkflowSettings:
    """Check what a client sent; null and an empty object are the defaults.

    Raises:
        InvalidSettingsError: `errors` has every finding by its place, the message names the first.
    """
    given: Any = {} if raw is None else raw
    try:
        return WorkflowSettings.model_validate(given)
    except ValidationError as error:
        findings = dict[str, list[str]]()
        for path, message in _findings(error):
            findings.setdefault(path, []).append(message)
        path, messages = next(iter(findings.items()))
        raise InvalidSettingsError(f"`{path}` {messages[0].rstrip('.')}.", errors=findings) from None


def stored_settings(stored: Mapping[str, Any] | None) -> WorkflowSettings:
    """The settings of a stored version, which were checked when they were accepted."""
    return WorkflowSettings.model_validate(stored) if stored else NO_SETTINGS


def settings_json(settings: WorkflowSettings) -> dict[str, Any]:
    """What is stored and answered: only what was said, so that the defaults of a later release hold for the rest."""
    return settings.model_dump(mode="json", exclude_unset=True)


def ended_by(
    exits: tuple[ExitCriterion | Goal, ...], bag: Mapping[str, Any], now: datetime
) -> ExitCriterion | Goal | None:
    """The first goal or criterion whose conditions hold for the contact's data."""
    return next((one for one in exits if evaluate(one.match, one.conditions, bag, now).passed), None)


def _findings(error: ValidationError) -> Iterator[tuple[str, str]]:
    for path, message in describe_errors(WorkflowSettings, error):
        yield f"settings{path}", message.replace("a field of this step", "a field here")
