"""Reads and writes of tags. Every statement names the organization."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from drippulse.crm.tables import RecordType
from drippulse.kit.db import Record, Session
from drippulse.kit.filters import Kind
from drippulse.kit.pagination import Sort
from drippulse.organizations.lists import Source

TAGS = """FROM (
  SELECT md5(c.tag)::uuid AS id, c.tag AS name, sum(c.records)::bigint AS record_count,
    jsonb_object_agg(c.record_type, c.records) AS counts
  FROM (
    SELECT y.tag, y.record_type, sum(y.delta)::bigint AS records FROM tag_tally y WHERE y.organization_id = $1
    GROUP BY y.tag, y.record_type HAVING sum(y.delta) > 0) AS c
  GROUP BY c.tag) AS t
LEFT JOIN tag_change g ON g.organization_id = $1 AND g.name = t.name WHERE true"""
LIST = Source(
    name="tags",
    columns="t.id, t.name, t.record_count, t.counts, g.changeset_id, g.new_name, g.updated",
    source=TAGS,
    key="t.id",
    sorts={"name": Sort("t.name", Kind.TEXT), "record_count": Sort("t.record_count", Kind.INTEGER)},
    filters={},
    searched="t.name",
)
TAG_CHANGES_WAIT = "EXISTS (SELECT FROM tag_change)"
FOLDED_AT = 1_000
EXTENT = """SELECT count(*) - count(DISTINCT (record_type, tag)) AS spare FROM tag_tally WHERE organization_id = $1"""
FOLD = """WITH folded AS (DELETE FROM tag_tally WHERE organization_id = $1 RETURNING record_type, tag, delta)
INSERT INTO tag_tally (organization_id, record_type, tag, delta)
SELECT $1, record_type, tag, sum(delta) FROM folded GROUP BY record_type, tag HAVING sum(delta) <> 0"""


async def fold(session: Session, organization_id: int) -> None:
    """Add the tally up where it has many parts; nobody waits for somebody else who does."""
    spare = int(await session.fetchval(EXTENT, organization_id))
    lock = "SELECT pg_try_advisory_xact_lock(hashtextextended('tag_tally', $1))"
    if spare > FOLDED_AT and await session.fetchval(lock, organization_id):
        await session.execute(FOLD, organization_id)


async def exists(session: Session, organization_id: int, name: str) -> bool:
    sql = "SELECT coalesce(sum(delta), 0) > 0 FROM tag_tally WHERE organization_id = $1 AND tag = $2"
    return bool(await session.fetchval(sql, organization_id, name))


async def ids_with(session: Session, kind: RecordType, name: str, most: int) -> list[UUID]:
    """Live records of the session's organization that have the tag, newest first."""
    rows = await session.fetch(f"SELECT id FROM find_{kind.value}_tagged($1::text[], $2) AS id", [name], most)
    return [row["id"] for row in rows]


async def alone(session: Session, organization_id: int) -> None:
    """Nobody else begins a change of the organization's tags before this transaction ends."""
    await session.execute("SELECT pg_advisory_xact_lock(hashtextextended('tag_change', $1))", organization_id)


async def busy(session: Session, organization_id: int, names: Sequence[str]) -> str | None:
    """One of the names that a change under way is about."""
    return await session.fetchval(
        """SELECT CASE WHEN name = ANY ($2::text[]) THEN name ELSE new_name END FROM tag_change
           WHERE organization_id = $1 AND (name = ANY ($2::text[]) OR new_name = ANY ($2::text[])) LIMIT 1""",
        organization_id,
        list(names),
    )


async def begin(session: Session, organization_id: int, changeset_id: int, *values: Any) -> None:
    """`values`: name, new_name, actor_type, actor_id."""
    await session.execute(
        """INSERT INTO tag_change (organization_id, changeset_id, name, new_name, actor_type, actor_id)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        organization_id,
        changeset_id,
        *values,
    )


async def waiting(session: Session) -> int | None:
    """The organization of the oldest change under way; the engine's role."""
    return await session.fetchval("SELECT organization_id FROM tag_change ORDER BY created_at LIMIT 1")


async def claim(session: Session, organization_id: int) -> Record | None:
    """The organization's oldest change that nobody works on."""
    return await session.fetchrow(
        """SELECT changeset_id, name, new_name, actor_type, actor_id FROM tag_change WHERE organization_id = $1
           ORDER BY changeset_id LIMIT 1 FOR UPDATE SKIP LOCKED""",
        organization_id,
    )


async def advance(session: Session, organization_id: int, changeset_id: int, updated: int) -> None:
    sql = "UPDATE tag_change SET updated = updated + $3 WHERE organization_id = $1 AND changeset_id = $2"
    await session.execute(sql, organization_id, changeset_id, updated)


async def finish(session: Session, organization_id: int, changeset_id: int) -> None:
    sql = "DELETE FROM tag_change WHERE organization_id = $1 AND changeset_id = $2"
    await session.execute(sql, organization_id, changeset_id)
