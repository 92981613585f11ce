"""Reads and writes of definitions in the nodes dialect, and of paused steps. Every statement names the organization."""

from drippulse.kit.db import Record, Session

SAVE = """INSERT INTO workflow_nodes (organization_id, workflow_id, version, definition) VALUES ($1, $2, $3, $4)
ON CONFLICT (organization_id, workflow_id, version) DO UPDATE SET definition = excluded.definition"""

DEFINITIONS = """SELECT n.workflow_id, n.definition FROM workflow_nodes n JOIN workflow w
  ON w.organization_id = n.organization_id AND w.id = n.workflow_id AND w.version = n.version
WHERE n.organization_id = $1 AND n.workflow_id = ANY ($2::bigint[])"""

PAUSED = "SELECT id, paused_steps FROM workflow WHERE organization_id = $1 AND id = ANY ($2::bigint[])"

PAUSE = "UPDATE workflow SET paused_steps = $3, updated_at = now() WHERE organization_id = $1 AND id = $2"


async def save(session: Session, organization_id: int, workflow_id: int, version: int, definition: str) -> None:
    await session.execute(SAVE, organization_id, workflow_id, version, definition)


async def definitions(session: Session, organization_id: int, workflow_ids: list[int]) -> dict[int, str]:
    """Workflow id -> JSON text of what its newest version was compiled from; absent when it was saved as steps."""
    rows = await session.fetch(DEFINITIONS, organization_id, workflow_ids)
    return {row["workflow_id"]: row["definition"] for row in rows}


async def paused_steps(session: Session, organization_id: int, workflow_ids: list[int]) -> dict[int, list[str]]:
    rows: list[Record] = await session.fetch(PAUSED, organization_id, workflow_ids)
    return {row["id"]: list(row["paused_steps"]) for row in rows}


async def set_paused_steps(session: Session, organization_id: int, workflow_id: int, step_ids: list[str]) -> None:
    await session.execute(PAUSE, organization_id, workflow_id, step_ids)
