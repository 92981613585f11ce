"""Tables of changesets and change events."""

from enum import StrEnum

from piccolo.columns import JSONB, UUID, BigInt, BigSerial, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class ChangeAction(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    RESTORE = "restore"
    MERGE = "merge"
    UNMERGE = "unmerge"


class Source(StrEnum):
    """What a changeset comes from."""

    API = "api"
    IMPORT = "import"
    WORKFLOW = "workflow"
    AGENT = "agent"
    LEAD_FORM = "lead_form"
    DATA_SOURCE = "data_source"
    REVERT = "revert"


class Changeset(Table, tablename="changeset", db=DB):
    """The changes of one API call, one import, one step of a workflow or one agent run."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    source = Text(choices=Source)
    actor_type = Text()
    actor_id = BigInt(null=True, default=None)
    label = Text(default="", help_text="for people, such as the name of the imported file")
    reverts_id = BigInt(null=True, default=None, help_text="the changeset that this one undoes")
    created_at = Timestamptz(default=TimestamptzNow())
    reverted_at = Timestamptz(null=True, default=None)


class ChangeEvent(Table, tablename="change_event", db=DB):
    """One record's change. `before` and `after` hold the fields that changed; a creation has no `before`."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    changeset_id = BigInt()
    record_type = Text()
    record_id = UUID(default=None)
    record_public_id = Text()
    action = Text(choices=ChangeAction)
    actor_type = Text()
    actor_id = BigInt(null=True, default=None)
    before = JSONB(null=True, default=None)
    after = JSONB(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())


class ChangesetRevert(Table, tablename="changeset_revert", db=DB):
    """Undoing a changeset: how far it is, what it did and what it left alone."""

    organization_id = BigInt(primary_key=True)
    changeset_id = BigInt(help_text="what is undone; once only")
    reverting_id = BigInt(help_text="the changeset that undoes it")
    actor_type = Text()
    actor_id = BigInt(null=True, default=None)
    status = Text(default="running", help_text="running or completed")
    below = BigInt(help_text="change events with smaller ids are still to be done")
    counts = JSONB(default="{}", help_text="reverted, unchanged, conflicts")
    conflicts = JSONB(default="[]", help_text="the first 1,000")
    created_at = Timestamptz(default=TimestamptzNow())
    finished_at = Timestamptz(null=True, default=None)
