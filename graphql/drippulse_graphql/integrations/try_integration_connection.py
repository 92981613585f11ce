"""The mutation `testIntegrationConnection`."""

from typing import Any

from drippulse.integrations.probe import probe_connection
from drippulse.integrations.schemas import ConnectionTestOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.integrations.answers import CONNECTION
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=CONNECTION, answers=ConnectionTestOut, apart=True)
async def test_integration_connection(call: Call[None]) -> Any:
    """Asks the provider whether it accepts the credentials, as far as that is possible without an effect."""
    services = call.services
    return await probe_connection(services.database, services.vault, services.settings, call.principal, call.id)
