"""Doing a write once per key."""

from collections.abc import Awaitable, Callable

from drippulse.kit.db import Database, Role, Session
from drippulse.kit.idempotency import queries
from drippulse.kit.idempotency.errors import IdempotencyInFlightError, IdempotencyMismatchError
from drippulse.kit.idempotency.state import Answer, Scope

MOST_AT_ONCE = 5000


async def once(
    session: Session, scope: Scope, fingerprint: bytes, work: Callable[[], Awaitable[Answer]]
) -> tuple[Answer, bool]:
    """The answer, and whether it is one of an earlier request.

    `work` runs in the transaction that keeps its answer; what it raises undoes both, so that an error is never stored
    and the same key may be tried again. A process that dies leaves nothing behind.

    Raises:
        IdempotencyInFlightError: another transaction is at it.
        IdempotencyMismatchError: the key was used with another body.
    """
    if not await queries.try_lock(session, scope):
        raise IdempotencyInFlightError
    found = await queries.stored(session, scope)
    if found is not None:
        if bytes(found["fingerprint"]) != fingerprint:
            raise IdempotencyMismatchError
        return Answer(found["status"], bytes(found["body"])), True
    answer = await work()
    await queries.store(session, scope, fingerprint, answer)
    return answer, False


async def forget_old(database: Database) -> bool:
    """A chore: delete answers older than a day, in portions. Says that no enrollment is due."""
    while True:
        async with database.session(Role.ENGINE) as session:
            if await queries.forget_old(session, MOST_AT_ONCE) < MOST_AT_ONCE:
                return False
