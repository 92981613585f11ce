"""Where an opportunity stands: one stage of one pipeline, whose type is its status."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from drippulse.crm.pipelines import queries
from drippulse.crm.pipelines.errors import ForeignStageError
from drippulse.crm.pipelines.policy import person_of
from drippulse.crm.pipelines.state import STEP, Stage, choose, closing
from drippulse.crm.presentation import Row
from drippulse.crm.tables import OpportunityStatus
from drippulse.events.service import Actor
from drippulse.kit.clock import utc_now
from drippulse.kit.db import Session
from drippulse.kit.errors import not_found

PLACING = frozenset({"pipeline_id", "pipeline_stage_id", "status"})
"""Fields that move an opportunity."""


async def place(session: Session, actor: Actor, values: dict[str, Any], row: Row | None) -> None:
    """Complete `values` of an opportunity: its pipeline, stage, position, status and time of closing.

    `values` may name a pipeline and a stage by UUID or public id, and a status. A stage that differs from today's
    decides; else a status moves it to the first stage of that type; a new pipeline alone moves it to that one's first
    stage that fits.

    Raises:
        NotFoundError: an unknown or foreign pipeline or stage.
        ForeignStageError: the stage is one of another pipeline.
    """
    if row is not None and not values.keys() & PLACING:
        return
    stage = await _kept(session, actor, values, row)
    same_stage = row is not None and row["pipeline_stage_id"] == stage.id
    values["pipeline_id"], values["pipeline_stage_id"] = stage.pipeline_id, stage.id
    values["status"] = stage.stage_type
    values["closed_at"] = closing(
        stage.stage_type,
        None if row is None else row["status"],
        None if row is None else row["closed_at"],
        utc_now(),
    )
    if not same_stage:
        last = await queries.last_position(session, actor.organization_id, stage.id)
        values["stage_position"] = last + STEP


async def places(
    session: Session, actor: Actor, values: Mapping[str, Any], rows: Sequence[Row]
) -> dict[UUID, dict[str, Any]]:
    """What `place` completes, for many opportunities that are to go to the same place; by id. New cards of a stage go
    to its end, in the order of `rows`. Raises as `place` does."""
    stages: dict[tuple[Any, ...], Stage] = {}
    last: dict[UUID, int] = {}
    found: dict[UUID, dict[str, Any]] = {}
    now = utc_now()
    for row in rows:
        standing = (row["pipeline_id"], row["pipeline_stage_id"], row["status"])
        if standing not in stages:
            stages[standing] = await _kept(session, actor, dict(values), row)
        stage = stages[standing]
        placed = {
            "pipeline_id": stage.pipeline_id,
            "pipeline_stage_id": stage.id,
            "status": stage.stage_type,
            "closed_at": closing(stage.stage_type, row["status"], row["closed_at"], now),
        }
        if row["pipeline_stage_id"] != stage.id:
            if stage.id not in last:
                last[stage.id] = await queries.last_position(session, actor.organization_id, stage.id)
            last[stage.id] += STEP
            placed["stage_position"] = last[stage.id]
        found[row["id"]] = placed
    return found


async def default_pipeline_id(session: Session, actor: Actor) -> UUID:
    """The pipeline that an opportunity of this actor goes to; the organization's is made when there is none yet."""
    organization_id = actor.organization_id
    for _ in range(3):
        found = await queries.default_pipeline(session, organization_id, person_of(actor))
        if found is not None:
            return found
        made = await queries.create_default(session, organization_id)
        if made is not None:
            return made
    raise not_found("pipeline")


async def _kept(session: Session, actor: Actor, values: dict[str, Any], row: Row | None) -> Stage:
    """The stage, which nobody deletes or retypes before this transaction ends."""
    for _ in range(3):
        stage = await _stage(session, actor, values, row)
        kept = await queries.keep_stage(session, actor.organization_id, stage.id)
        if kept is not None:
            return Stage(kept["id"], kept["pipeline_id"], kept["stage_type"], kept["position"])
    raise not_found("pipeline stage")


async def _stage(session: Session, actor: Actor, values: dict[str, Any], row: Row | None) -> Stage:
    organization_id = actor.organization_id
    pipeline_ref, stage_ref = values.get("pipeline_id"), values.get("pipeline_stage_id")
    pipeline_id: UUID | None = None if row is None else row["pipeline_id"]
    if pipeline_ref is not None:
        pipeline_id = await queries.find_pipeline(session, organization_id, str(pipeline_ref))
        if pipeline_id is None:
            raise not_found("pipeline")
    if stage_ref is not None:
        found = await queries.find_stage(session, organization_id, str(stage_ref))
        if found is None:
            raise not_found("pipeline stage")
        if pipeline_ref is not None and found["pipeline_id"] != pipeline_id:
            raise ForeignStageError
        if (
            row is None
            or found["id"] != row["pipeline_stage_id"]
            or values.get("status", row["status"]) == row["status"]
        ):
            return Stage(found["id"], found["pipeline_id"], found["stage_type"], found["position"])
    if pipeline_id is None:
        pipeline_id = await default_pipeline_id(session, actor)
    stages = [
        Stage(found["id"], found["pipeline_id"], found["stage_type"], found["position"])
        for found in await queries.stages_of(session, organization_id, pipeline_id)
    ]
    wanted = values.get("status", OpportunityStatus.OPEN if row is None else row["status"])
    current = None if row is None else next((s for s in stages if s.id == row["pipeline_stage_id"]), None)
    return current if current is not None and current.stage_type == wanted else choose(stages, wanted)
