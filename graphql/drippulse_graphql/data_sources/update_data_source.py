"""The mutation `updateDataSource`."""

from typing import Any

from drippulse.data_sources.schemas import DataSourceOut, DataSourceUpdate
from drippulse.data_sources.service import DataSources
from drippulse.organizations.policy import Permission
from drippulse_graphql.data_sources.answers import DATA_SOURCE
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=DATA_SOURCE, body=DataSourceUpdate, answers=DataSourceOut)
async def update_data_source(call: Call[DataSourceUpdate]) -> Any:
    """Fields left out stay as they are; `config`, `mapping` and `templates` are replaced as a whole. Secrets are merged
    into those that are stored; when `config.url` goes to another host they must be sent again."""
    sources = DataSources(call.services.vault, call.services.settings, call.services.clock)
    return await sources.update(call.session, call.principal, call.id, call.body)
