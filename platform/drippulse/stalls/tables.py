"""The table of stalls."""

from enum import StrEnum

from piccolo.columns import BigInt, BigSerial, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class StallKind(StrEnum):
    """Unclaimed: due for long, and no worker takes it. Unclaimable: it has a time, but nobody may take it, and nothing
    holds it. Forgotten: it waits for nothing that has a name."""

    UNCLAIMED = "unclaimed"
    UNCLAIMABLE = "unclaimable"
    FORGOTTEN = "forgotten"


class Resolution(StrEnum):
    MOVED_ON = "moved_on"
    REPAIRED = "repaired"


class Stall(Table, tablename="stall", db=DB):
    """One time that an enrollment came to a standstill. At most one of an enrollment is open (`resolved_at` null)."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    workflow_id = BigInt()
    enrollment_id = BigInt()
    step_id = Text()
    kind = Text(choices=StallKind)
    since = Timestamptz(help_text="when it should have gone on")
    created_at = Timestamptz(default=TimestamptzNow())
    resolved_at = Timestamptz(null=True, default=None)
    resolution = Text(null=True, default=None, choices=Resolution)
