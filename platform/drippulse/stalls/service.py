"""What the watchdog found, and its repair."""

from typing import Any

from drippulse.enrollments.wake import Waker
from drippulse.kit.clock import isoformat, isoformat_or_none
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import not_found
from drippulse.kit.ids import is_id
from drippulse.kit.pagination import PageRequest, encode_cursor
from drippulse.kit.validation import refuse_unknown_status
from drippulse.organizations.policy import Principal
from drippulse.stalls import queries
from drippulse.stalls.schemas import MAX_IDS, Repair

LIST_LIMIT = 500
"""The most rows a list without paging parameters has."""
STATUSES = ("open", "resolved")


def present(row: Record) -> dict[str, Any]:
    """The resource as every edge answers it."""
    return {
        "id": row["id"],
        "workflow_id": row["workflow_id"],
        "enrollment_id": row["enrollment_id"],
        "step_id": row["step_id"],
        "kind": row["kind"],
        "since": isoformat(row["since"]),
        "created_at": isoformat(row["created_at"]),
        "resolved_at": isoformat_or_none(row["resolved_at"]),
        "resolution": row["resolution"],
    }


async def list_stalls(
    session: Session, principal: Principal, status: str | None, request: PageRequest
) -> dict[str, Any]:
    """`{stalls, total_count}`, newest first; `status` is open, resolved or None for both."""
    refuse_unknown_status(status, STATUSES)
    organization = principal.organization_id
    rows = await queries.page(session, organization, status, request)
    more = request.limit is not None and len(rows) > request.limit
    rows = rows[: request.limit]
    answer: dict[str, Any] = {
        "stalls": [present(row) for row in rows],
        "total_count": await queries.count(session, organization, status),
    }
    if request.paginated:
        answer["next_cursor"] = encode_cursor(rows[-1]["id"]) if more else None
    return answer


async def repair(session: Session, principal: Principal, waker: Waker, data: Repair) -> dict[str, Any]:
    """Give stalled runs back to the engine and close their stalls: `{repaired_count, stalls}`.

    A run that moved on meanwhile is left alone, a stall that was resolved before too.

    Raises:
        NotFoundError: one of `ids` is no stall of this organization; nothing was changed.
    """
    organization = principal.organization_id
    if data.ids is None:
        rows = await queries.all_open(session, organization, MAX_IDS)
    else:
        wanted = {number for number in data.ids if is_id(number)}
        rows = await queries.chosen(session, organization, sorted(wanted))
        if len(rows) != len(set(data.ids)):
            raise not_found("stall")
    rows = [row for row in rows if row["resolved_at"] is None]
    repaired = await queries.reissue(session, organization, [row["enrollment_id"] for row in rows])
    closed = await queries.close(session, organization, [row["id"] for row in rows], repaired)
    session.after_commit(waker.wake)
    return {"repaired_count": len(repaired), "stalls": [present(row) for row in sorted(closed, key=_by_id)]}


def _by_id(row: Record) -> int:
    return row["id"]
