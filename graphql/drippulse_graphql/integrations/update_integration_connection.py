"""The mutation `updateIntegrationConnection`."""

from typing import Any

from drippulse.integrations import service
from drippulse.integrations.schemas import ConnectionOut, ConnectionUpdate
from drippulse.organizations.policy import Permission
from drippulse_graphql.integrations.answers import CONNECTION
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=CONNECTION, body=ConnectionUpdate, answers=ConnectionOut)
async def update_integration_connection(call: Call[ConnectionUpdate]) -> Any:
    """Fields left out stay as they are, secrets too; null removes a secret. New secrets make a connection that needs
    reauthorization active again."""
    return await service.update_connection(call.session, call.principal, call.services.vault, call.id, call.body)
