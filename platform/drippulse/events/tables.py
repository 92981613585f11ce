"""The event log, and who listens to it."""

from enum import StrEnum

from piccolo.columns import JSONB, BigInt, BigSerial, Integer, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class Event(Table, tablename="event", db=DB):
    """One row per domain change, appended by the transaction that made it. Partitioned by month of `created_at`.

    The database also keeps `xid`, the transaction that appended it: whoever reads on from a cursor reads in the order
    (xid, id) and only below the oldest open transaction.
    """

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    type = Text(help_text="such as enrollment.created")
    record_type = Text()
    record_id = Text()
    actor_type = Text(help_text="user, api_key, workflow or system")
    actor_id = BigInt(null=True, default=None)
    data = JSONB(default="{}")
    key = Text(null=True, default=None, help_text="who it is about: lead_ref or e-mail address, see `keys`")
    other_key = Text(null=True, default=None, help_text="a second key of the same contact")
    source_id = Text(null=True, default=None, help_text="the client's own id of it")
    occurred_at = Timestamptz(null=True, default=None, help_text="when it happened, where the client said so")
    created_at = Timestamptz(default=TimestamptzNow())


class EventLag(Table, tablename="event_lag", db=DB):
    """An organization whose events are read by themselves, from a cursor (xid, id) of its own, until it has caught up
    with the others. The database also keeps `xid`."""

    organization_id = BigInt(primary_key=True)
    id = BigInt()
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())


class EventSource(Table, tablename="event_source", db=DB):
    """The ids that clients gave their events, each taken once."""

    organization_id = BigInt(primary_key=True)
    source_id = Text()
    event_id = BigInt()
    created_at = Timestamptz(default=TimestamptzNow())


class ListenerKind(StrEnum):
    TRIGGER = "trigger"
    EXIT = "exit"
    GOAL = "goal"
    WAIT = "wait"


class WorkflowListener(Table, tablename="workflow_listener", db=DB):
    """What a version of a workflow listens to. Triggers are there for the live version of an active workflow alone."""

    organization_id = BigInt(primary_key=True)
    workflow_id = BigInt()
    version = Integer()
    kind = Text(choices=ListenerKind)
    place = Integer(help_text="index of the step, the criterion or the goal")
    event_type = Text()
    step_id = Text(default="")
    config = JSONB(default="{}", help_text="{match, conditions, reason}")


class EventWait(Table, tablename="event_wait", db=DB):
    """A step visit that waits for an event; one row for each key of its contact."""

    organization_id = BigInt(primary_key=True)
    event_type = Text()
    key = Text()
    enrollment_id = BigInt()
    visit = Integer()
    config = JSONB(default="{}", help_text="{match, conditions}, values rendered")
    after_id = BigInt(help_text="only events after this one count")
    since = Timestamptz(help_text="only events since then count")
    created_at = Timestamptz(default=TimestamptzNow())


class EventUse(Table, tablename="event_use", db=DB):
    """The events that waits of a run were ended by: no other wait of it takes them again."""

    organization_id = BigInt(primary_key=True)
    enrollment_id = BigInt()
    event_id = BigInt()


class EnrollmentKey(Table, tablename="enrollment_key", db=DB):
    """The runs that an event may end, by whom they are about. Entered by a trigger of the enrollment table."""

    organization_id = BigInt(primary_key=True)
    workflow_id = BigInt()
    key = Text(help_text="lead_ref, or the e-mail address in lower case")
    enrollment_id = BigInt()


class WorkflowSchedule(Table, tablename="workflow_schedule", db=DB):
    """When a trigger step fires next; null until the scheduler has reckoned it."""

    organization_id = BigInt(primary_key=True)
    workflow_id = BigInt()
    step_id = Text()
    version = Integer()
    cron = Text()
    timezone = Text(null=True, default=None, help_text="IANA name; null is the organization's")
    next_at = Timestamptz(null=True, default=None)
