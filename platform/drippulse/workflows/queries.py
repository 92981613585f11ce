"""Reads and writes of workflows. Every statement names the organization; row-level security is the second net."""

from typing import Any

from drippulse.events.service import Actor
from drippulse.kit.db import Record, Session
from drippulse.kit.filters import where
from drippulse.kit.ids import is_id
from drippulse.kit.pagination import ListRequest, order_by
from drippulse.workflows.tables import WorkflowStatus

COLUMNS = """w.id, w.name, w.description, w.status, w.version, w.integrations, w.project_id, w.created_at, w.updated_at,
w.draft IS NOT NULL AS has_draft"""
WITH_STEPS = f"""SELECT {COLUMNS}, v.steps, v.settings FROM workflow w JOIN workflow_version v
ON v.organization_id = w.organization_id AND v.workflow_id = w.id AND v.version = w.version
WHERE w.organization_id = $1 AND w.deleted_at IS NULL"""

SORTS = {
    "created_at": "w.id",
    "updated_at": "w.updated_at",
    "name": "lower(w.name)",
    "status": "w.status",
    "version": "w.version",
}
FILTERED = {
    "status": "w.status",
    "project_id": "w.project_id",
    "name": "w.name",
    "version": "w.version",
    "created_at": "w.created_at",
    "updated_at": "w.updated_at",
}
"""The columns that a list may be filtered by."""


async def by_id(session: Session, organization_id: int, workflow_id: int) -> Record | None:
    """A live workflow with the steps of its newest version, as JSON text."""
    if not is_id(workflow_id):
        return None
    return await session.fetchrow(f"{WITH_STEPS} AND w.id = $2", organization_id, workflow_id)


async def locked(session: Session, organization_id: int, workflow_id: int) -> Record | None:
    """The same, and nobody else changes the workflow until this transaction ends."""
    return await _with_lock(session, organization_id, workflow_id, "FOR UPDATE")


async def shared(session: Session, organization_id: int, workflow_id: int) -> Record | None:
    """The same as `by_id`, and nobody changes the workflow until this transaction ends; readers do not wait."""
    return await _with_lock(session, organization_id, workflow_id, "FOR SHARE")


async def _with_lock(session: Session, organization_id: int, workflow_id: int, lock: str) -> Record | None:
    """Lock, then read: a join that waited for its lock would look for the newest steps beside the old version."""
    if not is_id(workflow_id):
        return None
    await session.execute(
        f"SELECT FROM workflow WHERE organization_id = $1 AND id = $2 {lock}", organization_id, workflow_id
    )
    return await by_id(session, organization_id, workflow_id)


async def page(session: Session, organization_id: int, wanted: ListRequest) -> list[Record]:
    conditions, args = _conditions(organization_id, wanted)
    request = wanted.page
    if request.before_id is not None:
        args.append(request.before_id)
        conditions += f" AND w.id < ${len(args)}"
    args += [request.fetch, request.offset]
    order = order_by(request.sort, SORTS, "w.id")
    return await session.fetch(
        f"{WITH_STEPS}{conditions} ORDER BY {order} LIMIT ${len(args) - 1} OFFSET ${len(args)}",
        *args,
    )


async def count(session: Session, organization_id: int, wanted: ListRequest) -> int:
    conditions, args = _conditions(organization_id, wanted)
    found = await session.fetchval(
        f"SELECT count(*) FROM workflow w WHERE w.organization_id = $1 AND w.deleted_at IS NULL{conditions}",
        *args,
    )
    return int(found)


def _conditions(organization_id: int, wanted: ListRequest) -> tuple[str, list[Any]]:
    args: list[Any] = [organization_id]
    conditions = where(wanted.filters, FILTERED, args)
    if wanted.q:
        args.append(like(wanted.q))
        conditions += f" AND (w.name ILIKE ${len(args)} OR w.description ILIKE ${len(args)})"
    return conditions, args


def like(text: str) -> str:
    """A LIKE pattern that finds `text` anywhere; its own wildcards are escaped."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


async def insert(
    session: Session, organization_id: int, *, name: str, description: str, status: WorkflowStatus, integrations: str
) -> int:
    """A new workflow at version 1, without its version row; the id."""
    new_id = await session.fetchval(
        """INSERT INTO workflow (organization_id, name, description, status, integrations)
           VALUES ($1, $2, $3, $4, $5) RETURNING id""",
        organization_id,
        name,
        description,
        status.value,
        integrations,
    )
    return int(new_id)


async def insert_version(
    session: Session,
    organization_id: int,
    workflow_id: int,
    version: int,
    steps: str,
    *,
    settings: str = "{}",
    note: str = "",
    actor: Actor | None = None,
) -> None:
    await session.execute(
        """INSERT INTO workflow_version
             (organization_id, workflow_id, version, steps, settings, note, actor_type, actor_id)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        organization_id,
        workflow_id,
        version,
        steps,
        settings,
        note,
        actor.actor_type if actor else None,
        actor.actor_id if actor else None,
    )


async def update(
    session: Session,
    organization_id: int,
    workflow_id: int,
    *,
    name: str,
    description: str,
    status: str,
    integrations: str,
    version: int,
) -> None:
    await session.execute(
        """UPDATE workflow SET name = $3, description = $4, status = $5, integrations = $6, version = $7,
           updated_at = now() WHERE organization_id = $1 AND id = $2""",
        organization_id,
        workflow_id,
        name,
        description,
        status,
        integrations,
        version,
    )


async def soft_delete(session: Session, organization_id: int, workflow_id: int) -> None:
    await session.execute(
        "UPDATE workflow SET deleted_at = now(), updated_at = now() WHERE organization_id = $1 AND id = $2",
        organization_id,
        workflow_id,
    )
