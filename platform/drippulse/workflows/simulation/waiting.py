"""Steps that wait for somebody. They look into the database for the answer; here the models say what they would find.

Pure. What a step does with an answer, or without one when its time is over, is the step's own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from drippulse.approvals import requests as approvals
from drippulse.approvals.tables import ApprovalStatus
from drippulse.kit.clock import isoformat
from drippulse.workflows.simulation.lots import Lots
from drippulse.workflows.steps import approval, wait_for_event
from drippulse.workflows.steps.base import Advance, Decision
from drippulse.workflows.walk import Effect


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody will say at `at`."""

    at: datetime
    content: Any


@dataclass(frozen=True, slots=True)
class Visited:
    """A visit of a step that waits. `ask` draws its answer, None when there will be none."""

    reason: str
    ends_at: datetime | None
    ask: Callable[[datetime], Answer | None]
    answered: Callable[[Answer], Decision]
    timed_out: Callable[[datetime], Decision]


def _approval(effect: Effect, contact: int, lots: Lots) -> Visited:
    config: approval.ApprovalConfig
    request: approvals.Request
    config, request = effect.prepared.request

    def ask(now: datetime) -> Answer | None:
        drawn = lots.approval(effect.ctx, contact)
        return drawn and Answer(now + timedelta(seconds=drawn[0]), drawn[1])

    def decide(status: ApprovalStatus, at: datetime) -> Decision:
        output = {"decision": status.value, "note": "", "decided_by": None, "at": isoformat(at)}
        return approval.go_on(config, approvals.Answer(status, output, {}))

    return Visited(
        reason=approval.REASON,
        ends_at=request.due_at,
        ask=ask,
        answered=lambda answer: decide(
            ApprovalStatus.APPROVED if answer.content else ApprovalStatus.REJECTED, answer.at
        ),
        timed_out=lambda now: decide(ApprovalStatus.EXPIRED, now),
    )


def _event(effect: Effect, contact: int, lots: Lots) -> Visited:
    awaited: wait_for_event.Awaited = effect.prepared.request
    if not any(effect.prepared.summary["keys"]):
        raise wait_for_event.WaitKeyMissingError("This contact has neither lead_ref nor e-mail address.")

    def ask(now: datetime) -> Answer | None:
        drawn = lots.event(effect.ctx, contact, awaited.wait.event_type)
        return drawn and Answer(now + timedelta(seconds=drawn[0]), drawn[1])

    def answered(answer: Answer) -> Decision:
        event = {"id": 0, "type": awaited.wait.event_type, "data": answer.content, "at": isoformat(answer.at)}
        return Advance(output={"event": event})

    return Visited(
        reason=wait_for_event.REASON,
        ends_at=awaited.due,
        ask=ask,
        answered=answered,
        timed_out=lambda _now: wait_for_event.timed_out(awaited),
    )


WAITS: dict[str, Callable[[Effect, int, Lots], Visited]] = {"approval": _approval, "wait_for_event": _event}
"""By step type. Every other step that writes is rehearsed."""
