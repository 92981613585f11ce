"""Tables of data sources."""

from enum import StrEnum

from piccolo.columns import JSONB, UUID, Array, BigInt, BigSerial, Boolean, Bytea, Integer, SmallInt, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.crm.tables import RecordType
from drippulse.kit.db import DB


class SourceType(StrEnum):
    """Where rows come from."""

    CSV_UPLOAD = "csv_upload"
    CSV_URL = "csv_url"
    JSON_URL = "json_url"
    HTTP_JSON = "http_json"
    GOOGLE_SHEETS = "google_sheets"
    POSTGRES = "postgres"


class SourceStatus(StrEnum):
    """A paused source is not run by its schedule."""

    ACTIVE = "active"
    PAUSED = "paused"


class RunStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RunTrigger(StrEnum):
    """What started a run."""

    MANUAL = "manual"
    SCHEDULE = "schedule"


class DataSource(Table, tablename="data_source", db=DB):
    """A table elsewhere, and how its rows become records."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    name = Text()
    type = Text(choices=SourceType)
    status = Text(default=SourceStatus.ACTIVE, choices=SourceStatus)
    record_type = Text(choices=RecordType)
    config = JSONB(help_text="as `SourceConfig` has it; nothing secret")
    options = JSONB(help_text="as `SourceOptions` has them")
    secrets = Bytea(null=True, default=None, help_text="AES-GCM ciphertext bound to this row")
    secret_names = Array(base_column=Text(), help_text="names of the secrets held, never their values")
    schedule = JSONB(null=True, default=None)
    next_run_at = Timestamptz(null=True, default=None, help_text="null: no schedule, or paused")
    cursor = Text(null=True, default=None, help_text="the greatest value of the cursor column of all completed runs")
    file_number = BigInt(null=True, default=None, help_text="whose chunks are the uploaded file")
    file_name = Text(null=True, default=None)
    file_bytes = BigInt(null=True, default=None)
    file_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())


class DataSourceChunk(Table, tablename="data_source_chunk", db=DB):
    """A piece of an uploaded file."""

    organization_id = BigInt(primary_key=True)
    data_source_id = BigInt()
    file_number = BigInt()
    number = Integer()
    data = Bytea()


class DataSourceRun(Table, tablename="data_source_run", db=DB):
    """One reading of a source."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    data_source_id = BigInt()
    trigger = Text(choices=RunTrigger)
    status = Text(default=RunStatus.QUEUED, choices=RunStatus)
    from_start = Boolean(default=False, help_text="the source's cursor does not count")
    actor_type = Text(help_text="who started it")
    actor_id = BigInt(null=True, default=None)
    changeset_id = BigInt(null=True, default=None, help_text="one for all portions; null before the first change")
    mapping = JSONB(null=True, default=None, help_text="column -> field, once that is known")
    position = JSONB(null=True, default=None, help_text="where the next portion begins; the source's own words")
    cursor_from = Text(null=True, default=None, help_text="rows up to here are passed over")
    cursor_to = Text(null=True, default=None, help_text="the greatest value seen")
    row_number = BigInt(default=0, help_text="rows read")
    created_count = BigInt(default=0)
    updated_count = BigInt(default=0)
    unchanged_count = BigInt(default=0)
    skipped_count = BigInt(default=0)
    duplicate_count = BigInt(default=0)
    failed_count = BigInt(default=0)
    problem_count = BigInt(default=0)
    bytes = BigInt(default=0, help_text="bytes read")
    problem = Text(null=True, default=None, help_text="why it failed as a whole")
    claim = UUID(null=True, default=None, help_text="of the process that works on it")
    claimed_until = Timestamptz(null=True, default=None)
    attempts = SmallInt(default=0, help_text="claims since the last portion")
    created_at = Timestamptz(default=TimestamptzNow())
    started_at = Timestamptz(null=True, default=None)
    finished_at = Timestamptz(null=True, default=None)
    updated_at = Timestamptz(default=TimestamptzNow())


class DataSourceRunProblem(Table, tablename="data_source_run_problem", db=DB):
    """Why a row was not written."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    run_id = BigInt()
    row_number = BigInt()
    column_name = Text(default="")
    value = Text(default="")
    message = Text()
    original = Text(default="", help_text="the row as JSON")
