"""Reads of connections to other systems."""

from typing import Any

from drippulse.integrations import service
from drippulse.integrations.listing import LISTING
from drippulse.integrations.schemas import ConnectionList, ConnectionOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.integrations.answers import CONNECTION
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.reads import Reading, read


@read(Permission.READ, listing=LISTING, answers=ConnectionList, covers=("listIntegrationConnections",))
async def integration_connections(call: Reading) -> Any:
    """All connections of the organization, newest first. Of their secrets only the names are answered."""
    return await service.list_connections(call.session, call.principal, call.wanted)


@read(Permission.READ, about=CONNECTION, answers=ConnectionOut, covers=("getIntegrationConnection",))
async def integration_connection(call: Reading) -> Any:
    """One connection with the names of the secrets it holds; null for unknown ids."""
    return await service.get_connection(call.session, call.principal, call.id)


READS: tuple[Declared, ...] = (integration_connections, integration_connection)
