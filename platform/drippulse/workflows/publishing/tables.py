"""The table of moves, and what they do."""

from enum import StrEnum

from piccolo.columns import JSONB, BigInt, BigSerial, Boolean, Integer, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class Strategy(StrEnum):
    """What becomes of runs in flight when a version is published."""

    PIN = "pin"
    MIGRATE = "migrate"
    RESTART = "restart"
    EXIT = "exit"


class VersionMove(Table, tablename="version_move", db=DB):
    """Runs on their way from older versions to `version`; one row for each version published with a strategy that
    moves. Worked off in chunks; finished once no run is left to move, or a later publication took over."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    workflow_id = BigInt()
    version = Integer(help_text="where they go")
    strategy = Text(choices=Strategy)
    targets = JSONB(help_text="step id -> {id, index, stay} in the new version, or null to end the run; by strategy")
    total = BigInt(help_text="runs in flight on older versions when it began")
    moved = BigInt(default=0)
    exited = BigInt(default=0)
    after_id = BigInt(default=0, help_text="this round goes on with enrollments above this id")
    next_at = Timestamptz(default=TimestamptzNow(), help_text="when the scheduler looks at it again")
    actor_type = Text()
    actor_id = BigInt(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())
    finished_at = Timestamptz(null=True, default=None)
    superseded = Boolean(default=False, help_text="a later publication decided about those who were left")
