"""The engine's side of an approval: ask, look for the decision, let it expire. Runs in the run's own transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from drippulse.approvals import queries
from drippulse.approvals.queries import Visit
from drippulse.approvals.tables import ApprovalStatus
from drippulse.events import service as events
from drippulse.kit.clock import isoformat, isoformat_or_none
from drippulse.kit.db import Record, Session

DECIDED = (ApprovalStatus.APPROVED, ApprovalStatus.REJECTED)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. `due_at` is when it expires, None for never."""

    visit: Visit
    role: str
    message: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it: approved, rejected or expired. `edits` are merged into the contact's data."""

    status: ApprovalStatus
    output: dict[str, Any]
    edits: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """The run that asks, as the event log names it."""

    organization_id: int
    actor_id: int
    actor_type: str = "workflow"


async def ask(session: Session, request: Request, now: datetime) -> Answer | None:
    """The answer, or None while it is open. The first call asks; one after `due_at` closes it."""
    visit = request.visit
    row = await queries.of_visit(session, visit)
    if row is not None and row["status"] in DECIDED:
        return _decided(row)
    if row is None or row["status"] != ApprovalStatus.OPEN:
        await _open(session, request)
        return None
    if request.due_at is not None and now >= request.due_at:
        await queries.expire(session, visit.organization_id, row["id"])
        output = {"decision": ApprovalStatus.EXPIRED.value, "note": "", "decided_by": None, "at": isoformat(now)}
        return Answer(ApprovalStatus.EXPIRED, output, {})
    await queries.move_due(session, visit.organization_id, row["id"], request.due_at)
    return None


async def _open(session: Session, request: Request) -> None:
    visit = request.visit
    requested_by = await queries.requester(session, visit)
    approval_id = await queries.open_approval(
        session, visit, request.role, request.message, request.due_at, requested_by
    )
    data = {
        "enrollment_id": visit.enrollment_id,
        "workflow_id": visit.workflow_id,
        "step_id": visit.step_id,
        "role": request.role,
        "message": request.message,
        "due_at": isoformat_or_none(request.due_at),
    }
    run = Run(visit.organization_id, visit.workflow_id)
    await events.append(session, "approval.requested", "approval", approval_id, run, data)


def _decided(row: Record) -> Answer:
    output = {
        "decision": row["status"],
        "note": row["note"],
        "decided_by": {"type": row["decided_by_type"], "id": row["decided_by_id"]},
        "at": isoformat(row["decided_at"]),
    }
    return Answer(ApprovalStatus(row["status"]), output, orjson.loads(row["output"]))
