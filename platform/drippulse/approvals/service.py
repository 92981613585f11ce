"""What approvals do: show what waits for a decision, and decide it exactly once."""

from typing import Any

import orjson

from drippulse.approvals import queries
from drippulse.approvals.errors import ApprovalClosedError
from drippulse.approvals.policy import require_decider
from drippulse.approvals.schemas import Decision
from drippulse.approvals.tables import ApprovalStatus
from drippulse.enrollments.wake import Waker
from drippulse.events import service as events
from drippulse.kit.clock import isoformat, isoformat_or_none
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import not_found
from drippulse.kit.json import dump_json
from drippulse.kit.pagination import ListRequest, listed
from drippulse.organizations.policy import Principal

LIST_LIMIT = 500
"""The most rows a list without paging parameters has."""
STATUS_OF = {"approve": ApprovalStatus.APPROVED, "reject": ApprovalStatus.REJECTED}
WHY_CLOSED = {
    ApprovalStatus.APPROVED: "it was approved before",
    ApprovalStatus.REJECTED: "it was rejected before",
    ApprovalStatus.EXPIRED: "its time has run out",
    ApprovalStatus.CANCELLED: "its run has ended or gone on without it",
    ApprovalStatus.OPEN: "its time has run out",
}


def present(row: Record) -> dict[str, Any]:
    """The resource as every edge answers it."""
    return {
        "id": row["id"],
        "workflow_id": row["workflow_id"],
        "enrollment_id": row["enrollment_id"],
        "step_id": row["step_id"],
        "status": row["status"],
        "role": row["role"],
        "message": row["message"],
        "contact": {name: row[name] for name in ("lead_ref", "email", "first_name", "last_name")},
        "held": row["held"],
        "requested_by": _actor(row["requested_by_type"], row["requested_by_id"]),
        "due_at": isoformat_or_none(row["due_at"]),
        "decided_by": _actor(row["decided_by_type"], row["decided_by_id"]),
        "decided_at": isoformat_or_none(row["decided_at"]),
        "note": row["note"],
        "output": orjson.Fragment(row["output"]),
        "created_at": isoformat(row["created_at"]),
    }


def _actor(kind: str | None, number: int | None) -> dict[str, Any] | None:
    return None if kind is None else {"type": kind, "id": number}


async def list_approvals(session: Session, principal: Principal, wanted: ListRequest) -> dict[str, Any]:
    """`{approvals, total_count}`, newest first; paginated answers also have `next_cursor`."""
    organization = principal.organization_id
    rows = await queries.page(session, organization, wanted)
    return listed("approvals", rows, wanted.page, present, await queries.count(session, organization, wanted))


async def get_approval(session: Session, principal: Principal, approval_id: int) -> dict[str, Any]:
    """Raises NotFoundError."""
    return present(await _require(session, principal, approval_id))


async def _require(session: Session, principal: Principal, approval_id: int) -> Record:
    row = await queries.by_id(session, principal.organization_id, approval_id)
    if row is None:
        raise not_found("approval")
    return row


async def decide(
    session: Session, principal: Principal, waker: Waker, approval_id: int, data: Decision
) -> dict[str, Any]:
    """Decide it, once; the run goes on at once, or on resume while it is paused.

    Raises:
        NotFoundError: no such approval.
        ForbiddenError: the step asks for another role, or the caller enrolled the contact.
        ApprovalClosedError: decided before, out of time, or its run has ended; nothing was changed.
    """
    organization = principal.organization_id
    row = await _require(session, principal, approval_id)
    requested_by = (row["requested_by_type"], row["requested_by_id"])
    await require_decider(session, principal, row["role"], requested_by)
    await queries.lock_enrollment(session, organization, row["enrollment_id"])
    status = STATUS_OF[data.decision]
    by = (principal.actor_type, principal.actor_id)
    output = dump_json(data.output)
    if not await queries.decide(session, organization, approval_id, status.value, by, data.note, output):
        current = await _require(session, principal, approval_id)
        raise ApprovalClosedError(WHY_CLOSED[ApprovalStatus(current["status"])])
    told = dump_json({"approval": {"id": approval_id, "decision": status.value}})
    await queries.signal(session, organization, row["enrollment_id"], row["visit"], told)
    summary = {
        "enrollment_id": row["enrollment_id"],
        "workflow_id": row["workflow_id"],
        "step_id": row["step_id"],
        "decision": status.value,
        "note": data.note,
    }
    await events.append(session, "approval.decided", "approval", approval_id, principal, summary)
    session.after_commit(waker.wake)
    return await get_approval(session, principal, approval_id)
