"""From what a walk says to what is written, and back. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from drippulse.enrollments.claim import Claimed
from drippulse.enrollments.commit import MailIntent, MailResult, Progress
from drippulse.enrollments.tables import OUTCOME_UNKNOWN as UNKNOWN
from drippulse.enrollments.tables import RETRY, EnrollmentStatus
from drippulse.kit.json import dump_json
from drippulse.messaging.compose import message_id
from drippulse.messaging.links import MailRef
from drippulse.workflows.graph import Graph, only_to
from drippulse.workflows.steps.base import Outcome, OutcomeKind, Prepared
from drippulse.workflows.templates import Templates
from drippulse.workflows.walk import StepRecord, StepStatus, Stop, Subject, Walk, WalkState, resume_with

MAX_ATTEMPTS = 5
SKIP_SENDS = "skip_sends"
"""Member of a signal: why nothing is sent until the next wait."""
SENT_AGAIN = "Sent again: an operator decided so."
MAIL_STATUS = {
    OutcomeKind.DONE: "sent",
    OutcomeKind.RETRY: "retrying",
    OutcomeKind.UNKNOWN: "unknown",
    OutcomeKind.FAILED: "failed",
}


@dataclass(slots=True)
class Run:
    """One claimed enrollment on its way through a worker.

    `records` and `results` are what is not committed yet. `asked_at` is the monotonic time of the claim, from which
    the database's present time is reckoned.
    """

    claimed: Claimed
    graph: Graph
    subject: Subject
    asked_at: float
    fence: int
    bag: dict[str, Any]
    records: list[StepRecord] = field(default_factory=list[StepRecord])
    results: list[MailResult] = field(default_factory=list[MailResult])

    def now(self, monotonic: float) -> datetime:
        return self.claimed.now + timedelta(seconds=monotonic - self.asked_at)


def begin(claimed: Claimed, graph: Graph, templates: Templates, asked_at: float) -> Run:
    signal: dict[str, Any] | None = orjson.loads(claimed.signal) if claimed.signal else None
    if claimed.sends_for is not None:
        graph = only_to(graph, claimed.step_index)
    subject = Subject(
        organization_id=claimed.organization_id,
        enrollment_id=claimed.owner,
        workflow_id=claimed.workflow_id,
        timezone=claimed.timezone,
        templates=templates,
        organization_timezone=claimed.organization_timezone,
        paused=frozenset(claimed.paused_steps),
        signal=signal,
        skip_sends=signal.get(SKIP_SENDS) if signal else None,
    )
    return Run(claimed, graph, subject, asked_at, claimed.fence, orjson.loads(claimed.bag))


def walk_state(run: Run) -> WalkState:
    """Where the claimed enrollment stands, as the walk wants it."""
    claimed = run.claimed
    visits: dict[str, int] = orjson.loads(claimed.visits)
    return WalkState(
        cursor=claimed.step_index,
        visit=claimed.visit,
        attempt=claimed.attempt,
        entered_at=claimed.entered_at,
        bag=run.bag,
        visits=visits or ({claimed.step_id: 1} if claimed.step_id else {}),
    )


def retry_delay(attempt: int, base_seconds: float, retry_after: float | None) -> timedelta:
    """What the provider asked for (an hour at most), else `base`, doubled with every attempt."""
    if retry_after is not None:
        return timedelta(seconds=min(max(retry_after, 1.0), 3600.0))
    return timedelta(seconds=base_seconds * 2 ** (attempt - 1))


def give_up(run: Run, walk: Walk, now: datetime) -> Walk:
    """The walk to persist for a RETRY that has used up its attempts."""
    outcome = Outcome(
        OutcomeKind.FAILED, code=walk.code, message=f"{walk.message} Given up after {MAX_ATTEMPTS} attempts."
    )
    return resume_with(run.graph, walk.state, run.subject, now, outcome)


def poisoned(run: Run) -> Walk:
    """The walk to persist for a step that was begun `MAX_ATTEMPTS` times and never came to an end."""
    text = f"This step was begun {MAX_ATTEMPTS} times and its worker never finished it."
    return resume_with(
        run.graph,
        walk_state(run),
        run.subject,
        run.claimed.now,
        Outcome(OutcomeKind.FAILED, code="poison_step", message=text),
    )


def failed(claimed: Claimed, code: str, message: str) -> Progress:
    """What is written when an enrollment cannot even be walked."""
    error = dump_json({"code": code, "message": message, "step_index": claimed.step_index, "at": claimed.now})
    return replace(
        _unchanged(claimed),
        status=EnrollmentStatus.FAILED,
        attempt=claimed.attempt,
        last_error=error,
        results=[MailResult(claimed.visit, MAIL_STATUS[OutcomeKind.UNKNOWN], message)] if claimed.intent_at else [],
        event=("enrollment.failed", error),
    )


def postponed(claimed: Claimed, reason: str, delay: timedelta) -> Progress:
    """What is written when this worker cannot go on with an enrollment, and that is not the enrollment's fault."""
    until = claimed.now + delay
    return replace(_unchanged(claimed), next_run_at=until, wait_reason=reason, keep_intent=True)


