"""What goes in and out of stalls."""

from datetime import datetime

from pydantic import BaseModel, Field

from drippulse.kit.validation import Input
from drippulse.stalls.tables import Resolution, StallKind

MAX_IDS = 10_000


class Repair(Input):
    """Which stalls to repair."""

    ids: list[int] | None = Field(
        default=None, min_length=1, max_length=MAX_IDS, description=f"Left out: all open ones, {MAX_IDS} at most."
    )


class StallOut(BaseModel):
    """A run that stood still although it should have gone on."""

    id: int
    workflow_id: int
    enrollment_id: int
    step_id: str
    kind: StallKind = Field(
        description="unclaimed: due, and no worker takes it. unclaimable: it has a time, but nobody may take it. "
        "forgotten: it waits for nothing that has a name."
    )
    since: datetime
    created_at: datetime
    resolved_at: datetime | None
    resolution: Resolution | None = Field(description="moved_on by itself, or repaired.")


class StallList(BaseModel):
    stalls: list[StallOut]
    total_count: int
    next_cursor: str | None = Field(default=None, description="Present in paginated answers; null on the last page.")


class RepairOut(BaseModel):
    """`repaired_count` runs are due again; stalls that were resolved before are left as they were."""

    repaired_count: int
    stalls: list[StallOut]
