"""The mutation `createDataSource`."""

from typing import Any

from drippulse.data_sources.schemas import DataSourceFields, DataSourceOut
from drippulse.data_sources.service import DataSources
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, body=DataSourceFields, answers=DataSourceOut)
async def create_data_source(call: Call[DataSourceFields]) -> Any:
    """Says where rows are and how they become records. Nothing is read before a preview, a run, or the first time of
    the schedule."""
    sources = DataSources(call.services.vault, call.services.settings, call.services.clock)
    return await sources.create(call.session, call.principal, call.body)
