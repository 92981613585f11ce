"""Tables of enrollments and their timeline."""

from enum import StrEnum

from piccolo.columns import JSONB, BigInt, BigSerial, Boolean, Integer, SmallInt, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class EnrollmentStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


RETRY = "retry"
WORKFLOW_PAUSED = "workflow_paused"
OUTCOME_UNKNOWN = "outcome_unknown"
HELD = (WORKFLOW_PAUSED, OUTCOME_UNKNOWN)
"""Wait reasons without a time: somebody has to act."""


class Enrollment(Table, tablename="enrollment", db=DB):
    """One contact's run through one version of a workflow.

    `claimable_at` is what the engine claims by: `next_run_at` while idle, the end of the lease while a worker has the
    row, null once it ended. `fence` rises with every claim; a writer with an older one changes nothing.
    """

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    workflow_id = BigInt()
    workflow_version = Integer()
    agent_id = BigInt(null=True, default=None)
    lead_ref = Text(null=True, default=None)
    email = Text(default="")
    first_name = Text(default="")
    last_name = Text(default="")
    timezone = Text(default="UTC")
    status = Text(default=EnrollmentStatus.ACTIVE, choices=EnrollmentStatus)
    current_step_index = Integer(default=0)
    step_id = Text(default="")
    visit = Integer(default=1, help_text="number of the current step visit, from 1")
    visits = JSONB(default="{}", help_text="step id -> how often it was visited")
    bag = JSONB(default="{}", help_text="the contact's fields, with step outputs merged in")
    attempt = Integer(default=0, help_text="executions begun of the current step visit")
    step_entered_at = Timestamptz(default=TimestamptzNow())
    next_run_at = Timestamptz(null=True, default=TimestamptzNow())
    claimable_at = Timestamptz(null=True, default=TimestamptzNow())
    wait_reason = Text(null=True, default=None)
    fence = BigInt(default=0)
    intent_at = Timestamptz(null=True, default=None, help_text="an effect was begun and its result is not known yet")
    last_error = JSONB(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())
    finished_at = Timestamptz(null=True, default=None)
    deleted_at = Timestamptz(null=True, default=None)


class EnrollmentStep(Table, tablename="enrollment_step", db=DB):
    """The timeline: one row per finished attempt of a step visit. Append-only, partitioned by month of `created_at`."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    enrollment_id = BigInt()
    visit = Integer()
    step_index = Integer()
    step_id = Text()
    name = Text()
    type = Text()
    status = Text(help_text="completed, skipped, failed, retrying or unknown")
    attempt = Integer()
    started_at = Timestamptz()
    finished_at = Timestamptz()
    input = JSONB(null=True)
    output = JSONB(null=True)
    error = JSONB(null=True)
    created_at = Timestamptz(default=TimestamptzNow())


class EnrollmentCount(Table, tablename="enrollment_count", db=DB):
    """How many live enrollments stand where, summed over shards. Kept by triggers, never written by hand."""

    organization_id = BigInt(primary_key=True)
    workflow_id = BigInt()
    status = Text()
    step_index = Integer()
    shard = SmallInt(help_text="the writing connection's, so that commits do not wait for each other")
    enrollments = BigInt()


class Heartbeat(Table, tablename="heartbeat", db=DB):
    """When a singleton of the installation last did its round."""

    name = Text(primary_key=True)
    beat_at = Timestamptz(default=TimestamptzNow())
    healthy = Boolean(default=True)
