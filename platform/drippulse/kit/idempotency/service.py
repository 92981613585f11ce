"""Doing a write once per key.

`begin` and `keep` go into the transaction of the write itself; a write that must not hold a transaction (calls to
other systems, long computations, uploads) is claimed before and its answer kept after. Bodies are kept encrypted: some
answers hold a secret that is shown once.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

import orjson
import structlog

from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database, Role, Session
from drippulse.kit.idempotency import queries
from drippulse.kit.idempotency.errors import IdempotencyInFlightError, IdempotencyMismatchError
from drippulse.kit.idempotency.state import Answer, Scope

MOST_AT_ONCE = 5000
LEASE: Final = timedelta(seconds=60)
"""How long a claim counts whose process does not renew it any more."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that was given before, and the fingerprint of the request that it was given to."""

    answer: Answer
    fingerprint: bytes

    def must_match(self, fingerprint: bytes) -> None:
        """Raises IdempotencyMismatchError."""
        if self.fingerprint != fingerprint:
            raise IdempotencyMismatchError


class Answers:
    """Stored answers, in the caller's transactions."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def begin(self, session: Session, scope: Scope) -> Kept | None:
        """Take the key for this transaction: what it answered before, or None when the write is to be done.

        Raises:
            IdempotencyInFlightError: another request is at it.
        """
        if not await queries.try_lock(session, scope):
            raise IdempotencyInFlightError
        found = await queries.stored(session, scope)
        if found is None:
            return None
        if found["status"] is None:
            raise IdempotencyInFlightError
        body = self._vault.decrypt(bytes(found["body"]), scope.context)
        answer = Answer(found["status"], body, orjson.loads(found["headers"]))
        return Kept(answer, bytes(found["fingerprint"]))

    async def keep(self, session: Session, scope: Scope, fingerprint: bytes, answer: Answer) -> None:
        """Store the answer in the transaction that holds what it says."""
        body = self._vault.encrypt(answer.body, scope.context)
        await queries.store(session, scope, fingerprint, answer.status, body, dict(answer.headers))


@dataclass(frozen=True, slots=True)
class Claim:
    """A write under way that holds no transaction; nobody else begins it as long as its process renews the claim."""

    database: Database
    scope: Scope
    token: UUID
    lease: timedelta = LEASE

    @classmethod
    async def take(
        cls, database: Database, session: Session, scope: Scope, fingerprint: bytes, lease: timedelta = LEASE
    ) -> "Claim":
        """After `begin` found nothing; counts once the transaction commits."""
        claim = cls(database, scope, uuid4(), lease)
        await queries.claim(session, scope, fingerprint, claim.token, lease)
        return claim

    @asynccontextmanager
    async def held(self) -> AsyncGenerator[None]:
        """Renewed while the block runs; let go when it raises, so that the key may be tried again."""
        renewing = asyncio.create_task(self._renew())
        try:
            yield
        except BaseException:
            await asyncio.shield(self.let_go())
            raise
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing

    async def keep(self, answers: Answers, fingerprint: bytes, answer: Answer) -> None:
        """The answer in place of the claim, unless another request took the key over meanwhile."""
        async with self.database.tenant(self.scope.organization_id) as session:
            if await queries.release(session, self.scope, self.token):
                await answers.keep(session, self.scope, fingerprint, answer)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self.lease.total_seconds() / 3)
            try:
                async with self.database.tenant(self.scope.organization_id) as session:
                    await queries.extend(session, self.scope, self.token, self.lease)
            except Exception as error:  # noqa: BLE001 - tried again; without success the claim ends by itself
                log.warning("idempotency_claim_not_renewed", reason=repr(error))

    async def let_go(self) -> None:
        """For an answer that is not kept: the key may be tried again at once."""
        try:
            async with self.database.tenant(self.scope.organization_id) as session:
                await queries.release(session, self.scope, self.token)
        except Exception as error:  # noqa: BLE001 - the claim ends by itself; what went wrong first is what counts
            log.warning("idempotency_claim_not_released", reason=repr(error))


async def forget_old(database: Database) -> bool:
    """A chore: delete answers older than a day, in portions. Says that no enrollment is due."""
    while True:
        async with database.session(Role.ENGINE) as session:
            if await queries.forget_old(session, MOST_AT_ONCE) < MOST_AT_ONCE:
                return False
