"""What the models of data sources are in the schema."""

from drippulse.data_sources.schemas import (
    Auth,
    DataSourceOut,
    DataSourceRunOut,
    Incremental,
    Paging,
    PreviewRow,
    Schedule,
)
from drippulse_graphql.kit.declared import Subject
from drippulse_graphql.kit.models.names import called, identified

DATA_SOURCE = Subject("DataSource")
DATA_SOURCE_RUN = Subject("DataSourceRun")
identified(DataSourceOut, DATA_SOURCE.type_name)
identified(DataSourceRunOut, DATA_SOURCE_RUN.type_name)
called(Auth, "SourceAuth")
called(Paging, "SourcePaging")
called(Schedule, "SourceSchedule")
called(Incremental, "SourceIncrement")
called(PreviewRow, "SourcePreviewRow")
