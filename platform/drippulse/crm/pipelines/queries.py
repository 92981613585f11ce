"""Reads and writes of pipelines and their stages. Every statement names the organization."""

from collections.abc import Sequence
from uuid import UUID

from drippulse.crm.pipelines.state import DEFAULT_NAME, DEFAULT_STAGES
from drippulse.crm.tables import OpportunityStatus
from drippulse.kit.db import Record, Session
from drippulse.kit.public_ids import encode_id
from drippulse.kit.uuid7 import uuid7

PIPELINE, STAGE = "pipe", "stage"
LIVE = "organization_id = $1 AND deleted_at IS NULL"
STAGES = "SELECT id, public_id, pipeline_id, name, stage_type, probability, position FROM pipeline_stage"


async def default_pipeline(session: Session, organization_id: int, user_id: int | None) -> UUID | None:
    """The user's choice, else the organization's; None before there is any."""
    sql = f"""SELECT coalesce(
      (SELECT p.id FROM pipeline_preference f JOIN pipeline p USING (organization_id)
        WHERE f.organization_id = $1 AND f.user_id = $2 AND p.id = f.pipeline_id AND p.deleted_at IS NULL),
      (SELECT id FROM pipeline WHERE {LIVE} AND is_default))"""
    return await session.fetchval(sql, organization_id, user_id)


async def create_pipeline(
    session: Session,
    organization_id: int,
    name: str,
    stages: Sequence[tuple[str, OpportunityStatus, int]],
    *,
    user_id: int | None = None,
    is_default: bool = False,
) -> UUID | None:
    """None when a default one exists already."""
    pipeline_id = uuid7()
    made = await session.fetchval(
        """INSERT INTO pipeline (id, organization_id, public_id, name, user_id, is_default)
           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING id""",
        pipeline_id,
        organization_id,
        encode_id(PIPELINE, pipeline_id.int),
        name,
        user_id,
        is_default,
    )
    if made is None:
        return None
    ids = [uuid7() for _ in stages]
    await session.execute(
        """INSERT INTO pipeline_stage
             (id, organization_id, pipeline_id, public_id, name, stage_type, probability, position)
           SELECT s.id, $1, $2, s.public_id, s.name, s.stage_type, s.probability, s.position
           FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::int[]) WITH ORDINALITY
             AS s (id, public_id, name, stage_type, probability, position)""",
        organization_id,
        pipeline_id,
        ids,
        [encode_id(STAGE, stage_id.int) for stage_id in ids],
        [name for name, _, _ in stages],
        [stage_type.value for _, stage_type, _ in stages],
        [probability for _, _, probability in stages],
    )
    return pipeline_id


async def create_default(session: Session, organization_id: int) -> UUID | None:
    return await create_pipeline(session, organization_id, DEFAULT_NAME, DEFAULT_STAGES, is_default=True)


async def find_pipeline(session: Session, organization_id: int, ref: str) -> UUID | None:
    """By UUID or public id."""
    return await session.fetchval(
        f"SELECT id FROM pipeline WHERE {LIVE} AND (public_id = $2 OR id::text = lower($2))", organization_id, ref
    )


async def find_stage(session: Session, organization_id: int, ref: str) -> Record | None:
    """By UUID or public id."""
    return await session.fetchrow(
        f"{STAGES} WHERE {LIVE} AND (public_id = $2 OR id::text = lower($2))", organization_id, ref
    )


async def keep_stage(session: Session, organization_id: int, stage_id: UUID) -> Record | None:
    """The stage, which nobody deletes or retypes before this transaction ends."""
    return await session.fetchrow(f"{STAGES} WHERE {LIVE} AND id = $2 FOR SHARE", organization_id, stage_id)


async def stages_of(session: Session, organization_id: int, pipeline_id: UUID) -> list[Record]:
    """In their order."""
    sql = f"{STAGES} WHERE {LIVE} AND pipeline_id = $2 ORDER BY position, id"
    return await session.fetch(sql, organization_id, pipeline_id)


async def last_position(session: Session, organization_id: int, stage_id: UUID) -> int:
    """The greatest position in a stage, 0 in an empty one."""
    return int(
        await session.fetchval(
            f"SELECT coalesce(max(stage_position), 0) FROM opportunity WHERE {LIVE} AND pipeline_stage_id = $2",
            organization_id,
            stage_id,
        )
    )
