"""Reads and writes of the event log. Every statement names the organization; row-level security is the second net."""

from datetime import datetime
from typing import Any

from drippulse.kit.db import Record, Session
from drippulse.kit.pagination import PageRequest

COLUMNS = """e.id, e.type, e.key, e.record_type, e.record_id, e.actor_type, e.actor_id, e.data, e.source_id,
coalesce(e.occurred_at, e.created_at) AS occurred_at, e.created_at"""

NEW_ID = "SELECT nextval('event_id_seq')"

# Two requests with one id: the second waits here until the first has committed.
CLAIM_SOURCE = """INSERT INTO event_source (organization_id, source_id, event_id) VALUES ($1, $2, $3)
ON CONFLICT (organization_id, source_id) DO NOTHING RETURNING event_id"""
BY_SOURCE = "SELECT event_id FROM event_source WHERE organization_id = $1 AND source_id = $2"

INSERT = f"""INSERT INTO event AS e (id, organization_id, type, record_type, record_id, actor_type, actor_id, data, key,
  other_key, source_id, occurred_at)
VALUES ($2, $1, $3, 'event', $2::bigint::text, $4, $5, $6, $7, $8, $9, $10) RETURNING {COLUMNS}"""

BY_ID = f"SELECT {COLUMNS} FROM event e WHERE e.organization_id = $1 AND e.id = $2"

KEYED_TYPES = """SELECT DISTINCT event_type FROM workflow_listener
WHERE organization_id = $1 AND event_type = ANY($2::text[]) AND kind <> 'trigger'"""


async def claim_source(session: Session, organization_id: int, source_id: str, event_id: int) -> int:
    """The id of the event that has this client's id: `event_id` when it is new."""
    claimed = await session.fetchval(CLAIM_SOURCE, organization_id, source_id, event_id)
    return int(claimed or await session.fetchval(BY_SOURCE, organization_id, source_id))


async def by_id(session: Session, organization_id: int, event_id: int) -> Record | None:
    return await session.fetchrow(BY_ID, organization_id, event_id)


async def keyed_types(session: Session, organization_id: int, types: list[str]) -> set[str]:
    """Of these types, those that somebody listens to for a certain contact."""
    return {row["event_type"] for row in await session.fetch(KEYED_TYPES, organization_id, types)}


async def page(
    session: Session, organization_id: int, request: PageRequest, filters: dict[str, Any], since: datetime | None
) -> list[Record]:
    where, args = _where(organization_id, filters, since)
    if request.before_id is not None:
        args.append(request.before_id)
        where += f" AND e.id < ${len(args)}"
    args += [request.fetch, request.offset]
    sql = f"SELECT {COLUMNS} FROM event e WHERE {where} ORDER BY e.id DESC LIMIT ${len(args) - 1} OFFSET ${len(args)}"
    return await session.fetch(sql, *args)


async def count(session: Session, organization_id: int, filters: dict[str, Any], since: datetime | None) -> int:
    where, args = _where(organization_id, filters, since)
    return int(await session.fetchval(f"SELECT count(*) FROM event e WHERE {where}", *args))


def _where(organization_id: int, filters: dict[str, Any], since: datetime | None) -> tuple[str, list[Any]]:
    args: list[Any] = [organization_id]
    where = "e.organization_id = $1"
    for name in ("type", "record_type", "record_id"):
        if filters.get(name) is not None:
            args.append(filters[name])
            where += f" AND e.{name} = ${len(args)}"
    if filters.get("key") is not None:
        args.append(filters["key"])
        where += f" AND (e.key = ${len(args)} OR e.other_key = ${len(args)})"
    if since is not None:
        args.append(since)
        where += f" AND e.created_at >= ${len(args)}"
    return where, args
