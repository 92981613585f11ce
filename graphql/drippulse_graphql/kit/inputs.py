"""What filters share."""

from datetime import datetime
from enum import Enum

import strawberry

from drippulse.kit.errors import ValidationError
from drippulse_graphql.kit.user_errors import camel_path

NUL = "\x00"


@strawberry.enum(description="Which way a list is ordered.")
class Direction(Enum):
    ASC = "asc"
    DESC = "desc"


@strawberry.input(description="Of a text; several members must all hold.")
class TextFilter:
    eq: str | None = None
    ne: str | None = None
    in_: list[str] | None = strawberry.field(default=None, name="in")
    contains: str | None = strawberry.field(default=None, description="In any case.")
    starts_with: str | None = strawberry.field(default=None, description="In any case.")
    is_null: bool | None = None


@strawberry.input(description="Of an id: a global one, or the one that REST uses.")
class IdFilter:
    eq: strawberry.ID | None = None
    in_: list[strawberry.ID] | None = strawberry.field(default=None, name="in")
    is_null: bool | None = None


@strawberry.input(description="Of a number; several members must all hold.")
class NumberFilter:
    eq: float | None = None
    gt: float | None = None
    gte: float | None = None
    lt: float | None = None
    lte: float | None = None
    is_null: bool | None = None


@strawberry.input(description="Of a moment; several members must all hold.")
class MomentFilter:
    eq: datetime | None = None
    gt: datetime | None = None
    gte: datetime | None = None
    lt: datetime | None = None
    lte: datetime | None = None
    is_null: bool | None = None


def text(name: str, value: str) -> str:
    """The member `name` of a filter as PostgreSQL can compare it.

    Raises ValidationError for U+0000, which it cannot hold.
    """
    if NUL in value:
        spelled = camel_path(name)
        sentence = f"{spelled} holds the character U+0000, which no stored text has."
        raise ValidationError(sentence, errors={f"filter.{spelled}": [sentence]})
    return value
