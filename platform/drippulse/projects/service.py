"""What projects do."""

from typing import Any

import asyncpg

from drippulse.kit.clock import isoformat
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import not_found
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.lists import read_list
from drippulse.organizations.policy import Principal
from drippulse.projects import queries
from drippulse.projects.errors import ProjectExistsError
from drippulse.projects.schemas import ProjectCreate, ProjectUpdate

RESOURCE = "project"
FIELDS = ("name", "description", "color", "archived")


def present(row: Record) -> dict[str, Any]:
    """The project as every edge answers it."""
    return {
        "id": row["id"],
        **{name: row[name] for name in FIELDS},
        "workflow_count": row["workflow_count"],
        "active_workflow_count": row["active_workflow_count"],
        "created_at": isoformat(row["created_at"]),
        "updated_at": isoformat(row["updated_at"]),
    }


async def list_projects(session: Session, principal: Principal, wanted: ListRequest) -> dict[str, Any]:
    return await read_list(session, principal.organization_id, queries.LIST, wanted, present)


async def get_project(session: Session, principal: Principal, project_id: int, *, lock: bool = False) -> dict[str, Any]:
    """Raises NotFoundError for unknown and foreign ids alike."""
    row = await queries.by_id(session, principal.organization_id, project_id, lock=lock)
    if row is None:
        raise not_found(RESOURCE)
    return present(row)


async def create_project(session: Session, principal: Principal, data: ProjectCreate) -> dict[str, Any]:
    """Raises ProjectExistsError."""
    values = (data.name, data.description, data.color, data.archived)
    try:
        project_id = await queries.insert(session, principal.organization_id, *values)
    except asyncpg.UniqueViolationError:
        raise ProjectExistsError(data.name) from None
    return await get_project(session, principal, project_id)


async def update_project(
    session: Session, principal: Principal, project_id: int, data: ProjectUpdate
) -> dict[str, Any]:
    """Raises NotFoundError, ProjectExistsError."""
    stored = await get_project(session, principal, project_id, lock=True)
    values = [getattr(data, name) if name in data.model_fields_set else stored[name] for name in FIELDS]
    try:
        await queries.update(session, principal.organization_id, project_id, *values)
    except asyncpg.UniqueViolationError:
        raise ProjectExistsError(str(values[0])) from None
    return await get_project(session, principal, project_id)


async def delete_project(session: Session, principal: Principal, project_id: int) -> None:
    """Its workflows stay, without a project. Raises NotFoundError."""
    await get_project(session, principal, project_id, lock=True)
    await queries.delete(session, principal.organization_id, project_id)


async def place_workflow(session: Session, organization_id: int, workflow_id: int, project_id: int | None) -> None:
    """Put a workflow into a project, or with None into none. Raises NotFoundError: unknown and foreign ones alike."""
    if project_id is not None and not await queries.exists(session, organization_id, project_id):
        raise not_found(RESOURCE)
    await queries.place(session, organization_id, workflow_id, project_id)
