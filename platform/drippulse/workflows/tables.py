"""Tables of workflows and their immutable versions."""

from enum import StrEnum

from piccolo.columns import JSONB, Array, BigInt, BigSerial, Integer, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class WorkflowStatus(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"


class Workflow(Table, tablename="workflow", db=DB):
    """`version` is the newest row of `workflow_version`; the steps live there."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    name = Text()
    description = Text(default="")
    status = Text(default=WorkflowStatus.DRAFT, choices=WorkflowStatus)
    version = Integer(default=1)
    integrations = JSONB(default="[]")
    project_id = BigInt(null=True, default=None)
    paused_steps = Array(base_column=Text(), default=list, help_text="ids of steps that hold whoever comes to them")
    draft = JSONB(null=True, default=None, help_text="steps and settings that are not published yet")
    draft_updated_at = Timestamptz(null=True, default=None)
    draft_revision = Integer(default=0, help_text="rises whenever the draft is saved, dropped or published")
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())
    deleted_at = Timestamptz(null=True, default=None)


class WorkflowVersion(Table, tablename="workflow_version", db=DB):
    """Never updated: enrollments are pinned to the version they started on."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    workflow_id = BigInt()
    version = Integer()
    steps = JSONB(help_text="canonical steps: [{id, type, name, position, config}]")
    settings = JSONB(default="{}", help_text="re-entry, exit criteria and goals")
    note = Text(default="", help_text="what its publisher says of it")
    actor_type = Text(null=True, default=None, help_text="who made it: user, api_key; null for what is older")
    actor_id = BigInt(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
