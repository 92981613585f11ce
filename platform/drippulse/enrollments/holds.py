"""How many runs are held, and by what."""

from collections.abc import Mapping

from drippulse.enrollments.tables import HOLD_REASONS
from drippulse.kit.db import Record, Session

_COUNTS = ", ".join(
    f"count(*) FILTER (WHERE e.holds & {hold.value} <> 0) AS {reason}" for hold, reason in HOLD_REASONS.items()
)
OF_ORGANIZATION = f"""SELECT {_COUNTS} FROM enrollment e
WHERE e.organization_id = $1 AND e.holds <> 0 AND e.status IN ('active', 'paused') AND e.deleted_at IS NULL"""
OF_WORKFLOW = f"{OF_ORGANIZATION} AND e.workflow_id = $2"


async def held_of_workflow(session: Session, organization_id: int, workflow_id: int) -> Mapping[str, int]:
    """{paused, organization_paused, workflow_paused, step_paused}; a run may count in several."""
    return _named(await session.fetchrow(OF_WORKFLOW, organization_id, workflow_id))


async def held_of_organization(session: Session, organization_id: int) -> Mapping[str, int]:
    """The same over all workflows."""
    return _named(await session.fetchrow(OF_ORGANIZATION, organization_id))


def _named(row: Record | None) -> dict[str, int]:
    return {reason: row[reason] if row else 0 for reason in HOLD_REASONS.values()}
