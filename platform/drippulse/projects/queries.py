"""Reads and writes of projects. Every statement names the organization; row-level security is the second net."""

from typing import Any

from drippulse.kit.db import Record, Session
from drippulse.kit.filters import Kind
from drippulse.kit.ids import is_id
from drippulse.kit.pagination import Sort
from drippulse.organizations.lists import Source

COLUMNS = """p.id, p.name, p.description, p.color, p.archived, p.created_at, p.updated_at,
w.workflow_count, w.active_workflow_count"""
FROM = """FROM project p CROSS JOIN LATERAL (
  SELECT count(*) AS workflow_count, count(*) FILTER (WHERE status = 'active') AS active_workflow_count
  FROM workflow WHERE organization_id = p.organization_id AND project_id = p.id AND deleted_at IS NULL) w
WHERE p.organization_id = $1"""

LIST = Source(
    name="projects",
    columns=COLUMNS,
    source=FROM,
    key="p.id",
    sorts={
        "created_at": "p.id",
        "updated_at": Sort("p.updated_at", Kind.TIMESTAMP),
        "name": Sort("lower(p.name)", Kind.TEXT),
    },
    filters={
        "name": "p.name",
        "archived": "p.archived",
        "created_at": "p.created_at",
        "updated_at": "p.updated_at",
    },
    searched="(p.name || ' ' || p.description)",
)

INSERT = """INSERT INTO project (organization_id, name, description, color, archived) VALUES ($1, $2, $3, $4, $5)
RETURNING id"""
UPDATE = """UPDATE project SET name = $3, description = $4, color = $5, archived = $6, updated_at = now()
WHERE organization_id = $1 AND id = $2"""
LEAVE = "UPDATE workflow SET project_id = NULL WHERE organization_id = $1 AND project_id = $2"
PLACE = "UPDATE workflow SET project_id = $3 WHERE organization_id = $1 AND id = $2"
DELETE = "DELETE FROM project WHERE organization_id = $1 AND id = $2"

# Whoever moves a workflow into a project keeps the project from being deleted meanwhile.
SHARED = "SELECT id FROM project WHERE organization_id = $1 AND id = $2 FOR KEY SHARE"


async def by_id(session: Session, organization_id: int, project_id: int, *, lock: bool = False) -> Record | None:
    """With `lock` nobody else changes it, or puts a workflow into it, until this transaction ends."""
    if not is_id(project_id):
        return None
    suffix = " FOR UPDATE OF p" if lock else ""
    return await session.fetchrow(f"SELECT {COLUMNS} {FROM} AND p.id = $2{suffix}", organization_id, project_id)


async def exists(session: Session, organization_id: int, project_id: int) -> bool:
    """Whether there is one, and it stays until this transaction ends."""
    return is_id(project_id) and await session.fetchval(SHARED, organization_id, project_id) is not None


async def insert(session: Session, organization_id: int, *values: Any) -> int:
    """The columns of `INSERT` in their order; the id."""
    return int(await session.fetchval(INSERT, organization_id, *values))


async def update(session: Session, organization_id: int, project_id: int, *values: Any) -> None:
    await session.execute(UPDATE, organization_id, project_id, *values)


async def delete(session: Session, organization_id: int, project_id: int) -> None:
    """Its workflows stay, without a project."""
    await session.execute(LEAVE, organization_id, project_id)
    await session.execute(DELETE, organization_id, project_id)


async def place(session: Session, organization_id: int, workflow_id: int, project_id: int | None) -> None:
    await session.execute(PLACE, organization_id, workflow_id, project_id)
