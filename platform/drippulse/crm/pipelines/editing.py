"""Changing a pipeline's stages together with what stands in them."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from drippulse.crm.changes.service import changeset_of
from drippulse.crm.pipelines import cards, queries
from drippulse.crm.pipelines import editing_queries as edits
from drippulse.crm.pipelines.cards import Place
from drippulse.crm.pipelines.errors import PipelineBusyError, StageNotEmptyError
from drippulse.crm.pipelines.schemas import StageChange
from drippulse.crm.pipelines.stage_plan import StagePlan, StageRow, plan_stages
from drippulse.crm.pipelines.state import STEP, Stage
from drippulse.crm.tables import OpportunityStatus
from drippulse.events.service import Actor
from drippulse.kit.clock import utc_now
from drippulse.kit.db import Record, Session

ATTEMPTS = 40
PAUSE_SECONDS = 0.05


class _StepBackError(Exception):
    """Somebody is putting a card into one of the stages."""


async def change_stages(session: Session, actor: Actor, pipeline_id: UUID, changes: Sequence[StageChange]) -> None:
    """Add, change, order and delete stages of a pipeline that the caller has locked. A stage that changes its type
    changes the status of its cards; those of a deleted one go to the end of another.

    Raises:
        NotFoundError, ValidationError: see `plan_stages`.
        StageNotEmptyError: a stage with cards is to go and nothing says where they do.
        PipelineBusyError: others do not stop moving cards there.
    """
    organization_id = actor.organization_id
    existing = [_row(found) for found in await queries.stages_of(session, organization_id, pipeline_id)]
    plan = plan_stages(existing, changes)
    held = [*plan.retyped, *plan.removed]
    rows = [stage.id for stage in existing if stage.id is not None]
    standing = await hold(session, organization_id, held, rows) if held else []
    _refuse_lost(existing, plan, standing)
    await edits.change_stages(session, organization_id, [stage for stage in plan.stages if stage.id is not None])
    await edits.add_stages(session, organization_id, pipeline_id, [stage for stage in plan.stages if stage.id is None])
    if standing:
        await _move(session, actor, pipeline_id, plan, standing)
    await edits.remove_stages(session, organization_id, list(plan.removed))
    await edits.touch(session, organization_id, pipeline_id)


async def hold(session: Session, organization_id: int, held: Sequence[UUID], stages: Sequence[UUID]) -> list[Record]:
    """The cards of the stages `held`, which nobody moves in or out any more, nor into the others of `stages`.

    Raises PipelineBusyError when others do not stop moving cards there.
    """
    for _ in range(ATTEMPTS):
        try:
            async with session.savepoint():
                return await _hold_once(session, organization_id, held, stages)
        except (_StepBackError, asyncpg.LockNotAvailableError):
            await asyncio.sleep(PAUSE_SECONDS)
    raise PipelineBusyError


async def _hold_once(
    session: Session, organization_id: int, held: Sequence[UUID], stages: Sequence[UUID]
) -> list[Record]:
    locked = await edits.lock_cards(session, organization_id, held)
    await edits.lock_stages_now(session, organization_id, stages)
    standing = await edits.cards_in(session, organization_id, held)
    if not {card["id"] for card in standing} <= locked:  # they came in between
        raise _StepBackError
    return standing


def _refuse_lost(existing: Sequence[StageRow], plan: StagePlan, standing: Sequence[Record]) -> None:
    for stage in existing:
        if stage.id is not None and plan.removed.get(stage.id, stage.id) is None:
            count = sum(card["pipeline_stage_id"] == stage.id for card in standing)
            if count:
                raise StageNotEmptyError(stage.name, count)


async def _move(session: Session, actor: Actor, pipeline_id: UUID, plan: StagePlan, standing: Sequence[Record]) -> None:
    stages = {
        stage.id: Stage(stage.id, pipeline_id, stage.stage_type.value, stage.position)
        for stage in plan.stages
        if stage.id
    }
    ends: dict[UUID, int] = {}
    places: dict[UUID, Place] = {}
    for card in standing:
        target = plan.removed.get(card["pipeline_stage_id"])
        if target is None:
            places[card["id"]] = Place(stages[card["pipeline_stage_id"]])
            continue
        if target not in ends:
            ends[target] = await queries.last_position(session, actor.organization_id, target)
        ends[target] += STEP
        places[card["id"]] = Place(stages[target], ends[target])
    await cards.move_all(session, actor, changeset_of(session, actor), places, utc_now())


def _row(found: Record) -> StageRow:
    return StageRow(
        found["id"],
        found["public_id"],
        found["name"],
        OpportunityStatus(found["stage_type"]),
        found["probability"],
        found["position"],
    )
