"""How many runs are held, and by what."""

from collections.abc import Mapping

from drippulse.enrollments.tables import HOLD_REASONS
from drippulse.kit.db import Record, Session

# What is paused holds all of its runs, whether the pause has got to each of them or not: the counters know how many
# there are. What was resumed holds those that it has not got to yet.
HELD = """WITH flagged AS (
  SELECT e.workflow_id, {flags} FROM enrollment e
  WHERE e.organization_id = $1 AND {{one}} AND e.holds <> 0 AND e.status IN ('active', 'paused')
    AND e.deleted_at IS NULL GROUP BY 1
), live AS (
  SELECT e.workflow_id, sum(e.enrollments) AS runs FROM enrollment_count e
  WHERE e.organization_id = $1 AND {{one}} AND e.status IN ('active', 'paused') GROUP BY 1)
SELECT coalesce(sum(f.paused), 0)::bigint AS paused, coalesce(sum(f.step_paused), 0)::bigint AS step_paused,
  coalesce(sum(CASE WHEN w.status = 'paused' THEN l.runs ELSE f.workflow_paused END), 0)::bigint AS workflow_paused,
  coalesce(sum(CASE WHEN o.paused_at IS NOT NULL THEN l.runs ELSE f.organization_paused END), 0)::bigint
    AS organization_paused
FROM live l JOIN workflow w ON w.organization_id = $1 AND w.id = l.workflow_id JOIN organization o ON o.id = $1
  LEFT JOIN flagged f ON f.workflow_id = l.workflow_id
WHERE w.deleted_at IS NULL""".format(
    flags=", ".join(
        f"count(*) FILTER (WHERE e.holds & {hold.value} <> 0) AS {reason}" for hold, reason in HOLD_REASONS.items()
    )
)
OF_ORGANIZATION = HELD.format(one="true")
OF_WORKFLOW = HELD.format(one="e.workflow_id = $2")


async def held_of_workflow(session: Session, organization_id: int, workflow_id: int) -> Mapping[str, int]:
    """{paused, organization_paused, workflow_paused, step_paused}; a run may count in several."""
    return _named(await session.fetchrow(OF_WORKFLOW, organization_id, workflow_id))


async def held_of_organization(session: Session, organization_id: int) -> Mapping[str, int]:
    """The same over all workflows."""
    return _named(await session.fetchrow(OF_ORGANIZATION, organization_id))


def _named(row: Record | None) -> dict[str, int]:
    return {reason: row[reason] if row else 0 for reason in HOLD_REASONS.values()}
