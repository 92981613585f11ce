"""Reads and writes of connections. Every statement names the organization; row-level security is the second net."""

from typing import Any

from drippulse.integrations.tables import ConnectionStatus
from drippulse.kit.db import Record, Session
from drippulse.kit.filters import where
from drippulse.kit.ids import is_id
from drippulse.kit.pagination import ListRequest, order_by
from drippulse.workflows.queries import like

COLUMNS = "c.id, c.provider, c.connection_key, c.status, c.note, c.secret_names, c.created_at, c.updated_at"
ROW = f"SELECT {COLUMNS}, c.secrets FROM integration_connection c WHERE c.organization_id = $1"

SORTS = {
    "created_at": "c.id",
    "updated_at": "c.updated_at",
    "provider": "c.provider",
    "connection_key": "c.connection_key",
    "status": "c.status",
}
FILTERED = {
    "provider": "c.provider",
    "connection_key": "c.connection_key",
    "status": "c.status",
    "created_at": "c.created_at",
    "updated_at": "c.updated_at",
}
"""The columns that a list may be filtered by."""

# Only the credentials that were refused are parked: whoever stored new ones meanwhile is not undone.
PARK = """WITH parked AS (
  UPDATE integration_connection SET status = 'needs_reauth', updated_at = now()
  WHERE organization_id = $1 AND id = $2 AND secrets = $3 AND status = 'active'
  RETURNING id, provider, connection_key)
INSERT INTO event (organization_id, type, record_type, record_id, actor_type, data)
SELECT $1, 'connection.needs_reauth', 'integration_connection', id::text, 'system',
  jsonb_build_object('provider', provider, 'connection_key', connection_key) FROM parked"""

REVIVE = """UPDATE integration_connection SET status = 'active', updated_at = now()
WHERE organization_id = $1 AND id = $2 AND secrets = $3 AND status = 'needs_reauth'"""


async def by_id(session: Session, organization_id: int, connection_id: int, *, lock: bool = False) -> Record | None:
    """One row with its ciphertext; with `lock` nobody else changes it until this transaction ends."""
    if not is_id(connection_id):
        return None
    return await session.fetchrow(f"{ROW} AND c.id = $2{' FOR UPDATE' if lock else ''}", organization_id, connection_id)


async def by_key(session: Session, organization_id: int, provider: str, connection_key: str) -> Record | None:
    return await session.fetchrow(
        f"{ROW} AND c.provider = $2 AND c.connection_key = $3", organization_id, provider, connection_key
    )


async def page(session: Session, organization_id: int, wanted: ListRequest) -> list[Record]:
    conditions, args = _conditions(organization_id, wanted)
    request = wanted.page
    if request.before_id is not None:
        args.append(request.before_id)
        conditions += f" AND c.id < ${len(args)}"
    args += [request.fetch, request.offset]
    return await session.fetch(
        f"SELECT {COLUMNS} FROM integration_connection c WHERE c.organization_id = $1{conditions} "
        f"ORDER BY {order_by(request.sort, SORTS, 'c.id')} LIMIT ${len(args) - 1} OFFSET ${len(args)}",
        *args,
    )


async def count(session: Session, organization_id: int, wanted: ListRequest) -> int:
    conditions, args = _conditions(organization_id, wanted)
    found = await session.fetchval(
        f"SELECT count(*) FROM integration_connection c WHERE c.organization_id = $1{conditions}",
        *args,
    )
    return int(found)


def _conditions(organization_id: int, wanted: ListRequest) -> tuple[str, list[Any]]:
    args: list[Any] = [organization_id]
    conditions = where(wanted.filters, FILTERED, args)
    if wanted.q:
        args.append(like(wanted.q))
        place = f"ILIKE ${len(args)}"
        conditions += f" AND (c.provider {place} OR c.connection_key {place} OR c.note {place})"
    return conditions, args


async def next_id(session: Session) -> int:
    """The id of a row that is about to be made: its ciphertext is bound to it."""
    return int(await session.fetchval("SELECT nextval('integration_connection_id_seq')"))


async def insert(
    session: Session,
    organization_id: int,
    connection_id: int,
    *,
    provider: str,
    connection_key: str,
    status: ConnectionStatus,
    note: str,
    secrets: bytes,
    secret_names: list[str],
) -> bool:
    """False when the provider has a connection with this key already."""
    made = await session.fetchval(
        """INSERT INTO integration_connection
             (id, organization_id, provider, connection_key, status, note, secrets, secret_names)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
           ON CONFLICT (organization_id, provider, connection_key) DO NOTHING RETURNING id""",
        connection_id,
        organization_id,
        provider,
        connection_key,
        status.value,
        note,
        secrets,
        secret_names,
    )
    return made is not None


async def update(
    session: Session,
    organization_id: int,
    connection_id: int,
    *,
    connection_key: str,
    status: ConnectionStatus,
    note: str,
    secrets: bytes,
    secret_names: list[str],
) -> None:
    """Raises asyncpg.UniqueViolationError when another connection of the provider has this key."""
    await session.execute(
        """UPDATE integration_connection SET connection_key = $3, status = $4, note = $5, secrets = $6,
           secret_names = $7, updated_at = now() WHERE organization_id = $1 AND id = $2""",
        organization_id,
        connection_id,
        connection_key,
        status.value,
        note,
        secrets,
        secret_names,
    )


async def delete(session: Session, organization_id: int, connection_id: int) -> bool:
    """The row with its ciphertext is gone; False when there was none."""
    if not is_id(connection_id):
        return False
    gone = await session.fetchval(
        "DELETE FROM integration_connection WHERE organization_id = $1 AND id = $2 RETURNING id",
        organization_id,
        connection_id,
    )
    return gone is not None


async def park(session: Session, organization_id: int, connection_id: int, secrets: bytes) -> None:
    """The provider refused these very credentials: active becomes needs_reauth, with its event."""
    session.news.add(organization_id)
    await session.execute(PARK, organization_id, connection_id, secrets)


async def revive(session: Session, organization_id: int, connection_id: int, secrets: bytes) -> None:
    """The provider accepts these very credentials: needs_reauth becomes active."""
    await session.execute(REVIVE, organization_id, connection_id, secrets)
