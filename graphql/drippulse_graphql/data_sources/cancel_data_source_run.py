"""The mutation `cancelDataSourceRun`."""

from typing import Any

from drippulse.data_sources import runs
from drippulse.data_sources.schemas import DataSourceRunOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.data_sources.answers import DATA_SOURCE_RUN
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=DATA_SOURCE_RUN, answers=DataSourceRunOut)
async def cancel_data_source_run(call: Call[None]) -> Any:
    """It stops within seconds. What is written already stays, and can be undone by reverting its changeset."""
    return await runs.cancel_run(call.session, call.principal, call.id)
