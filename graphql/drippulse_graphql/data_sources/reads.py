"""Reads of data sources and their runs."""

from typing import Any

from drippulse.data_sources import runs, service
from drippulse.data_sources.listing import LISTING
from drippulse.data_sources.run_listing import LISTING as RUNS
from drippulse.data_sources.schemas import DataSourceList, DataSourceOut, DataSourceRunList, DataSourceRunOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.data_sources.answers import DATA_SOURCE, DATA_SOURCE_RUN
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.reads import Reading, read


@read(Permission.READ, listing=LISTING, answers=DataSourceList, covers=("listDataSources",))
async def data_sources(call: Reading) -> Any:
    """All sources, newest first, each with its last run. Of their secrets only the names are answered."""
    return await service.list_data_sources(call.session, call.principal, call.wanted)


@read(Permission.READ, about=DATA_SOURCE, answers=DataSourceOut, covers=("getDataSource",))
async def data_source(call: Reading) -> Any:
    """One source with its last run; null for unknown ids."""
    return await service.get_data_source(call.session, call.principal, call.id)


@read(Permission.READ, listing=RUNS, answers=DataSourceRunList, covers=("listDataSourceRuns",))
async def data_source_runs(call: Reading) -> Any:
    """Readings of data sources, newest first. Of each source the last 1,000 runs are kept."""
    return await runs.list_runs(call.session, call.principal, call.wanted)


@read(Permission.READ, about=DATA_SOURCE_RUN, answers=DataSourceRunOut, covers=("getDataSourceRun",))
async def data_source_run(call: Reading) -> Any:
    """Its status and what became of its rows so far; null for unknown ids."""
    return await runs.get_run(call.session, call.principal, call.id)


READS: tuple[Declared, ...] = (data_sources, data_source, data_source_runs, data_source_run)
