"""Reads and writes of stored answers. Every statement names the organization."""

from datetime import timedelta
from uuid import UUID

from drippulse.kit.db import Record, Session
from drippulse.kit.idempotency.state import KEPT, Scope
from drippulse.kit.json import dump_json

PLACE = "organization_id = $1 AND method = $2 AND path = $3 AND key = $4"


async def try_lock(session: Session, scope: Scope) -> bool:
    """Whether no other transaction has this key in work; it is ours until this one ends."""
    return bool(await session.fetchval("SELECT pg_try_advisory_xact_lock($1)", scope.lock))


async def stored(session: Session, scope: Scope) -> Record | None:
    """fingerprint, status, body, headers of an answer that still counts; status null: a request is under way."""
    return await session.fetchrow(
        f"""SELECT fingerprint, status, body, headers FROM idempotency_key
            WHERE {PLACE} AND created_at > now() - $5::interval AND (status IS NOT NULL OR claimed_until > now())""",
        *scope.place,
        KEPT,
    )


async def store(
    session: Session, scope: Scope, fingerprint: bytes, status: int, body: bytes, headers: dict[str, str]
) -> None:
    """In place of one that does not count any more."""
    await session.execute(f"DELETE FROM idempotency_key WHERE {PLACE}", *scope.place)
    await session.execute(
        """INSERT INTO idempotency_key (organization_id, method, path, key, fingerprint, status, body, headers)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        *scope.place,
        fingerprint,
        status,
        body,
        dump_json(headers),
    )


async def claim(session: Session, scope: Scope, fingerprint: bytes, token: UUID, lease: timedelta) -> None:
    """Say that a request is under way, in place of what does not count any more."""
    await session.execute(f"DELETE FROM idempotency_key WHERE {PLACE}", *scope.place)
    await session.execute(
        """INSERT INTO idempotency_key (organization_id, method, path, key, fingerprint, claim, claimed_until)
           VALUES ($1, $2, $3, $4, $5, $6, now() + $7::interval)""",
        *scope.place,
        fingerprint,
        token,
        lease,
    )


async def extend(session: Session, scope: Scope, token: UUID, lease: timedelta) -> None:
    await session.execute(
        f"UPDATE idempotency_key SET claimed_until = now() + $6::interval WHERE {PLACE} AND claim = $5",
        *scope.place,
        token,
        lease,
    )


async def release(session: Session, scope: Scope, token: UUID) -> bool:
    """Take a claim back; False when somebody else has it by now."""
    sql = f"DELETE FROM idempotency_key WHERE {PLACE} AND claim = $5 RETURNING true"
    return bool(await session.fetchval(sql, *scope.place, token))


async def forget_old(session: Session, most: int) -> int:
    """Delete up to `most` answers that do not count any more; how many there were.

    Without FOR UPDATE, which needs a right to update that nobody has: rows never change, and two sweeps at once take
    them in the same order.
    """
    rows = await session.fetch(
        """DELETE FROM idempotency_key WHERE ctid = ANY (ARRAY (
             SELECT ctid FROM idempotency_key WHERE created_at < now() - $1::interval LIMIT $2))
           RETURNING 1""",
        KEPT,
        most,
    )
    return len(rows)
