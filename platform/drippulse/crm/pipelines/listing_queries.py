"""Reading pipelines with their stages and what stands in them. Every statement names the organization."""

from collections.abc import Sequence
from uuid import UUID

from drippulse.crm.pipelines.queries import LIVE
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Record, Session

SORTS = {"created_at": "p.id"}
PIPELINES = """SELECT p.id, p.public_id, p.name, p.user_id, p.is_default, p.created_at, p.updated_at FROM pipeline p
  WHERE p.organization_id = $1 AND p.deleted_at IS NULL"""
VISIBLE = "(p.user_id IS NULL OR p.user_id = $2)"
# The default comes first, then the newest; the row comparison goes on behind the last one of the page before.
ORDER = "ORDER BY p.is_default DESC, p.id DESC"
AFTER = """AND (p.is_default, p.id) <
  ((SELECT q.is_default FROM pipeline q WHERE q.organization_id = $1 AND q.id = $3), $3::uuid)"""
# From the board's index alone: it has the amounts and the probabilities.
TOTALS = """SELECT o.pipeline_stage_id, o.currency, count(*) AS count, coalesce(sum(o.amount), 0) AS amount,
    coalesce(sum(o.amount * coalesce(o.probability, s.probability)), 0) / 100 AS weighted
  FROM opportunity o JOIN pipeline_stage s ON s.organization_id = o.organization_id AND s.id = o.pipeline_stage_id
  WHERE o.organization_id = $1 AND o.deleted_at IS NULL AND o.pipeline_stage_id = ANY ($2::uuid[])
  GROUP BY o.pipeline_stage_id, o.currency ORDER BY o.currency"""
STAGES = f"""SELECT id, public_id, pipeline_id, name, stage_type, probability, position FROM pipeline_stage
  WHERE {LIVE} AND pipeline_id = ANY ($2::uuid[]) ORDER BY position, id"""
CARDS = f"""SELECT {SPECS[RecordType.OPPORTUNITY].select}
  FROM unnest($2::uuid[]) AS stage (id) CROSS JOIN LATERAL (
    SELECT * FROM opportunity o WHERE o.organization_id = $1 AND o.deleted_at IS NULL
      AND o.pipeline_stage_id = stage.id ORDER BY o.stage_position, o.id LIMIT $3) r"""


async def visible(
    session: Session, organization_id: int, user_id: int | None, *, limit: int | None, offset: int, after: UUID | None
) -> list[Record]:
    """The organization's and this person's own: the default first, then the newest."""
    more, args = ("", [limit, offset]) if after is None else (AFTER, [after, limit, offset])
    end = f"LIMIT ${len(args) + 1} OFFSET ${len(args) + 2}"
    return await session.fetch(f"{PIPELINES} AND {VISIBLE} {more} {ORDER} {end}", organization_id, user_id, *args)


async def count_visible(session: Session, organization_id: int, user_id: int | None) -> int:
    sql = f"SELECT count(*) FROM pipeline p WHERE p.organization_id = $1 AND p.deleted_at IS NULL AND {VISIBLE}"
    return int(await session.fetchval(sql, organization_id, user_id))


async def one(session: Session, organization_id: int, ref: str) -> Record | None:
    """By UUID or public id."""
    return await session.fetchrow(f"{PIPELINES} AND (p.public_id = $2 OR p.id::text = lower($2))", organization_id, ref)


async def stages(session: Session, organization_id: int, pipelines: Sequence[UUID]) -> list[Record]:
    """Of these pipelines, in their order."""
    return await session.fetch(STAGES, organization_id, list(pipelines))


async def totals(session: Session, organization_id: int, stages: Sequence[UUID]) -> list[Record]:
    """Count, amount and weighted amount by stage and currency; stages without opportunities are absent."""
    return await session.fetch(TOTALS, organization_id, list(stages))


async def first_cards(session: Session, organization_id: int, stages: Sequence[UUID], limit: int) -> list[Record]:
    """The first opportunities of each stage, in their order within it."""
    return await session.fetch(CARDS, organization_id, list(stages), limit)


async def count_own(session: Session, organization_id: int, user_id: int) -> int:
    sql = f"SELECT count(*) FROM pipeline WHERE {LIVE} AND user_id = $2"
    return int(await session.fetchval(sql, organization_id, user_id))
