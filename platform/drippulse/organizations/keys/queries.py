"""Reads and writes of API keys. Every statement names the organization; row-level security is the second net."""

from datetime import date, timedelta
from typing import Any

from drippulse.kit.db import Record, Session
from drippulse.kit.filters import Kind
from drippulse.kit.ids import is_id
from drippulse.kit.pagination import Sort
from drippulse.organizations.lists import Source

STATUS = """CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' WHEN k.expires_at <= now() THEN 'expired'
ELSE 'active' END"""
COLUMNS = f"""k.id, k.name, k.key_prefix, k.last_four, k.role, {STATUS} AS status, k.rate_limit, k.expires_at,
k.created_by, k.created_by_key, k.last_used_at, k.revoked_at, k.created_at, m.role AS maker_role"""
FROM = """FROM api_key k LEFT JOIN membership m
  ON m.organization_id = k.organization_id AND m.user_id = k.created_by AND m.status = 'active'
WHERE k.organization_id = $1"""

LIST = Source(
    name="api_keys",
    columns=COLUMNS,
    source=FROM,
    key="k.id",
    sorts={
        "created_at": "k.id",
        "name": Sort("lower(k.name)", Kind.TEXT),
        "last_used_at": Sort("k.last_used_at", Kind.TIMESTAMP),
        "expires_at": Sort("k.expires_at", Kind.TIMESTAMP),
    },
    filters={
        "status": f"({STATUS})",
        "role": "k.role",
        "created_at": "k.created_at",
        "expires_at": "k.expires_at",
        "last_used_at": "k.last_used_at",
    },
    searched="k.name",
)

INSERT = """INSERT INTO api_key (organization_id, id, name, key_hash, key_prefix, last_four, role, created_by,
  created_by_key, rate_limit, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now() + $11::interval)"""

REVOKE = """UPDATE api_key SET revoked_at = now()
WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING id"""

REVOKE_OF = """UPDATE api_key SET revoked_at = now()
WHERE organization_id = $1 AND created_by = $2 AND revoked_at IS NULL RETURNING id"""

USAGE = """SELECT u.day, u.key_id, k.name, u.requests FROM api_key_usage u
JOIN api_key k ON k.organization_id = u.organization_id AND k.id = u.key_id
WHERE u.organization_id = $1 AND u.day BETWEEN $2 AND $3 AND ($4::bigint IS NULL OR u.key_id = $4)
ORDER BY u.day DESC, u.key_id"""


async def next_id(session: Session) -> int:
    return int(await session.fetchval("SELECT nextval('api_key_id_seq')"))


async def insert(session: Session, organization_id: int, *values: Any, lasts: timedelta | None) -> None:
    """The columns of `INSERT` in their order."""
    await session.execute(INSERT, organization_id, *values, lasts)


async def by_id(session: Session, organization_id: int, key_id: int) -> Record | None:
    if not is_id(key_id):
        return None
    return await session.fetchrow(f"SELECT {COLUMNS} {FROM} AND k.id = $2", organization_id, key_id)


async def revoke(session: Session, organization_id: int, key_id: int) -> bool:
    """False when it was revoked before."""
    return await session.fetchval(REVOKE, organization_id, key_id) is not None


async def revoke_of(session: Session, organization_id: int, user_id: int) -> list[int]:
    """Revoke every key that this user made; their ids."""
    return [row["id"] for row in await session.fetch(REVOKE_OF, organization_id, user_id)]


async def usage(session: Session, organization_id: int, since: date, until: date, key_id: int | None) -> list[Record]:
    return await session.fetch(USAGE, organization_id, since, until, key_id)
