"""Runs an enrollment through its graph until it ends, waits, needs an effect, or has had its share. Pure.

The engine loads a `WalkState`, calls `advance`, and persists what the `Walk` says. When the walk stops at an effect,
the engine commits the intent, performs it, and hands the outcome to `resume_with`. `/test` does the same with
rehearsals. Nothing that is passed in is changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from drippulse.kit.clock import isoformat_or_none
from drippulse.kit.errors import DomainError
from drippulse.workflows.graph import Graph, Node
from drippulse.workflows.settings import ended_by
from drippulse.workflows.steps.base import (
    Advance,
    Bag,
    Decision,
    Finish,
    Guarantee,
    Outcome,
    OutcomeKind,
    Prepared,
    StepContext,
    WaitUntil,
)
from drippulse.workflows.templates import Templates

MAX_STEPS = 100
MAX_VISITS = 1000
END_OF_STEPS = "end_of_steps"


class Stop(StrEnum):
    """Why a walk came to rest."""

    COMPLETED = "completed"
    WAITING = "waiting"
    EFFECT = "effect"
    YIELDED = "yielded"
    HELD = "held"
    FAILED = "failed"
    RETRY = "retry"
    ASK = "ask"


class StepStatus(StrEnum):
    COMPLETED = "completed"
    SKIPPED = "skipped"
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose walk it is; constant over all of its steps. `timezone` is the contact's.

    `paused` are ids of steps that are not begun. `signal` belongs to the visit that the walk begins with.
    `skip_sends` is why no effect shall happen until the next wait (what was due in a pause is stale).
    """

    organization_id: int
    enrollment_id: int
    workflow_id: int
    timezone: str
    templates: Templates
    organization_timezone: str = "UTC"
    paused: frozenset[str] = frozenset()
    signal: Mapping[str, Any] | None = None
    skip_sends: str | None = None


@dataclass(slots=True)
class WalkState:
    """Where an enrollment stands.

    `cursor` is the index of the step it has entered at `entered_at` and not yet left (`len(graph)` at the end).
    `visit` numbers the step visits of the enrollment from 1, `visits` counts them by step id. `attempt` counts the
    attempts of this visit from 1; the engine raises it before it tries again.
    """

    cursor: int
    visit: int
    attempt: int
    entered_at: datetime
    bag: Bag
    visits: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(slots=True)
class StepRecord:
    """One entry of the timeline. A visit that waits appears as `waiting` and, once it is over, again as completed."""

    visit: int
    step_index: int
    step_id: str
    name: str
    type: str
    status: StepStatus
    attempt: int
    entered_at: datetime
    finished_at: datetime | None
    input: dict[str, Any] | None = None
    output: Bag = field(default_factory=dict[str, Any])
    logs: tuple[str, ...] = ()
    error: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What the engine performs: `node.step.perform(prepared, ctx, services)`."""

    node: Node
    prepared: Prepared
    ctx: StepContext


@dataclass(slots=True)
class Walk:
    """What came of it, to be persisted as a whole.

    `reason` says why it completed or what it waits for, `until` when it goes on. `code` and `message` belong to
    FAILED and RETRY, `retry_after` (seconds) to RETRY. `exception` is set when a step broke in a way that no domain
    error describes, for the engine to log.
    """

    stop: Stop
    state: WalkState
    records: list[StepRecord]
    reason: str = ""
    until: datetime | None = None
    effect: Effect | None = None
    code: str = ""
    message: str = ""
    retry_after: float | None = None
    exception: Exception | None = None


def start(graph: Graph, bag: Mapping[str, Any], now: datetime) -> WalkState:
    """The state of a new enrollment: on the first step, first visit, first attempt."""
    visits = {graph.nodes[0].id: 1} if graph.nodes else {}
    return WalkState(cursor=0, visit=1, attempt=1, entered_at=now, bag=dict(bag), visits=visits)


def advance(graph: Graph, state: WalkState, subject: Subject, now: datetime, max_steps: int = MAX_STEPS) -> Walk:
    """Go on from the current step; `now` is the database's time and the time of every record."""
    return Walker(graph, _copy(state), subject, now).run(max_steps)


