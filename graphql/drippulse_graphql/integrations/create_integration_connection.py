"""The mutation `createIntegrationConnection`."""

from typing import Any

from drippulse.integrations import service
from drippulse.integrations.schemas import ConnectionCreate, ConnectionOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, body=ConnectionCreate, answers=ConnectionOut)
async def create_integration_connection(call: Call[ConnectionCreate]) -> Any:
    """Stores a provider's credentials, encrypted; the provider's own fields stand in `credentials`."""
    return await service.create_connection(call.session, call.principal, call.services.vault, call.body)