def _unchanged(claimed: Claimed) -> Progress:
    return Progress(
        id=claimed.id,
        organization_id=claimed.organization_id,
        workflow_id=claimed.workflow_id,
        workflow_version=claimed.workflow_version,
        fence=claimed.fence,
        step_index=claimed.step_index,
        step_id=claimed.step_id,
        visit=claimed.visit,
        visits=None,
        bag=None,
        attempt=0,
        entered_at=claimed.entered_at,
        sends_for=claimed.sends_for,
    )


def refused(progress: Progress, reason: str) -> Progress:
    """What is written instead of a progress whose data the database refuses: the failure, without that data."""
    error = dump_json(
        {
            "code": "data_refused",
            "message": f"The step's data cannot be stored: {reason}",
            "step_index": progress.step_index,
        }
    )
    return replace(
        progress,
        status=EnrollmentStatus.FAILED,
        next_run_at=None,
        keep_lease=False,
        intent=False,
        held=False,
        recipient=None,
        mail=None,
        visits=None,
        bag=None,
        last_error=error,
        entries=None,
        finished_steps=[],
        results=[],
        event=("enrollment.failed", error),
    )


def to_progress(run: Run, walk: Walk, now: datetime, retry_base: float) -> Progress:
    """What is written for `walk`, with everything of this run that is not committed yet."""
    state = walk.state
    node = run.graph.nodes[state.cursor] if state.cursor < len(run.graph) else None
    last = run.records[-1] if run.records else None
    finished = [record for record in run.records if record.status is not StepStatus.WAITING]
    progress = Progress(
        id=run.claimed.id,
        organization_id=run.claimed.organization_id,
        workflow_id=run.claimed.workflow_id,
        workflow_version=run.claimed.workflow_version,
        fence=run.fence,
        step_index=node.index if node else (last.step_index if last else max(len(run.graph) - 1, 0)),
        step_id=node.id if node else (last.step_id if last else ""),
        visit=state.visit,
        visits=dump_json(state.visits),
        bag=None if state.bag is run.bag else dump_json(state.bag),
        attempt=0,
        entered_at=state.entered_at,
        entries=dump_json([_entry(record) for record in _noted(run, finished)]) if finished else None,
        finished_steps=[(record.type, _status(record)) for record in finished],
        results=list(run.results),
        sends_for=run.claimed.sends_for,
    )
    _come_to_rest(progress, walk, now, retry_base)
    if progress.event is None and finished:
        at = {"step_index": progress.step_index, "step_id": progress.step_id}
        progress.event = ("enrollment.step_completed", dump_json(at))
    return progress


