"""Holding a workflow's enrollments while it is paused: nothing is claimed, nothing is lost, due times stay."""

from datetime import timedelta

from drippulse.enrollments.tables import WORKFLOW_PAUSED
from drippulse.kit.db import Session

LONGEST_CALL = timedelta(seconds=150)  # what a worker gives a call, and some for writing down its result

# The fence rises so that a worker in the middle of a batch writes nothing; what it was calling is settled on release.
# The attempt that such a worker had begun does not count: it was taken from it.
HOLD = """WITH live AS (
  SELECT id FROM enrollment
  WHERE organization_id = $1 AND workflow_id = $2 AND status = 'active' AND claimable_at IS NOT NULL
  ORDER BY id FOR UPDATE)
UPDATE enrollment e SET claimable_at = NULL, wait_reason = $3, fence = e.fence + 1, updated_at = now(),
  attempt = CASE WHEN e.claimable_at IS DISTINCT FROM e.next_run_at THEN greatest(e.attempt - 1, 0) ELSE e.attempt END
FROM live WHERE e.organization_id = $1 AND e.id = live.id"""

# A call that was in flight when the hold came is given the time to end and be recorded, before it is settled.
RELEASE = """WITH held AS (
  SELECT id FROM enrollment WHERE organization_id = $1 AND workflow_id = $2 AND status = 'active' AND wait_reason = $3
  ORDER BY id FOR UPDATE)
UPDATE enrollment e SET wait_reason = NULL, updated_at = now(),
  claimable_at = coalesce(greatest(next_run_at, intent_at + $4), now())
FROM held WHERE e.organization_id = $1 AND e.id = held.id"""


async def hold(session: Session, organization_id: int, workflow_id: int) -> None:
    """Take every active enrollment of a workflow out of the engine's reach."""
    await session.execute(HOLD, organization_id, workflow_id, WORKFLOW_PAUSED)


async def release(session: Session, organization_id: int, workflow_id: int) -> None:
    """Give them back; what came due in between is due at once."""
    await session.execute(RELEASE, organization_id, workflow_id, WORKFLOW_PAUSED, LONGEST_CALL)
