"""What goes in and out of data sources and their runs."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from drippulse.crm.importing.state import DedupeBy, OnExisting
from drippulse.crm.schemas import MemberId, Tag
from drippulse.crm.tables import RecordType
from drippulse.data_sources.state import CursorType
from drippulse.data_sources.tables import RunStatus, RunTrigger, SourceStatus, SourceType
from drippulse.kit.validation import Input, Trimmed

Name = Annotated[str, Trimmed(200)]
Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Url = Annotated[str, Trimmed(4_000)]
Path = Annotated[str, StringConstraints(max_length=500)]
Value = Annotated[str, StringConstraints(max_length=4_000)]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
READ_ONLY = frozenset(
    {
        *("id", "organization_id", "secret_names", "cursor", "file", "next_run_at", "last_run_id", "last_run_status"),
        *("created_at", "updated_at"),
    }
)
RUN_READ_ONLY = frozenset(
    {
        *("id", "organization_id", "trigger", "status", "record_type", "mapping", "counts", "rows_read", "bytes"),
        *("problem_count", "problem", "cursor_from", "cursor_to", "changeset_id", "duration_seconds", "links"),
        *("created_at", "started_at", "finished_at"),
    }
)


class AuthType(StrEnum):
    """How calls authenticate."""

    BEARER = "bearer"
    BASIC = "basic"
    HEADER = "header"
    QUERY = "query"
    CONNECTION = "connection"


class Auth(Input):
    """How calls authenticate; the secret itself stands in `secrets`, or in an integration connection."""

    type: AuthType = Field(
        strict=False,
        description="bearer, header and query need `secrets.token`, basic `secrets.password`; connection uses an "
        "integration connection, at its provider's own address alone.",
    )
    name: Short | None = Field(default=None, description="Of the header or the query parameter.")
    username: Value | None = Field(default=None, description="For basic.")
    connection_id: Id | None = Field(default=None, description="For connection.")


class PagingType(StrEnum):
    """How an API hands out its pages."""

    NONE = "none"
    PAGE = "page"
    OFFSET = "offset"
    CURSOR = "cursor"
    LINK = "link"


class Paging(Input):
    """How an API hands out its pages. Reading ends with the first page without items, or without a next one."""

    type: PagingType = Field(
        default=PagingType.NONE, strict=False, description="link is the Link header with rel=next."
    )
    parameter: Short | None = Field(
        default=None, description="Query parameter of the page's number, the offset or the cursor."
    )
    start: Annotated[int, Field(ge=0, le=1_000_000_000)] = Field(default=1, description="The first page's number.")
    size_parameter: Short | None = Field(default=None, description="Query parameter of the page's size.")
    size: Annotated[int, Field(ge=1, le=10_000)] = 100
    path: Path = Field(
        default="", description="Where the answer has the next cursor, or the next page's whole URL: meta.next."
    )


class SourceConfig(Input):
    """Where rows are; which fields there are depends on the source's type."""

    url: Url | None = Field(default=None, description="Of the file, the API, or the sheet's own link.")
    headers: dict[Short, Value] = Field(default_factory=dict[str, str], max_length=50, description="Nothing secret.")
    auth: Auth | None = None
    delimiter: Annotated[str, StringConstraints(max_length=20)] | None = Field(
        default=None, description="Of CSV: one character, or comma, semicolon, tab, pipe; guessed when left out."
    )
    encoding: Annotated[str, StringConstraints(max_length=40)] | None = Field(
        default=None, description="Of CSV; guessed when left out."
    )
    items_path: Path = Field(default="", description="Where a JSON answer has its list: data.items.")
    method: Literal["GET", "POST"] = "GET"
    params: dict[Short, Value] = Field(
        default_factory=dict[str, str],
        max_length=100,
        description="Query parameters. `{{ cursor }}` is the last cursor; those that come out empty are left out.",
    )
    body: dict[str, Any] | None = Field(default=None, description="JSON body of a POST.")
    paging: Paging | None = None
    query: Annotated[str, StringConstraints(max_length=50_000)] | None = Field(
        default=None, description="One SELECT; it runs in a read-only transaction."
    )
    statement_timeout_seconds: Annotated[int, Field(ge=1, le=3_600)] = 300


class SourceSecrets(Input):
    """Stored encrypted and never answered. null removes one."""

    model_config = ConfigDict(hide_input_in_errors=True)

    token: Annotated[str, StringConstraints(min_length=1, max_length=10_000)] | None = None
    password: Annotated[str, StringConstraints(min_length=1, max_length=10_000)] | None = None
    dsn: Annotated[str, StringConstraints(min_length=1, max_length=4_000)] | None = Field(
        default=None, description="postgresql://user:password@host:5432/database?sslmode=verify-full"
    )

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        """Names alone: a repr may end up in a log."""
        return [(None, sorted(self.model_fields_set))]


class Incremental(Input):
    """Only rows whose column is greater than in all runs before. Rows without a value there are always read."""

    column: Short
    type: CursorType = Field(default=CursorType.TIMESTAMP, strict=False)


class Schedule(Input):
    """When runs begin by themselves: `cron` or `every_minutes`. What was missed is made up for once."""

    cron: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        default=None, description="minute hour day month weekday"
    )
    every_minutes: Annotated[int, Field(ge=1, le=44_640)] | None = None
    timezone: Annotated[str, StringConstraints(max_length=100)] | None = Field(
        default=None, description="IANA name, for cron; the account's own when left out."
    )