def _come_to_rest(progress: Progress, walk: Walk, now: datetime, retry_base: float) -> None:
    match walk.stop:
        case Stop.COMPLETED:
            progress.status = EnrollmentStatus.COMPLETED
            progress.exit_reason = walk.reason
            progress.event = ("enrollment.completed", dump_json({"reason": walk.reason}))
        case Stop.FAILED:
            progress.status = EnrollmentStatus.FAILED
            progress.attempt = walk.state.attempt
            progress.last_error = _error(progress, walk, now)
            progress.event = ("enrollment.failed", progress.last_error)
        case Stop.WAITING:
            progress.next_run_at, progress.wait_reason = walk.until, walk.reason
        case Stop.YIELDED:
            progress.next_run_at = now
        case Stop.HELD:
            progress.next_run_at, progress.held = now, True
        case Stop.RETRY:
            progress.attempt = walk.state.attempt
            progress.next_run_at = now + retry_delay(walk.state.attempt, retry_base, walk.retry_after)
            progress.wait_reason, progress.last_error = RETRY, _error(progress, walk, now)
        case Stop.ASK:
            progress.attempt = walk.state.attempt
            progress.wait_reason, progress.last_error = UNKNOWN, _error(progress, walk, now)
        case Stop.EFFECT:
            progress.attempt, progress.keep_lease, progress.intent = walk.state.attempt, True, True
            progress.next_run_at = now
            if walk.effect is not None:
                _intend(progress, walk.effect.prepared, walk.state.visit, walk.effect.ctx.timezone)


def _intend(progress: Progress, prepared: Prepared, visit: int, timezone: str) -> None:
    progress.recipient = prepared.recipient
    if prepared.recipient is not None:
        progress.mail = MailIntent(
            visit=visit,
            recipient=prepared.recipient,
            subject=(prepared.subject or "").replace("\x00", ""),
            message_id=message_id(MailRef(progress.organization_id, progress.owner, visit)),
            links=dump_json(prepared.links),
            sender=str(prepared.summary.get("from") or ""),
            timezone=timezone,
        )


def _error(progress: Progress, walk: Walk, now: datetime) -> str:
    return dump_json({"code": walk.code, "message": walk.message, "step_index": progress.step_index, "at": now})


def _noted(run: Run, records: Sequence[StepRecord]) -> Sequence[StepRecord]:
    """In another run's timeline, whose the mail is, they say where they come from."""
    if run.claimed.sends_for is None:
        return records
    return [replace(record, logs=(SENT_AGAIN, *record.logs)) for record in records]


def _entry(record: StepRecord) -> tuple[Any, ...]:
    """As `EnrollmentWalk.entries` describes it."""
    output: Any = {**record.output, "logs": record.logs} if record.logs else record.output or None
    finished = record.finished_at or record.entered_at
    started = None if record.entered_at == finished else record.entered_at
    head = (record.visit, record.step_index, _status(record), record.attempt or 1, finished)
    if record.error:
        return (*head, started, record.input or None, output, record.error)
    if output:
        return (*head, started, record.input or None, output)
    return (*head, started, record.input) if record.input else (*head, started)


def _status(record: StepRecord) -> str:
    """What the timeline says of a visit, or of an attempt with an error."""
    if not record.error:
        return record.status
    if record.error.get("will_retry"):
        return "retrying"
    return "unknown" if record.error.get("code") == UNKNOWN else "failed"


def retry_record(run: Run, walk: Walk, now: datetime) -> StepRecord:
    """The timeline entry of a failed attempt that will be tried again."""
    node = run.graph.nodes[walk.state.cursor]
    return StepRecord(
        visit=walk.state.visit,
        step_index=node.index,
        step_id=node.id,
        name=node.name,
        type=node.type,
        status=StepStatus.FAILED,
        attempt=walk.state.attempt,
        entered_at=walk.state.entered_at,
        finished_at=now,
        error={"code": walk.code, "message": walk.message, "will_retry": True},
    )


def mail_result(prepared: Prepared, visit: int, outcome: Outcome, fence: int) -> list[MailResult]:
    """What the delivery row says once the call has an outcome; nothing for effects that are not mail.

    Args:
        fence: the enrollment's when the intent was committed.
    """
    if prepared.recipient is None:
        return []
    response = str(outcome.output.get("response", "")) if outcome.kind is OutcomeKind.DONE else outcome.message
    storable = response.replace("\x00", "").encode(errors="replace").decode()
    return [MailResult(visit, MAIL_STATUS[outcome.kind], storable, fence)]
