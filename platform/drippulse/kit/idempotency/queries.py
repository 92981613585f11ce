"""Reads and writes of stored answers. Every statement names the organization."""

from drippulse.kit.db import Record, Session
from drippulse.kit.idempotency.state import KEPT, Answer, Scope

PLACE = "organization_id = $1 AND method = $2 AND path = $3 AND key = $4"


async def try_lock(session: Session, scope: Scope) -> bool:
    """Whether no other transaction has this key in work; it is ours until this one ends."""
    return bool(await session.fetchval("SELECT pg_try_advisory_xact_lock($1)", scope.lock))


async def stored(session: Session, scope: Scope) -> Record | None:
    """fingerprint, status, body of an answer that still counts."""
    return await session.fetchrow(
        f"SELECT fingerprint, status, body FROM idempotency_key WHERE {PLACE} AND created_at > now() - $5::interval",
        scope.organization_id,
        scope.method,
        scope.path,
        scope.key,
        KEPT,
    )


async def store(session: Session, scope: Scope, fingerprint: bytes, answer: Answer) -> None:
    """In place of one that does not count any more."""
    place = (scope.organization_id, scope.method, scope.path, scope.key)
    await session.execute(f"DELETE FROM idempotency_key WHERE {PLACE}", *place)
    await session.execute(
        """INSERT INTO idempotency_key (organization_id, method, path, key, fingerprint, status, body)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        *place,
        fingerprint,
        answer.status,
        answer.body,
    )


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
