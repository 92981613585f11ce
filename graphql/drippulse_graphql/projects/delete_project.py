"""The mutation `deleteProject`."""

from typing import Any

from drippulse.organizations.policy import Permission
from drippulse.projects import service
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.projects.answers import PROJECT


@mutation(Permission.WRITE, about=PROJECT)
async def delete_project(call: Call[None]) -> Any:
    """Deletes the project and none of its workflows."""
    await service.delete_project(call.session, call.principal, call.id)
