"""What every mutation does the same: a savepoint of its own, and errors that the caller can mend as `userErrors`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from drippulse.kit.db import Session
from drippulse.kit.errors import DomainError

MENDABLE = frozenset({400, 404, 409, 422})


@strawberry.type(description="What the caller can mend.")
class UserError:
    field: str | None = strawberry.field(description="Path of the input field; null when it is none in particular.")
    code: str
    message: str


class Attempt:
    """What became of a mutation's work: `errors` is empty when it was done."""

    def __init__(self) -> None:
        self.errors: list[dict[str, Any]] = []
        self.extra: dict[str, Any] = {}


@asynccontextmanager
async def attempt(session: Session) -> AsyncGenerator[Attempt]:
    """Runs the work; a mendable domain error undoes it and ends up in `errors`, every other error goes on."""
    made = Attempt()
    await session.execute("SAVEPOINT mutation")
    try:
        yield made
    except DomainError as error:
        if error.status not in MENDABLE:
            raise
        await session.execute("ROLLBACK TO SAVEPOINT mutation")
        made.errors = user_errors(error)
        made.extra = error.extra
    await session.execute("RELEASE SAVEPOINT mutation")


def user_errors(error: DomainError) -> list[dict[str, Any]]:
    fields = [(_camel(field), sentence) for field, sentences in error.errors.items() for sentence in sentences]
    if len(fields) > 1:
        return [{"field": field, "code": error.error_code, "message": sentence} for field, sentence in fields]
    field = fields[0][0] if fields else None
    return [{"field": field, "code": error.error_code, "message": error.message}]


def _camel(path: str) -> str:
    return ".".join(to_camel_case(part) for part in path.split("."))
