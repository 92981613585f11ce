"""Running one mutation: once for its key, undone as a whole when it is refused, its mendable errors as `userErrors`."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

import orjson

from drippulse.kit.db import Session
from drippulse.kit.errors import DomainError
from drippulse.kit.idempotency.state import read_key
from drippulse_graphql.kit.context import Context
from drippulse_graphql.kit.declared import Asking
from drippulse_graphql.kit.once import once_apart, once_together, scope_of
from drippulse_graphql.kit.user_errors import MENDABLE, camel_path, user_errors

B = TypeVar("B")
Work: TypeAlias = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Call(Asking, Generic[B]):
    """What the work of a mutation gets: who asks, with what, and of which object (`id`, as REST has it)."""

    context: Context
    body: B
    id: Any = None

    def transaction(self) -> AbstractAsyncContextManager[Session]:
        """A transaction of its own, for mutations that run apart."""
        return self.services.database.tenant(self.principal.organization_id)

    def wake(self) -> None:
        """Have the workers look for what is due once this is committed."""
        self.session.after_commit(self.services.waker.wake)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which mutation, with which input (JSON, without its key) and key; `spell` names its fields to the caller."""

    mutation: str
    said: Any
    key: str | None
    spell: Callable[[str], str] = camel_path


@dataclass(slots=True)
class Outcome:
    """`value` is JSON, as REST would answer it; None when there are errors. `extra` is what the error says beyond."""

    value: Any = None
    errors: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    extra: dict[str, Any] = field(default_factory=dict[str, Any])


async def run(context: Context, asked: Asked, work: Work, *, apart: bool = False) -> Outcome:
    """Do the work; a mendable error undoes it and is answered, every other error goes on."""
    context.forget()
    try:
        return Outcome(await (_apart if apart else _together)(context, asked, work))
    except DomainError as error:
        return mended(error, asked.spell)


def mended(error: DomainError, spell: Callable[[str], str]) -> Outcome:
    """What the caller can mend about it; raises it when that is nothing."""
    if error.status not in MENDABLE:
        raise error
    return Outcome(errors=user_errors(error, spell), extra=error.extra)


async def _together(context: Context, asked: Asked, work: Work) -> Any:
    key = read_key(asked.key)
    async with context.session.savepoint():
        if key is None:
            return _json(await work())
        scope = scope_of(context.principal, asked.mutation, key)
        return await once_together(context.session, context.services.vault, scope, asked.said, _jsonly(work))


async def _apart(context: Context, asked: Asked, work: Work) -> Any:
    key = read_key(asked.key)
    if key is None:
        return _json(await work())
    services, scope = context.services, scope_of(context.principal, asked.mutation, key)
    return await once_apart(services.database, services.vault, scope, asked.said, _jsonly(work))


def _jsonly(work: Work) -> Work:
    async def made() -> Any:
        return _json(await work())

    return made


def _json(value: Any) -> Any:
    """As REST writes it."""
    return value if value is None else orjson.loads(orjson.dumps(value))
