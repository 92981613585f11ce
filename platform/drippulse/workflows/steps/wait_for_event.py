"""`wait_for_event`: waits until something happens to the contact, or until the time is up.

Nothing is missed between two steps: on entering, the step first looks back for an event that came before it. Looking
back and registering the wait happen under a shared advisory lock that names organization, event type and key; the
dispatcher, which reads an event only once it is committed, lets whoever holds that lock finish before it looks for
waits. So an event is either seen by looking back, or the wait is there when it is dispatched.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from drippulse.events.catalog import OF_RUNS
from drippulse.events.keys import contact_keys, normal_key
from drippulse.events.waiting import Wait, look_back, register
from drippulse.kit.clock import isoformat
from drippulse.kit.db import Session
from drippulse.workflows.errors import StepError
from drippulse.workflows.event_match import EVENT_TYPE, EventConditions
from drippulse.workflows.steps.base import (
    Advance,
    Category,
    Decision,
    Finish,
    Guarantee,
    LocalStep,
    Prepared,
    Problem,
    Rehearsal,
    StepConfig,
    StepContext,
    WaitUntil,
)
from drippulse.workflows.steps.spans import MAX_SPAN, SPANS, AnyUnit
from drippulse.workflows.steps.texts import render_json, template_problems
from drippulse.workflows.steps.wait import WaitConfig, due_at

REASON = "wait_for_event"
TIMED_OUT = "event_timeout"


class WaitKeyMissingError(StepError):
    """Nobody knows whose event to wait for."""

    code = "wait_key_missing"


class Timeout(BaseModel):
    """How long to wait, as in the step `wait`."""

    model_config = ConfigDict(extra="forbid")

    duration: float = Field(gt=0, le=200_000_000, allow_inf_nan=False, description="How many units.")
    unit: AnyUnit = Field(description="Days and weeks keep the wall time in the contact's zone.")


class WaitForEventConfig(EventConditions, StepConfig):
    event: str = Field(
        pattern=EVENT_TYPE, description="The event type to wait for, such as order.paid or email.clicked."
    )
    key: str | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="Liquid: whose event, by lead_ref or e-mail address. Default is the contact, by either.",
    )
    timeout: Timeout | None = Field(default=None, description="How long to wait; without it as long as it takes.")
    on_timeout: str = Field(
        default="continue",
        max_length=100,
        description="What follows then: a step id, continue (the next step) or exit.",
    )
    since: Literal["enrollment", "step"] = Field(
        default="enrollment",
        description="Since when an event counts that came before the step: the start of the run, or the step.",
    )


@dataclass(frozen=True, slots=True)
class Awaited:
    """What a visit waits for. `signal` is the event that the dispatcher found for it."""

    wait: Wait
    due: datetime | None
    on_timeout: str
    signal: dict[str, Any] | None


class WaitForEventStep(LocalStep[WaitForEventConfig]):
    type: ClassVar[str] = "wait_for_event"
    label: ClassVar[str] = "Wait for an event"
    category: ClassVar[Category] = Category.TIMING
    description: ClassVar[str] = (
        "Waits until an event of this type happens to the contact: one sent to POST /api/v1/events, or one of the "
        "platform's own such as email.clicked. An event that came after the run began and before this step counts too; "
        "each event is used once. When the time is up the run goes on as `on_timeout` says."
    )
    guarantee: ClassVar[Guarantee] = Guarantee.EXACTLY_ONCE
    test_behaviour: ClassVar[str] = "Does not wait; goes on as if an event without data had come."
    outputs: ClassVar[dict[str, str]] = {"event": "The event: {id, type, data, at}. Not set when the time was up."}
    config_model = WaitForEventConfig

    def problems(self, config: WaitForEventConfig) -> Iterator[Problem]:
        if config.event.startswith(OF_RUNS):
            yield Problem(
                "event", "is about runs and not about contacts; it can start a workflow, no step waits for it"
            )
        if config.timeout is not None and config.timeout.duration * SPANS[config.timeout.unit] > MAX_SPAN:
            yield Problem("timeout.duration", "is longer than five years")
        yield from template_problems("key", config.key)
        for index, condition in enumerate(config.conditions):
            yield from template_problems(f"conditions.{index}.value", condition.value)

    def targets(self, config: WaitForEventConfig) -> Iterator[tuple[str, str]]:
        if config.on_timeout not in ("continue", "exit"):
            yield "on_timeout", config.on_timeout

    def suspends(self, config: WaitForEventConfig) -> bool:
        return True  # every pass uses up an event or the whole time

    def prepare(self, config: WaitForEventConfig, ctx: StepContext) -> Prepared:
        keys = (normal_key(ctx.render(config.key)),) if config.key else None
        conditions: list[dict[str, Any]] = [
            {"field": one.field, "operator": one.operator.value, "value": render_json(one.value, ctx)}
            for one in config.conditions
        ]
        wait = Wait(
            organization_id=ctx.organization_id,
            enrollment_id=ctx.enrollment_id,
            visit=ctx.visit,
            event_type=config.event,
            keys=keys,
            wanted=EventConditions.model_construct(match=config.match, conditions=_rendered(config, ctx)),
            since=ctx.entered_at if config.since == "step" else None,
        )
        shown = keys or contact_keys(ctx.bag.get("lead_ref"), ctx.bag.get("email"))
        summary: dict[str, Any] = {"event": config.event, "keys": list(shown)}
        if conditions:
            summary |= {"match": config.match, "conditions": conditions}
        signal = ctx.signal.get("event") if ctx.signal else None
        return Prepared(Awaited(wait, _due(config, ctx), config.on_timeout, signal), summary, self.guarantee)

    async def apply(self, prepared: Prepared, ctx: StepContext, session: Session) -> Decision:
        awaited: Awaited = prepared.request
        event = await look_back(session, awaited.wait, ctx.now, awaited.signal)
        if event is not None:
            return Advance(output={"event": event}, logs=(f"{event['type']} came at {event['at']}",))
        if awaited.due is not None and ctx.now >= awaited.due:
            return timed_out(awaited)
        if not await register(session, awaited.wait):
            raise WaitKeyMissingError(
                "This contact has neither lead_ref nor e-mail address, so no event can be told to be its own. "
                "Set `key` in the step."
            )
        return WaitUntil(awaited.due, REASON)

    def rehearse(self, prepared: Prepared, ctx: StepContext) -> Rehearsal:
        awaited: Awaited = prepared.request
        until = f" until {isoformat(awaited.due)} at the latest" if awaited.due else ""
        event = {"id": 0, "type": awaited.wait.event_type, "data": dict[str, Any](), "at": isoformat(ctx.now)}
        return Rehearsal((f"[test] Would wait for {awaited.wait.event_type}{until}",), {"event": event})


def _rendered(config: WaitForEventConfig, ctx: StepContext) -> list[Any]:
    """The conditions with the templates in their values rendered."""
    return [one.model_copy(update={"value": render_json(one.value, ctx)}) for one in config.conditions]


def _due(config: WaitForEventConfig, ctx: StepContext) -> datetime | None:
    if config.timeout is None:
        return None
    span = WaitConfig(duration=config.timeout.duration, unit=config.timeout.unit)
    return due_at(span, ctx.entered_at, ctx.timezone, ctx.enrollment_id, ctx.visit)


def timed_out(awaited: Awaited) -> Decision:
    """How a run goes on whose time is up."""
    logs = (f"No {awaited.wait.event_type} came in time",)
    if awaited.on_timeout == "exit":
        return Finish(reason=TIMED_OUT, logs=logs)
    return Advance(logs=logs, to=None if awaited.on_timeout == "continue" else awaited.on_timeout)
