"""Ending runs from outside: a worker that has such a row finds its fence stale and changes nothing."""

from collections.abc import Sequence

from drippulse.events import service as events
from drippulse.events.service import Actor
from drippulse.kit.db import Record, Session

# Rows are locked in the order of their ids, as every batch locks them, so that two of them cannot wait for each other.
CANCEL = """WITH live AS (
  SELECT id FROM enrollment WHERE organization_id = $1 AND id = ANY ($2::bigint[]) AND status IN ('active', 'paused')
  ORDER BY id FOR UPDATE)
UPDATE enrollment e SET status = 'cancelled', next_run_at = NULL, claimable_at = NULL, wait_reason = NULL,
  holds = 0, held_at = NULL, fence = e.fence + 1, exit_reason = $3, finished_at = now(), updated_at = now()
FROM live WHERE e.organization_id = $1 AND e.id = live.id RETURNING e.id, e.workflow_id, e.lead_ref, e.sends_for"""

REMOVE = """UPDATE enrollment SET
  status = CASE WHEN status IN ('active', 'paused') THEN 'cancelled' ELSE status END,
  exit_reason = CASE WHEN status IN ('active', 'paused') THEN 'deleted' ELSE exit_reason END,
  finished_at = coalesce(finished_at, now()), next_run_at = NULL, claimable_at = NULL, wait_reason = NULL,
  holds = 0, held_at = NULL, fence = fence + 1, deleted_at = now(), updated_at = now()
WHERE organization_id = $1 AND workflow_id = $2 AND id = $3 AND deleted_at IS NULL
RETURNING id, lead_ref, status"""


async def cancel_picked(session: Session, actor: Actor, ids: Sequence[int], reason: str) -> int:
    """Cancel those of these runs that are active or paused, and say so in the event log; how many."""
    rows = await session.fetch(CANCEL, actor.organization_id, list(ids), reason)
    return await report_cancelled(session, actor, rows, reason)


async def report_cancelled(session: Session, actor: Actor, rows: Sequence[Record], reason: str) -> int:
    """One event for each of these runs (id, workflow_id, lead_ref, sends_for) that is somebody's own; how many."""
    told = [
        (int(row["id"]), {"workflow_id": row["workflow_id"], "lead_ref": row["lead_ref"], "reason": reason})
        for row in rows
        if row["sends_for"] is None
    ]
    await events.append_many(session, "enrollment.cancelled", "enrollment", told, actor)
    return len(told)


async def remove(session: Session, organization_id: int, workflow_id: int, enrollment_id: int) -> Record | None:
    """Hide one enrollment and stop its future; None when there is none."""
    return await session.fetchrow(REMOVE, organization_id, workflow_id, enrollment_id)
