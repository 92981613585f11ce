"""Errors that the caller of a mutation can mend, as `userErrors`."""

from collections.abc import Callable
from typing import Any, Final

import strawberry
from strawberry.scalars import JSON
from strawberry.utils.str_converters import to_camel_case

from drippulse.kit.errors import DomainError
from drippulse.kit.validation import WholeInputError

MENDABLE: Final = frozenset({400, 404, 409, 410, 413, 422})


@strawberry.type(description="What the caller can mend.")
class UserError:
    field: str | None = strawberry.field(description="Path of the input field; null when it is none in particular.")
    code: str
    message: str
    details: JSON | None = strawberry.field(description="What REST answers beside code and message; null for nothing.")


def camel_path(path: str) -> str:
    """`steps.2.config.due_at` -> `steps.2.config.dueAt`."""
    return ".".join(to_camel_case(part) for part in path.split("."))


def user_errors(error: DomainError, spell: Callable[[str], str] = camel_path) -> list[dict[str, Any]]:
    """One for each sentence about a field, or about the input as a whole.

    Args:
        spell: turns the path of a field into what the caller calls it.
    """
    whole = isinstance(error, WholeInputError)
    told = [(path, sentence) for path, sentences in error.errors.items() for sentence in sentences]
    if whole or len(told) > 1:
        return [_user_error(error, None if whole else spell(path), sentence) for path, sentence in told]
    if not told:
        return [_user_error(error, None, error.message)]
    path, field = told[0][0], spell(told[0][0])
    beginning = f"{path}: "
    named = error.message.startswith(beginning)
    return [_user_error(error, field, f"{field}: {error.message.removeprefix(beginning)}" if named else error.message)]


def _user_error(error: DomainError, field: str | None, message: str) -> dict[str, Any]:
    return {"field": field, "code": error.error_code, "message": message, "details": error.extra or None}
