"""Holding enrollments and letting them go: nothing is claimed meanwhile, nothing is lost.

Holds of an enrollment, a step, a workflow and the organization add up; the run moves again when the last is lifted.
Why and until when it waits stays as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator

from drippulse.enrollments import hold_queries as sql
from drippulse.enrollments.hold_locks import nothing_starts
from drippulse.enrollments.tables import Hold
from drippulse.kit.db import Record, Session
from drippulse.kit.schema_rules import needs
from drippulse.kit.validation import Input

LONGEST_CALL = timedelta(seconds=150)  # what a worker gives a call, and some for writing down its result
STALE = "it was due too long ago when the pause ended"
PLACES = ("FREEZE", "SKIP", "GAP", "FIRST", "REASON", "CALL", "AT")


class Clock(StrEnum):
    RUN = "run"
    FREEZE = "freeze"


SLOWEST = 1 / (24 * 60)
"""Of a respread, in runs a minute: one a day."""


class Late(StrEnum):
    SEND = "send"
    SKIP = "skip"
    RESPREAD = "respread"


class ResumePolicy(Input):
    """How to go on after a pause. It counts when the last hold of a run is lifted."""

    model_config = ConfigDict(frozen=True, json_schema_extra=needs("late", Late.RESPREAD.value, "rate_per_minute"))

    clock: Annotated[Clock, Field(strict=False)] = Field(
        default=Clock.RUN,
        description="run: due times stay, what came due meanwhile is due at once. freeze: they move by the time held.",
    )
    late: Annotated[Late, Field(strict=False)] = Field(
        default=Late.SEND,
        description="What is overdue: send; skip (what was due more than late_hours ago goes on without sending until "
        "its next wait); respread (evenly, oldest first, at rate_per_minute).",
    )
    late_hours: float = Field(default=0, ge=0, le=87_600, allow_inf_nan=False, description="For late: skip.")
    rate_per_minute: float | None = Field(
        default=None, ge=SLOWEST, le=1_000_000, allow_inf_nan=False, description="For late: respread."
    )

    @model_validator(mode="after")
    def _belongs_together(self) -> "ResumePolicy":
        if self.late is Late.RESPREAD and self.rate_per_minute is None:
            raise ValueError("late: respread needs rate_per_minute, such as 60")
        return self

    @property
    def skip_after(self) -> timedelta | None:
        """From which lateness on sends are skipped."""
        return timedelta(hours=self.late_hours) if self.late is Late.SKIP else None

    @property
    def gap(self) -> timedelta | None:
        """The time between two runs of a respread."""
        return (
            timedelta(minutes=1 / self.rate_per_minute) if self.late is Late.RESPREAD and self.rate_per_minute else None
        )


AS_IT_WAS = ResumePolicy()


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom a hold is about, by one of the conditions in `hold_queries`."""

    hold: Hold
    where: str
    args: tuple[Any, ...]

    @classmethod
    def organization(cls, organization_id: int) -> "Scope":
        return cls(Hold.ORGANIZATION, sql.ORGANIZATION, (organization_id,))

    @classmethod
    def workflow(cls, organization_id: int, workflow_id: int) -> "Scope":
        return cls(Hold.WORKFLOW, sql.WORKFLOW, (organization_id, workflow_id))

    @classmethod
    def step(cls, organization_id: int, workflow_id: int, step_id: str) -> "Scope":
        """Those who stand on the step; whoever comes to it later is held by the walk."""
        return cls(Hold.STEP, sql.STANDING, (organization_id, workflow_id, step_id))

    @classmethod
    def steps_not_paused(cls, organization_id: int, workflow_id: int) -> "Scope":
        """Those whose step is not paused any more."""
        return cls(Hold.STEP, sql.NOT_PAUSED_STEPS, (organization_id, workflow_id))

    @classmethod
    def picked(cls, organization_id: int, workflow_id: int, ids: Sequence[int]) -> "Scope":
        return cls(Hold.ENROLLMENT, sql.PICKED, (organization_id, workflow_id, list(ids)))

    @classmethod
    def part(cls, hold: Hold, organization_id: int, ids: Sequence[int], step_id: str | None = None) -> "Scope":
        """These runs, as far as they stand on the step."""
        if step_id is None:
            return cls(hold, sql.IDS, (organization_id, list(ids)))
        return cls(hold, sql.IDS_ON_STEP, (organization_id, list(ids), step_id))


async def hold_where(session: Session, scope: Scope, at: datetime | None = None) -> list[Record]:
    """Take those that are not held in this way yet out of the engine's reach; their id and lead_ref.

    Args:
        at: since when they are held, where that was before.
    """
    statement = sql.HOLD.format(scope=scope.where, flag=scope.hold.value)
    return await session.fetch(statement.replace("$AT", f"${len(scope.args) + 1}"), *scope.args, at)


async def release_where(
    session: Session,
    scope: Scope,
    policy: ResumePolicy = AS_IT_WAS,
    *,
    first_place: int = 0,
    at: datetime | None = None,
) -> list[Record]:
    """Lift this hold; those without another one go on. Their id and lead_ref.

    Args:
        first_place: of a respread, where this is a part of more.
        at: when they were resumed, where that was before.
    """
    statement = sql.RELEASE.format(scope=scope.where, flag=scope.hold.value)
    for number, name in enumerate(PLACES, len(scope.args) + 1):
        statement = statement.replace(f"${name}", f"${number}")
    values = (policy.clock is Clock.FREEZE, policy.skip_after, policy.gap, first_place, STALE, LONGEST_CALL, at)
    return await session.fetch(statement, *scope.args, *values)


async def hold(session: Session, organization_id: int, workflow_id: int) -> int:
    """Hold every unfinished enrollment of a workflow, which is paused in this transaction; how many."""
    await nothing_starts(session, organization_id, workflow_id)
    return len(await hold_where(session, Scope.workflow(organization_id, workflow_id)))


async def release(session: Session, organization_id: int, workflow_id: int, policy: ResumePolicy = AS_IT_WAS) -> int:
    """Lift the workflow's hold; how many it had."""
    await nothing_starts(session, organization_id, workflow_id)
    return len(await release_where(session, Scope.workflow(organization_id, workflow_id), policy))