class SourceOptions(Input):
    """How rows become records."""

    mapping: dict[Short, Short | None] = Field(
        default_factory=dict[str, "str | None"],
        max_length=1_000,
        description='Column -> field, such as {"E-Mail": "email", "address.city": "city", "plan": "custom.plan"}; '
        "columns left out are not read. Empty: columns are recognized by their names.",
    )
    templates: dict[Short, Value] = Field(
        default_factory=dict[str, str],
        max_length=200,
        description="Field -> constant or Liquid over the row, for rows that do not say otherwise: "
        '{"source": "Partner", "description": "Plan {{ plan }}"}.',
    )
    on_existing: OnExisting = Field(default=OnExisting.UPDATE, strict=False)
    dedupe_by: list[Annotated[DedupeBy, Field(strict=False)]] = Field(
        default_factory=list[DedupeBy], max_length=3, description="By what a row means a record that exists."
    )
    tags: list[Tag] = Field(default_factory=list[str], max_length=50, description="Added to every record.")
    owner_id: MemberId | None = Field(default=None, description="Of records whose row names no owner.")
    date_order: Literal["dmy", "mdy"] | None = Field(default=None, description="What 01/02/2026 means.")
    incremental: Incremental | None = None
    suppress_automations: bool = Field(default=False, description="Workflows and webhooks hear nothing of the rows.")


class DataSourceFields(SourceOptions):
    """What a data source is."""

    name: Name
    type: SourceType = Field(strict=False, description="Cannot change.")
    record_type: RecordType = Field(strict=False, description="What rows become.")
    config: SourceConfig = Field(default_factory=SourceConfig)
    secrets: SourceSecrets | None = Field(default=None, description="Merged into those that are stored.")
    schedule: Schedule | None = None
    status: SourceStatus = Field(
        default=SourceStatus.ACTIVE, strict=False, description="A paused source is not run by its schedule."
    )


class DataSourceUpdate(DataSourceFields):
    """What to change. Fields left out stay as they are; `config`, `mapping` and `templates` are replaced as a whole."""

    name: Name = Field(default_factory=str)
    type: SourceType = Field(default=SourceType.CSV_UPLOAD, strict=False, description="Cannot change.")
    record_type: RecordType = Field(default=RecordType.CONTACT, strict=False)


class SourceFile(BaseModel):
    """The file that was uploaded last."""

    name: str
    bytes: int
    uploaded_at: datetime


class DataSourceOut(SourceOptions):
    id: int
    name: str
    type: SourceType
    record_type: RecordType
    config: SourceConfig
    secret_names: list[str] = Field(description="Names of the secrets held, never their values.")
    schedule: Schedule | None
    status: SourceStatus
    cursor: str | None = Field(description="The greatest value of the cursor column that completed runs have seen.")
    file: SourceFile | None = Field(description="Of csv_upload.")
    next_run_at: datetime | None
    last_run_id: int | None
    last_run_status: RunStatus | None
    created_at: datetime
    updated_at: datetime


class DataSourceList(BaseModel):
    data_sources: list[DataSourceOut]
    total_count: int
    next_cursor: str | None = Field(default=None, description="Present in paginated answers; null on the last page.")


class PreviewInput(Input):
    """How much is shown."""

    rows: Annotated[int, Field(ge=1, le=100)] = 20


class PreviewRow(BaseModel):
    row: int
    outcome: str = Field(description="created, updated, unchanged, skipped, duplicate or failed.")
    source: dict[str, Any] = Field(description="The row as it stands in the source; long values are cut.")
    record: dict[str, Any] | None = Field(description="As it would be stored.")
    changes: dict[str, dict[str, Any]] = Field(description="Field -> {before, after}, of a record that exists.")
    problems: list[dict[str, str]] = Field(description="{column, value, message}.")


class RunCounts(BaseModel):
    rows: int = Field(description="Rows that were to be written.")
    created: int
    updated: int
    unchanged: int
    skipped: int
    duplicates: int = Field(description="Taken in by another row that means the same record.")
    failed: int


class SourcePreview(BaseModel):
    """What a run would do with the first rows; nothing is stored."""

    data_source_id: int
    record_type: RecordType
    columns: list[str]
    mapping: dict[str, str]
    unmapped_columns: list[str]
    counts: RunCounts
    rows: list[PreviewRow]
    more_rows: bool


class RunCreate(Input):
    """Which source is read."""

    data_source_id: Id
    from_start: bool = Field(default=False, description="Read everything, whatever earlier runs have read.")


class RunLinks(BaseModel):
    self: str
    errors: str
    cancel: str


class DataSourceRunOut(BaseModel):
    """One reading of a source."""

    id: int
    data_source_id: int
    record_type: RecordType
    trigger: RunTrigger
    status: RunStatus
    from_start: bool
    mapping: dict[str, str] = Field(description="Empty before the first rows were read.")
    counts: RunCounts
    rows_read: int = Field(description="With those that were passed over because of the cursor.")
    bytes: int = Field(description="Bytes read.")
    problem_count: int
    problem: str | None = Field(description="Why it failed as a whole; what was written before stays.")
    cursor_from: str | None
    cursor_to: str | None
    changeset_id: int | None
    duration_seconds: float | None
    links: RunLinks
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class DataSourceRunList(BaseModel):
    data_source_runs: list[DataSourceRunOut]
    total_count: int
    next_cursor: str | None = Field(default=None, description="Present in paginated answers; null on the last page.")
