"""The mutation `createProject`."""

from typing import Any

from drippulse.organizations.policy import Permission
from drippulse.projects import service
from drippulse.projects.schemas import ProjectCreate, ProjectOut
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, body=ProjectCreate, answers=ProjectOut)
async def create_project(call: Call[ProjectCreate]) -> Any:
    """Workflows join it by their `projectId`."""
    return await service.create_project(call.session, call.principal, call.body)