def resume_with(
    graph: Graph,
    state: WalkState,
    subject: Subject,
    now: datetime,
    result: Outcome | Decision,
    effect: Effect | None = None,
    max_steps: int = MAX_STEPS,
) -> Walk:
    """Settle the current step with what became of its effect and go on.

    `result` is the effect's `Outcome`, or a `Decision` where the engine itself decided not to perform it
    (`Advance(skipped="suppressed: unsubscribed")`). DONE moves on; FAILED stops; RETRY rests without a record.
    UNKNOWN follows the guarantee: what may happen twice is retried; otherwise `on_unknown` decides between moving on
    with a `skipped` record whose error is `outcome_unknown`, RETRY, and ASK.
    """
    walker = Walker(graph, _copy(state), subject, now)
    rest = walker.settle(graph.nodes[state.cursor], result, effect)
    return rest or walker.run(max_steps)


def _copy(state: WalkState) -> WalkState:
    """All but the bag, which is replaced and never changed."""
    return WalkState(state.cursor, state.visit, state.attempt, state.entered_at, state.bag, dict(state.visits))


class Walker:
    """One walk, for whoever wants to look on after each step. It moves the state that it is given.

    `records` grows; whoever has read it may clear it.
    """

    __slots__ = ("first_visit", "graph", "now", "records", "state", "subject")

    def __init__(self, graph: Graph, state: WalkState, subject: Subject, now: datetime) -> None:
        self.graph = graph
        self.state = state
        self.subject = subject
        self.now = now
        self.first_visit = state.visit
        self.records: list[StepRecord] = []

    def run(self, max_steps: int) -> Walk:
        for _ in range(max_steps):
            rest = self.step()
            if rest is not None:
                return rest
        if self.state.cursor >= len(self.graph.nodes):
            return self._rest(Stop.COMPLETED, reason=END_OF_STEPS)
        return self._rest(Stop.YIELDED)

    def step(self) -> Walk | None:
        """Do the current step; None once it has moved on, otherwise why it rests."""
        nodes = self.graph.nodes
        if self.state.cursor >= len(nodes):
            return self._rest(Stop.COMPLETED, reason=END_OF_STEPS)
        node = nodes[self.state.cursor]
        ended = ended_by(self.graph.exits, self.state.bag, self.now) if self.graph.exits else None
        if ended is not None:
            return self._rest(Stop.COMPLETED, reason=ended.exit_reason)
        if self.state.visits.get(node.id, 0) > MAX_VISITS:
            message = f"This step was visited {MAX_VISITS} times by one enrollment, so it is taken for an endless loop."
            return self._fail(node, "loop_limit", message)
        if node.id in self.subject.paused:
            return self._rest(Stop.HELD)
        ctx = self.context(node)
        try:
            decision = node.step.prepare(node.config, ctx) if node.effect else node.step.decide(node.config, ctx)
        except DomainError as error:
            return self._fail(node, error.error_code, error.message)
        except Exception as error:  # noqa: BLE001 - one contact's bad data must not stop the batch; the engine logs it
            walk = self._fail(node, "step_error", f"The step broke: {type(error).__name__}.")
            walk.exception = error
            return walk
        if isinstance(decision, Prepared):
            if self.subject.skip_sends is not None and not node.local:
                return self._decide(node, Advance(skipped=self.subject.skip_sends), decision.summary)
            return self._rest(Stop.EFFECT, effect=Effect(node, decision, ctx))
        return self._decide(node, decision, None)

    def context(self, node: Node) -> StepContext:
        """What the current step sees."""
        state, subject = self.state, self.subject
        return StepContext(
            now=self.now,
            entered_at=state.entered_at,
            organization_id=subject.organization_id,
            enrollment_id=subject.enrollment_id,
            workflow_id=subject.workflow_id,
            visit=state.visit,
            attempt=state.attempt,
            timezone=subject.timezone,
            bag=state.bag,
            templates=subject.templates,
            step_id=node.id,
            step_visits=state.visits.get(node.id, 1),
            organization_timezone=subject.organization_timezone,
            signal=subject.signal if state.visit == self.first_visit else None,
        )

    def settle(self, node: Node, result: Outcome | Decision, effect: Effect | None) -> Walk | None:
        """Move on by what became of the current step's effect, as `resume_with` says; None once it has."""
        shown = effect.prepared.summary if effect else None
        if not isinstance(result, Outcome):
            return self._decide(node, result, shown)
        if result.kind is OutcomeKind.DONE:
            return self._decide(node, Advance(output=result.output, logs=result.logs, to=result.to), shown)
        if result.kind is OutcomeKind.FAILED:
            return self._fail(node, result.code or "step_failed", result.message, result.logs, shown)
        if result.kind is OutcomeKind.UNKNOWN and not _may_repeat(effect):
            return self._unknown(node, result, effect, shown)
        return self._rest(Stop.RETRY, code=result.code, message=result.message, retry_after=result.retry_after)

    def _unknown(self, node: Node, result: Outcome, effect: Effect | None, shown: Bag | None) -> Walk | None:
        choice = effect.prepared.on_unknown if effect else "skip"
        message = result.message or "It is not known whether this happened."
        if choice != "skip":
            stop = Stop.RETRY if choice == "resend" else Stop.ASK
            return self._rest(stop, code="outcome_unknown", message=message)
        error = {"code": "outcome_unknown", "message": message}
        self._record(node, StepStatus.SKIPPED, shown, result.output, result.logs, error)
        self._enter(node.index + 1)
        return None

    def _decide(self, node: Node, decision: Decision, shown: Bag | None) -> Walk | None:
        if isinstance(decision, Advance):
            return self._move_on(node, decision, shown)
        if isinstance(decision, WaitUntil):
            shown = {"until": isoformat_or_none(decision.at), "reason": decision.reason}
            self._record(node, StepStatus.WAITING, shown, finished=False)
            return self._rest(Stop.WAITING, reason=decision.reason, until=decision.at)
        return self._finish(node, decision, shown)

    def _move_on(self, node: Node, decision: Advance, shown: Bag | None) -> Walk | None:
        target = node.index + 1
        if decision.to is not None:
            found = self.graph.index.get(decision.to)
            if found is None:
                return self._fail(node, "unknown_step", f'The step "{decision.to}" to go on with does not exist.')
            target = found
        logs = decision.logs if decision.skipped is None else (*decision.logs, f"Skipped: {decision.skipped}")
        status = StepStatus.COMPLETED if decision.skipped is None else StepStatus.SKIPPED
        self._record(node, status, shown, decision.output, logs)
        self._merge(decision.output)
        self._enter(target)
        if decision.skip_next and target < len(self.graph.nodes):
            over = self.graph.nodes[target]
            self._record(over, StepStatus.SKIPPED, logs=(f'Skipped by step {node.index + 1} ("{node.name}")',))
            self._enter(target + 1)
        return None

    def _finish(self, node: Node, decision: Finish, shown: Bag | None) -> Walk:
        self._record(node, StepStatus.COMPLETED, shown, decision.output, decision.logs)
        self._merge(decision.output)
        self._enter(len(self.graph.nodes))
        return self._rest(Stop.COMPLETED, reason=decision.reason)

    def _fail(self, node: Node, code: str, message: str, logs: tuple[str, ...] = (), shown: Bag | None = None) -> Walk:
        self._record(node, StepStatus.FAILED, shown, logs=logs, error={"code": code, "message": message})
        return self._rest(Stop.FAILED, code=code, message=message)

    def _merge(self, output: Bag) -> None:
        if output:
            self.state.bag = {**self.state.bag, **output}

    def _enter(self, target: int) -> None:
        state = self.state
        state.cursor = target
        state.attempt = 1
        state.entered_at = self.now
        if target < len(self.graph.nodes):
            step_id = self.graph.nodes[target].id
            state.visit += 1
            state.visits[step_id] = state.visits.get(step_id, 0) + 1

    def _record(
        self,
        node: Node,
        status: StepStatus,
        shown: Bag | None = None,
        output: Bag | None = None,
        logs: tuple[str, ...] = (),
        error: dict[str, Any] | None = None,
        *,
        finished: bool = True,
    ) -> None:
        state = self.state
        self.records.append(
            StepRecord(  # by position: half the time, and one is made for every step
                state.visit,
                node.index,
                node.id,
                node.name,
                node.type,
                status,
                state.attempt,
                state.entered_at,
                self.now if finished else None,
                shown,
                output or {},
                logs,
                error,
            )
        )

    def _rest(
        self,
        stop: Stop,
        *,
        reason: str = "",
        until: datetime | None = None,
        effect: Effect | None = None,
        code: str = "",
        message: str = "",
        retry_after: float | None = None,
    ) -> Walk:
        return Walk(stop, self.state, self.records, reason, until, effect, code, message, retry_after)


def _may_repeat(effect: Effect | None) -> bool:
    """Whether a second attempt is harmless: the receiver dedupes, or the guarantee says at least once."""
    return effect is not None and effect.prepared.guarantee in (Guarantee.AT_LEAST_ONCE, Guarantee.KEYED)
