"""Ending runs from outside: a worker that has such a row finds its fence stale and changes nothing."""

from drippulse.enrollments.hold_locks import nothing_starts
from drippulse.events import service as events
from drippulse.kit.db import Record, Session
from drippulse.organizations.policy import Principal

# Rows are locked in the order of their ids, as every batch locks them, so that two of them cannot wait for each other.
CANCEL_ALL = """WITH live AS (
  SELECT id FROM enrollment WHERE organization_id = $1 AND workflow_id = $2 AND status IN ('active', 'paused')
  ORDER BY id FOR UPDATE)
UPDATE enrollment e SET status = 'cancelled', next_run_at = NULL, claimable_at = NULL, wait_reason = NULL,
  holds = 0, held_at = NULL, fence = e.fence + 1, exit_reason = $3, finished_at = now(), updated_at = now()
FROM live WHERE e.organization_id = $1 AND e.id = live.id RETURNING e.id, e.lead_ref, e.sends_for"""

REMOVE = """UPDATE enrollment SET
  status = CASE WHEN status IN ('active', 'paused') THEN 'cancelled' ELSE status END,
  exit_reason = CASE WHEN status IN ('active', 'paused') THEN 'deleted' ELSE exit_reason END,
  finished_at = coalesce(finished_at, now()), next_run_at = NULL, claimable_at = NULL, wait_reason = NULL,
  holds = 0, held_at = NULL, fence = fence + 1, deleted_at = now(), updated_at = now()
WHERE organization_id = $1 AND workflow_id = $2 AND id = $3 AND deleted_at IS NULL
RETURNING id, lead_ref, status"""


async def cancel_all(session: Session, principal: Principal, workflow_id: int, *, reason: str) -> int:
    """Cancel what is active or paused in a workflow; how many."""
    await nothing_starts(session, principal.organization_id, workflow_id)
    rows = await session.fetch(CANCEL_ALL, principal.organization_id, workflow_id, reason)
    events_data = [
        (int(row["id"]), {"workflow_id": workflow_id, "lead_ref": row["lead_ref"], "reason": reason})
        for row in rows
        if row["sends_for"] is None
    ]
    await events.append_many(session, "enrollment.cancelled", "enrollment", events_data, principal)
    return len(events_data)


async def remove(session: Session, organization_id: int, workflow_id: int, enrollment_id: int) -> Record | None:
    """Hide one enrollment and stop its future; None when there is none."""
    return await session.fetchrow(REMOVE, organization_id, workflow_id, enrollment_id)
