"""The mutation `deleteDataSource`."""

from typing import Any

from drippulse.data_sources import service
from drippulse.organizations.policy import Permission
from drippulse_graphql.data_sources.answers import DATA_SOURCE
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=DATA_SOURCE)
async def delete_data_source(call: Call[None]) -> Any:
    """The source goes with its runs, its file and its secrets; the records stay. A run that is under way stops."""
    await service.delete_data_source(call.session, call.principal, call.id)
