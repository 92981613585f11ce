"""What a stage makes of an opportunity. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from drippulse.crm.tables import OpportunityStatus

STEP = 1 << 20
"""Distance between two cards of a stage, so that one more fits in between many times."""

DEFAULT_NAME = "Sales pipeline"
DEFAULT_STAGES: Sequence[tuple[str, OpportunityStatus, int]] = (
    ("Unassigned", OpportunityStatus.OPEN, 0),
    ("Prospect", OpportunityStatus.OPEN, 10),
    ("Qualification", OpportunityStatus.OPEN, 25),
    ("Proposal", OpportunityStatus.OPEN, 50),
    ("Negotiation", OpportunityStatus.OPEN, 75),
    ("Won", OpportunityStatus.WON, 100),
    ("Lost", OpportunityStatus.LOST, 0),
)
"""Name, type and probability in percent (source: the contract's default pipeline)."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage as placing needs it."""

    id: UUID
    pipeline_id: UUID
    stage_type: str
    position: int


def choose(stages: Sequence[Stage], status: str | None) -> Stage:
    """The first stage, in their order, of the type that the status wants; the first of all when none is wanted or there
    is none. `stages` is not empty."""
    return next((stage for stage in stages if stage.stage_type == status), stages[0])


def closing(stage_type: str, was: str | None, closed_at: Any, now: Any) -> Any:
    """When an opportunity in a stage of this type was closed: kept while its status stays, now when it changes."""
    if stage_type == OpportunityStatus.OPEN:
        return None
    return closed_at if was == stage_type and closed_at is not None else now
