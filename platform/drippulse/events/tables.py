"""The event log."""

from piccolo.columns import JSONB, BigInt, BigSerial, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class Event(Table, tablename="event", db=DB):
    """One row per domain change, appended by the transaction that made it. Partitioned by month of `created_at`."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    type = Text(help_text="such as enrollment.created")
    record_type = Text()
    record_id = Text()
    actor_type = Text(help_text="user, api_key, workflow or system")
    actor_id = BigInt(null=True, default=None)
    data = JSONB(default="{}")
    created_at = Timestamptz(default=TimestamptzNow())
