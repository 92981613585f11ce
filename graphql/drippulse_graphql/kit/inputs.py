"""Checks that filters share."""

from enum import Enum

import strawberry

from drippulse.kit.errors import ValidationError

NUL = "\x00"


@strawberry.enum(description="Which way a list is ordered.")
class Direction(Enum):
    ASC = "asc"
    DESC = "desc"


def text(name: str, value: str) -> str:
    """`value` as PostgreSQL can compare it. Raises ValidationError for U+0000, which it cannot hold."""
    if NUL in value:
        sentence = f"{name} holds the character U+0000, which no stored text has."
        raise ValidationError(sentence, errors={name: [sentence]})
    return value
