"""The mutation `deleteIntegrationConnection`."""

from typing import Any

from drippulse.integrations import service
from drippulse.organizations.policy import Permission
from drippulse_graphql.integrations.answers import CONNECTION
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=CONNECTION)
async def delete_integration_connection(call: Call[None]) -> Any:
    """Deletes the connection and its secrets. Steps that name it fail with `connection_missing` from now on."""
    await service.delete_connection(call.session, call.principal, call.id)
