"""The mutations of this feature."""

from drippulse_graphql.data_sources.cancel_data_source_run import cancel_data_source_run
from drippulse_graphql.data_sources.create_data_source import create_data_source
from drippulse_graphql.data_sources.delete_data_source import delete_data_source
from drippulse_graphql.data_sources.preview_data_source import preview_data_source
from drippulse_graphql.data_sources.start_data_source_run import start_data_source_run
from drippulse_graphql.data_sources.update_data_source import update_data_source
from drippulse_graphql.kit.declared import Declared

MUTATIONS: tuple[Declared, ...] = (
    create_data_source,
    update_data_source,
    delete_data_source,
    preview_data_source,
    start_data_source_run,
    cancel_data_source_run,
)
