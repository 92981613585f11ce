"""What comes next: the walk on a copy, with a clock of its own and no effects. Pure."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from drippulse.enrollments.explaining.sends import Coming as Mail
from drippulse.enrollments.explaining.sends import Delay, Sends
from drippulse.enrollments.tables import RETRY
from drippulse.kit.clock import isoformat_or_none
from drippulse.kit.errors import DomainError
from drippulse.sending.tables import QUIET_HOURS, WAIT_REASONS
from drippulse.workflows.graph import Graph, Node
from drippulse.workflows.steps.base import Advance
from drippulse.workflows.walk import Effect, Stop, Subject, Walk, WalkState, advance, resume_with

NEXT_STEPS = 5
MOST_ROUNDS = 40
DECISIONS = frozenset({"filter", "branch", "score", "ab_test"})
TEST = "[test] "


@dataclass(slots=True)
class Coming:
    """A step that comes. `at` is when it is reached, `until` when it is left, as far as that can be told.

    `sure` is False where it depends on data or on somebody's act that may still change; `note` says so for people. Of a
    mail `sends_at` is when it likely goes out, and `held_by` what puts it off until then.
    """

    node: Node
    at: datetime
    until: datetime | None = None
    status: str = ""
    reason: str | None = None
    sends_at: datetime | None = None
    held_by: list[Delay] = field(default_factory=list[Delay])
    sure: bool = True
    logs: list[str] = field(default_factory=list[str])
    note: str = ""

    def shown(self) -> dict[str, Any]:
        return {
            "step_index": self.node.index,
            "step_id": self.node.id,
            "name": self.node.name,
            "type": self.node.type,
            "at": isoformat_or_none(self.at),
            "until": isoformat_or_none(self.until),
            "what": self.status,
            "reason": self.reason,
            "sends_at": isoformat_or_none(self.sends_at),
            "held_by": [delay.sentence for delay in self.held_by],
            "sure": self.sure,
            "logs": self.logs,
            "note": self.note,
        }


def forecast(
    graph: Graph,
    state: WalkState,
    subject: Subject,
    now: datetime,
    due_at: datetime | None,
    wait_reason: str | None,
    sends: Sends,
    begun: frozenset[int] = frozenset(),
) -> list[Coming]:
    """The step the run is on and the five after it, as they would go from today's data.

    Args:
        due_at: until when the current step waits. Without it, and with a `wait_reason`, only somebody's act ends it.
        begun: the visits whose mail was tried before.
    """
    run = _Forecast(graph, subject, state, now, sends, begun)
    if wait_reason and due_at is None and state.cursor < len(graph):
        run.open_end(graph.nodes[state.cursor], None, wait_reason)
        return run.steps
    if due_at is not None and due_at > now and state.cursor < len(graph):
        run.wait(graph.nodes[state.cursor], due_at, wait_reason or "wait")
    run.go()
    return run.steps


@dataclass(slots=True)
class _Forecast:
    graph: Graph
    subject: Subject
    state: WalkState
    now: datetime
    sends: Sends
    begun: frozenset[int]
    steps: list[Coming] = field(default_factory=list[Coming])
    sure: bool = True

    def go(self) -> None:
        """Step by step, until five more are known, the run ends, or it depends on somebody."""
        for _ in range(MOST_ROUNDS):
            if len({id(step.node) for step in self.steps}) > NEXT_STEPS or len(self.steps) > 2 * NEXT_STEPS:
                return
            if self.state.cursor >= len(self.graph) or not self._one():
                return

    def _one(self) -> bool:
        node = self.graph.nodes[self.state.cursor]
        walk = advance(self.graph, self.state, self.subject, self.now, max_steps=1)
        if walk.stop is Stop.WAITING:
            if walk.until is None:
                return self.open_end(node, None, walk.reason)
            self.wait(node, walk.until, walk.reason)
            return True
        if walk.effect is not None:
            return self._effect(node, walk.effect)
        return self._decided(node, walk)

    def wait(self, node: Node, until: datetime, reason: str) -> None:
        """The clock goes on to the end of the wait; what is decided after it may see other data."""
        step = self._step(node)
        step.until, step.status, step.reason = until, "wait", reason
        if reason == RETRY:
            step.note = "The failed attempt is made again then."
        elif reason in WAIT_REASONS:
            step.sure, step.note = False, "The sending policy is asked again then and may put the mail off once more."
        self.now = max(self.now + timedelta(microseconds=1), until)
        self.sure = False

    def open_end(self, node: Node, until: datetime | None, reason: str) -> bool:
        """Nothing can be told of what follows; always False."""
        step = self._step(node)
        step.until, step.status, step.reason, step.sure = until, "wait", reason, False
        step.note = "Somebody or something has to come first, so what follows cannot be told."
        return False

    def _effect(self, node: Node, effect: Effect) -> bool:
        if node.local and node.step.suspends(node.config):
            return self.open_end(node, None, node.type)
        try:
            rehearsal = node.step.rehearse(effect.prepared, effect.ctx)
        except DomainError as error:
            self._step(node).logs = [error.message]
            return False
        step = self._step(node)
        step.status, step.logs = "act", [log.removeprefix(TEST) for log in rehearsal.logs]
        if not self._send(step, effect):
            return False
        done = Advance(output=rehearsal.output, logs=rehearsal.logs)
        walk = resume_with(self.graph, self.state, self.subject, self.now, done, effect, max_steps=0)
        self.state = walk.state
        self.sure = self.sure and not rehearsal.output
        return walk.stop is not Stop.FAILED

    def _send(self, step: Coming, effect: Effect) -> bool:
        """When the mail goes out, if it is one; False when nobody can tell."""
        if effect.prepared.recipient is None:
            return True
        sender = str(effect.prepared.summary.get("from") or "")
        visit = self.state.visit
        mail = Mail(
            self.subject.enrollment_id,
            visit,
            effect.prepared.recipient,
            sender,
            effect.ctx.timezone,
            begun=visit in self.begun,
        )
        step.sends_at, step.held_by = self.sends.when(mail, self.now)
        if not step.held_by:
            return True
        step.reason, step.until = step.held_by[0].reason, step.sends_at
        step.sure = all(delay.reason == QUIET_HOURS for delay in step.held_by)
        step.note = f"It is put off: {'; '.join(delay.sentence for delay in step.held_by)}."
        if step.sends_at is None:
            return False
        self.now, self.sure = max(self.now, step.sends_at), False
        return True

    def _decided(self, node: Node, walk: Walk) -> bool:
        if not walk.records:
            return walk.stop is Stop.YIELDED
        record = walk.records[0]
        step = self._step(node)
        step.status, step.logs = record.status.value, list(record.logs)
        if record.error:
            step.logs.append(record.error["message"])
        if node.type in DECISIONS and not self.sure:
            step.sure = False
            step.note = "Decided when it is reached, with the data of that moment; today it would go like this."
        self.state = walk.state
        return walk.stop in {Stop.YIELDED, Stop.COMPLETED} and walk.state.cursor < len(self.graph)

    def _step(self, node: Node) -> Coming:
        """The entry of this visit; a step that waits and then acts has one."""
        if self.steps and self.steps[-1].node is node and self.steps[-1].status == "wait":
            return self.steps[-1]
        self.steps.append(Coming(node, self.now, sure=self.sure or node.type not in DECISIONS))
        return self.steps[-1]
