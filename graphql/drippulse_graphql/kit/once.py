"""The `idempotencyKey` of mutations: REST's table, service and rules.

A key counts for one mutation in one organization, for 24 hours. What is kept is what the work answered, so that a
second call may select other fields of it. Errors are not kept: the key may be tried again."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

import orjson

from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database, Session
from drippulse.kit.idempotency.service import Answers, Claim, Kept
from drippulse.kit.idempotency.state import Answer, Scope, fingerprint
from drippulse.organizations.policy import Principal

METHOD: Final = "MUTATION"
Work: TypeAlias = Callable[[], Awaitable[Any]]


def scope_of(principal: Principal, mutation: str, key: str) -> Scope:
    """Where a key counts. No path of REST is spelled like a mutation."""
    return Scope(principal.organization_id, METHOD, mutation, key)


async def once_together(session: Session, vault: Vault, scope: Scope, said: Any, work: Work) -> Any:
    """Do it in this transaction, or answer what it answered before.

    Args:
        said: the input without its key.

    Raises:
        IdempotencyMismatchError: the key came with another input.
        IdempotencyInFlightError: another request is at it.
    """
    answers, print_ = Answers(vault), fingerprint(said)
    kept = await answers.begin(session, scope)
    if kept is not None:
        return _replayed(kept, print_)
    made = await work()
    await answers.keep(session, scope, print_, _answer(made))
    return made


async def once_apart(database: Database, vault: Vault, scope: Scope, said: Any, work: Work) -> Any:
    """The same for work that has transactions of its own: the key is claimed before, the answer kept after."""
    answers, print_ = Answers(vault), fingerprint(said)
    async with database.tenant(scope.organization_id) as session:
        found = await answers.begin(session, scope) or await Claim.take(database, session, scope, print_)
    if isinstance(found, Kept):
        return _replayed(found, print_)
    async with found.held():
        made = await work()
    await found.keep(answers, print_, _answer(made))
    return made


def _answer(made: Any) -> Answer:
    return Answer(200, orjson.dumps(made))


def _replayed(kept: Kept, print_: bytes) -> Any:
    kept.must_match(print_)
    return orjson.loads(kept.answer.body)
