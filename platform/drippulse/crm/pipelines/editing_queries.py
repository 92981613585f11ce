"""Writes and locks of pipelines. Every statement names the organization.

Who moves a card holds the card and then a share of its new stage; who changes what a stage means for its cards holds
those cards and then the stage alone. Neither waits for the other with something in hand: the latter steps back.
"""

from collections.abc import Sequence
from uuid import UUID

from drippulse.crm.pipelines.queries import LIVE, STAGE
from drippulse.crm.pipelines.stage_plan import StageRow
from drippulse.kit.db import Record, Session
from drippulse.kit.public_ids import encode_id
from drippulse.kit.uuid7 import uuid7

IN_STAGES = "organization_id = $1 AND deleted_at IS NULL AND pipeline_stage_id = ANY ($2::uuid[])"
ADD_STAGES = """INSERT INTO pipeline_stage
    (id, organization_id, pipeline_id, public_id, name, stage_type, probability, position)
  SELECT s.id, $1, $2, s.public_id, s.name, s.stage_type, s.probability, s.position
  FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::int[], $8::int[])
    AS s (id, public_id, name, stage_type, probability, position)"""
CHANGE_STAGES = """UPDATE pipeline_stage t SET name = s.name, stage_type = s.stage_type, probability = s.probability,
    position = s.position, updated_at = now()
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::int[], $6::int[])
    AS s (id, name, stage_type, probability, position)
  WHERE t.organization_id = $1 AND t.id = s.id
    AND (t.name, t.stage_type, t.probability, t.position) IS DISTINCT FROM
      (s.name, s.stage_type, s.probability, s.position)"""


async def lock_pipeline(session: Session, organization_id: int, ref: str) -> Record | None:
    """Nobody else edits it until this transaction ends."""
    return await session.fetchrow(
        f"""SELECT id, name, user_id, is_default FROM pipeline WHERE {LIVE} AND (public_id = $2 OR id::text = lower($2))
            FOR NO KEY UPDATE""",
        organization_id,
        ref,
    )


async def lock_cards(session: Session, organization_id: int, stages: Sequence[UUID]) -> set[UUID]:
    """The cards of these stages, locked in the order of their ids."""
    sql = f"SELECT id FROM opportunity WHERE {IN_STAGES} ORDER BY id FOR UPDATE"
    return {row["id"] for row in await session.fetch(sql, organization_id, list(stages))}


async def lock_stages_now(session: Session, organization_id: int, stages: Sequence[UUID]) -> None:
    """Raises asyncpg.LockNotAvailableError when somebody is putting a card there."""
    await session.fetch(
        "SELECT id FROM pipeline_stage WHERE organization_id = $1 AND id = ANY ($2::uuid[]) "
        "ORDER BY id FOR NO KEY UPDATE NOWAIT",
        organization_id,
        list(stages),
    )


async def cards_in(session: Session, organization_id: int, stages: Sequence[UUID]) -> list[Record]:
    """Id and stage of each card, in their order."""
    return await session.fetch(
        f"""SELECT id, pipeline_stage_id FROM opportunity WHERE {IN_STAGES}
            ORDER BY pipeline_stage_id, stage_position, id""",
        organization_id,
        list(stages),
    )


async def rename(session: Session, organization_id: int, pipeline_id: UUID, name: str) -> None:
    await session.execute(
        "UPDATE pipeline SET name = $3, updated_at = now() WHERE organization_id = $1 AND id = $2",
        organization_id,
        pipeline_id,
        name,
    )


async def touch(session: Session, organization_id: int, pipeline_id: UUID) -> None:
    """Its stages changed."""
    sql = "UPDATE pipeline SET updated_at = now() WHERE organization_id = $1 AND id = $2"
    await session.execute(sql, organization_id, pipeline_id)


async def add_stages(session: Session, organization_id: int, pipeline_id: UUID, stages: Sequence[StageRow]) -> None:
    """Their public ids are made, unless they have one."""
    ids = [uuid7() for _ in stages]
    await session.execute(
        ADD_STAGES,
        organization_id,
        pipeline_id,
        ids,
        [stage.public_id or encode_id(STAGE, stage_id.int) for stage_id, stage in zip(ids, stages, strict=True)],
        [stage.name for stage in stages],
        [stage.stage_type.value for stage in stages],
        [stage.probability for stage in stages],
        [stage.position for stage in stages],
    )


async def change_stages(session: Session, organization_id: int, stages: Sequence[StageRow]) -> None:
    """Those of them that differ."""
    await session.execute(
        CHANGE_STAGES,
        organization_id,
        [stage.id for stage in stages],
        [stage.name for stage in stages],
        [stage.stage_type.value for stage in stages],
        [stage.probability for stage in stages],
        [stage.position for stage in stages],
    )


async def remove_stages(session: Session, organization_id: int, stages: Sequence[UUID]) -> None:
    await session.execute(
        "UPDATE pipeline_stage SET deleted_at = now(), updated_at = now() WHERE organization_id = $1 AND id = ANY ($2)",
        organization_id,
        list(stages),
    )


async def remove_pipeline(session: Session, organization_id: int, pipeline_id: UUID) -> None:
    """With its stages; whoever preferred it has the organization's again."""
    args = (organization_id, pipeline_id)
    gone = "SET deleted_at = now(), updated_at = now() WHERE organization_id = $1"
    await session.execute(f"UPDATE pipeline_stage {gone} AND pipeline_id = $2 AND deleted_at IS NULL", *args)
    await session.execute(f"UPDATE pipeline {gone} AND id = $2", *args)
    await session.execute("DELETE FROM pipeline_preference WHERE organization_id = $1 AND pipeline_id = $2", *args)


async def prefer(session: Session, organization_id: int, user_id: int, pipeline_id: UUID) -> None:
    await session.execute(
        """INSERT INTO pipeline_preference (organization_id, user_id, pipeline_id) VALUES ($1, $2, $3)
           ON CONFLICT (organization_id, user_id) DO UPDATE SET pipeline_id = EXCLUDED.pipeline_id""",
        organization_id,
        user_id,
        pipeline_id,
    )
