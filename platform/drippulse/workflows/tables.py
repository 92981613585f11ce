"""Tables of workflows and their immutable versions."""

from enum import StrEnum

from piccolo.columns import JSONB, BigInt, BigSerial, Integer, Text, Timestamptz
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
    created_at = Timestamptz(default=TimestamptzNow())
