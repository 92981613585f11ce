"""The mutation `updateProject`."""

from typing import Any

from drippulse.organizations.policy import Permission
from drippulse.projects import service
from drippulse.projects.schemas import ProjectOut, ProjectUpdate
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.projects.answers import PROJECT


@mutation(Permission.WRITE, about=PROJECT, body=ProjectUpdate, answers=ProjectOut)
async def update_project(call: Call[ProjectUpdate]) -> Any:
    """Fields left out stay as they are. Archiving changes nothing for the workflows in it."""
    return await service.update_project(call.session, call.principal, call.id, call.body)
