"""Tables of imports."""

from enum import StrEnum

from piccolo.columns import JSONB, UUID, Array, BigInt, BigSerial, Boolean, Bytea, Integer, SmallInt, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.crm.tables import RecordType
from drippulse.kit.db import DB


class ImportStatus(StrEnum):
    """UPLOADING is never answered: such an import is not there yet."""

    UPLOADING = "uploading"
    QUEUED = "queued"
    ANALYSING = "analysing"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNDONE = "undone"


OPEN = (ImportStatus.QUEUED, ImportStatus.ANALYSING, ImportStatus.RUNNING)
SHOWN = tuple(status for status in ImportStatus if status is not ImportStatus.UPLOADING)


class RecordImport(Table, tablename="record_import", db=DB):
    """One file of rows on its way into a collection."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    record_type = Text(choices=RecordType)
    status = Text(choices=ImportStatus)
    file_name = Text(default="")
    bytes = BigInt(default=0)
    utf8 = Boolean(default=True, help_text="the whole file is UTF-8")
    options = JSONB(default="{}", help_text="as `ImportOptions` has them")
    layout = JSONB(null=True, default=None, help_text="how the file is read, once that is known")
    actor_type = Text(help_text="who sent it")
    actor_id = BigInt(null=True, default=None)
    changeset_id = BigInt(null=True, default=None, help_text="one for all portions; null before the first change")
    part = SmallInt(default=0, help_text="which chunks are read: 0 the file as it came, 1 what was made of it")
    position = BigInt(default=0, help_text="the byte at which the next portion begins")
    row_number = BigInt(default=0, help_text="rows read; the header is row 1")
    created_count = BigInt(default=0)
    updated_count = BigInt(default=0)
    unchanged_count = BigInt(default=0)
    skipped_count = BigInt(default=0)
    duplicate_count = BigInt(default=0)
    failed_count = BigInt(default=0)
    problem_count = BigInt(default=0)
    problem = Text(null=True, default=None, help_text="why it failed as a whole")
    claim = UUID(null=True, default=None, help_text="of the process that works on it")
    claimed_until = Timestamptz(null=True, default=None)
    attempts = SmallInt(default=0, help_text="claims since the last portion")
    revision = BigInt(default=0, help_text="rises with every change that a watcher should see")
    created_at = Timestamptz(default=TimestamptzNow())
    started_at = Timestamptz(null=True, default=None)
    finished_at = Timestamptz(null=True, default=None)
    updated_at = Timestamptz(default=TimestamptzNow())


class RecordImportChunk(Table, tablename="record_import_chunk", db=DB):
    """A piece of a file that is not read to its end yet."""

    organization_id = BigInt(primary_key=True)
    import_id = BigInt()
    part = SmallInt()
    number = Integer()
    data = Bytea()


class RecordImportProblem(Table, tablename="record_import_problem", db=DB):
    """Why a row was not written."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    import_id = BigInt()
    row_number = BigInt()
    column_name = Text(default="")
    value = Text(default="")
    message = Text()
    original = Array(base_column=Text(), default=list)
