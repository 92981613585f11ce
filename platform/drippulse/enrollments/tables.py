"""Tables of enrollments and their timeline."""

from enum import IntFlag, StrEnum

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
OUTCOME_UNKNOWN = "outcome_unknown"


class Hold(IntFlag):
    """Why the engine must not take an enrollment; each is set and lifted by itself."""

    ENROLLMENT = 1
    STEP = 2
    WORKFLOW = 4
    ORGANIZATION = 8


HOLD_REASONS = {
    Hold.ENROLLMENT: "paused",
    Hold.ORGANIZATION: "organization_paused",
    Hold.WORKFLOW: "workflow_paused",
    Hold.STEP: "step_paused",
}
"""What a held run says it waits for; of several the first."""


class Enrollment(Table, tablename="enrollment", db=DB):
    """One contact's run through one version of a workflow.

    `claimable_at` is what the engine claims by: `next_run_at` while idle, the end of the lease while a worker has the
    row, null once it ended, while it is held, and while it waits for something that has no time. `fence` rises with
    every claim and every change from outside; a writer with an older one changes nothing.
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
    holds = SmallInt(default=0, help_text="sum of `Hold` flags")
    held_at = Timestamptz(null=True, default=None, help_text="since when it is held")
    signal = JSONB(null=True, default=None, help_text="what was told to the current step visit from outside")
    exit_reason = Text(null=True, default=None, help_text="why it ended, such as end_of_steps or goal:purchased")
    dedupe_key = Text(
        null=True, default=None, help_text="who or what it is for, as re-entry rules see it; null: what its columns say"
    )
    origin = Text(null=True, default=None, help_text="what started it, once only: event:12, enroll:5:3")
    sends_for = BigInt(
        null=True,
        default=None,
        help_text="the run whose mail, of the same visit, this one sends again; such a run has one step and, hidden by "
        "deleted_at, is nobody's own",
    )
    last_error = JSONB(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())
    finished_at = Timestamptz(null=True, default=None)
    deleted_at = Timestamptz(null=True, default=None)


class EnrollmentWalk(Table, tablename="enrollment_walk", db=DB):
    """The timeline: one row per commit. Append-only, partitioned by month of `created_at`.

    The view `enrollment_step` shows one row per entry, with the step's id, name and type out of the version.
    """

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    enrollment_id = BigInt()
    workflow_id = BigInt()
    workflow_version = Integer()
    entries = JSONB(
        help_text="[visit, step_index, status, attempt, finished_at, started_at or null when the same, input, output, "
        "error], each cut off after its last value; status: completed, skipped, failed, retrying or unknown"
    )
    created_at = Timestamptz(default=TimestamptzNow())


class EnrollmentCount(Table, tablename="enrollment_count", db=DB):
    """How many live enrollments stand where, summed over shards. Kept by triggers, never written by hand."""

    organization_id = BigInt(primary_key=True)
    workflow_id = BigInt()
    status = Text()
    step_index = Integer()
    workflow_version = Integer()
    shard = SmallInt(help_text="the writing connection's, so that commits do not wait for each other")
    enrollments = BigInt()


class EnrollFamily(Table, tablename="enroll_family", db=DB):
    """How many runs one run has led to through steps that enroll, directly and through them."""

    organization_id = BigInt(primary_key=True)
    first_enrollment_id = BigInt()
    enrolled = Integer()


class HoldChange(Table, tablename="hold_change", db=DB):
    """A pause, a resume or a deletion of many runs on its way through them, worked off in chunks.

    What it is about was committed with it and holds from then on: the claim and the last look before a call ask the
    workflow and the organization. Once it is through, or a later one took over, it is finished.
    """

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    workflow_id = BigInt(null=True, default=None, help_text="null: the whole organization")
    step_id = Text(null=True, default=None)
    kind = Text(help_text="hold, release or cancel")
    hold = SmallInt(help_text="a `Hold` flag; 0 for cancel")
    policy = JSONB(default="{}", help_text="how released runs go on")
    reason = Text(default="", help_text="of a cancellation")
    total = BigInt(help_text="runs in flight when it began")
    done = BigInt(default=0, help_text="runs changed")
    after_id = BigInt(default=0, help_text="it goes on with enrollments above this id")
    listed = Boolean(default=False, help_text="it has been through all runs; those of a respread have their places")
    placed = BigInt(default=0, help_text="runs of a respread that have got their time")
    actor_type = Text()
    actor_id = BigInt(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())
    finished_at = Timestamptz(null=True, default=None)
    superseded = Boolean(default=False, help_text="a later command decided about those who were left")


class HoldPlace(Table, tablename="hold_place", db=DB):
    """The order of a respread: overdue runs by when they were due."""

    organization_id = BigInt(primary_key=True)
    change_id = BigInt()
    due_at = Timestamptz()
    enrollment_id = BigInt()


class Heartbeat(Table, tablename="heartbeat", db=DB):
    """When a singleton of the installation last did its round."""

    name = Text(primary_key=True)
    beat_at = Timestamptz(default=TimestamptzNow())
    healthy = Boolean(default=True)
