"""The mutation `startDataSourceRun`."""

from typing import Any

from drippulse.data_sources import runs
from drippulse.data_sources.schemas import DataSourceRunOut, RunCreate
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, body=RunCreate, answers=DataSourceRunOut)
async def start_data_source_run(call: Call[RunCreate]) -> Any:
    """Reads the source in the background. With a cursor column only what is new since the last completed run, unless
    `fromStart` says otherwise. Of one source one run is under way at a time."""
    call.wake()
    return await runs.start_run(call.session, call.principal, call.body)
