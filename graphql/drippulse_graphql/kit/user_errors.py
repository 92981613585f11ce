"""Errors that the caller of a mutation can mend, as `userErrors`."""

from collections.abc import Callable
from typing import Any, Final

import strawberry
from strawberry.scalars import JSON
from strawberry.utils.str_converters import to_camel_case

from drippulse.kit.errors import DomainError

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
    """One for each sentence about a field.

    Args:
        spell: turns the path of a field into what the caller calls it.
    """
    fields = [(spell(field), sentence) for field, sentences in error.errors.items() for sentence in sentences]
    details = error.extra or None
    if len(fields) > 1:
        return [
            {"field": field, "code": error.error_code, "message": sentence, "details": details}
            for field, sentence in fields
        ]
    field = fields[0][0] if fields else None
    return [{"field": field, "code": error.error_code, "message": error.message, "details": details}]
