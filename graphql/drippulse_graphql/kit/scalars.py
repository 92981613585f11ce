"""Scalars, written as REST writes the same values."""

from datetime import UTC, date, datetime
from typing import NewType

import strawberry
from graphql import GraphQLError
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from drippulse.kit.clock import isoformat
from drippulse_graphql.kit.json_scalar import parse_json_literal

MAX_SAFE = 2**53
BigInt = NewType("BigInt", int)


def _moment(value: object) -> datetime:
    """In UTC. Raises GraphQLError."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
        if read is not None:
            return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except OverflowError:
        raise GraphQLError("A DateTime lies in the years 1 to 9999, in UTC.") from None
    except ValueError:
        pass
    raise GraphQLError('A DateTime is a text such as "2026-01-31T09:30:00Z".')


def _day(value: object) -> date:
    """Raises GraphQLError."""
    try:
        if isinstance(value, str):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise GraphQLError('A Date is a text such as "2026-01-31".')


def _write(moment: datetime | str) -> str:
    """What a service has written already stays as it is."""
    return moment if isinstance(moment, str) else isoformat(moment)


def _write_date(day: date | str) -> str:
    return day if isinstance(day, str) else day.isoformat()


def _whole(value: object) -> int:
    """Raises GraphQLError."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= MAX_SAFE:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise GraphQLError("A BigInt is a whole number.")
    return value


def _same(value: object) -> object:
    return value


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description=(
            "A moment in UTC, ISO 8601 with milliseconds: 2026-01-31T09:30:00.000Z. "
            "Given without an offset it is one in UTC."
        ),
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
        serialize=_write,
        parse_value=_moment,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A day, ISO 8601: 2026-01-31.",
        specified_by_url="https://scalars.graphql.org/andimarek/local-date",
        serialize=_write_date,
        parse_value=_day,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number that may need more than the 32 bits of Int.",
        serialize=_whole,
        parse_value=_whole,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value. In a literal, a member whose variable is left out is left out.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=_same,
        parse_value=_same,
        parse_literal=parse_json_literal,
    ),
}


def read_mapping(source: dict[str, object], name: str) -> object:
    """Every value behind a type is a mapping by the Python names of its fields."""
    return source[name]


CONFIG = StrawberryConfig(default_resolver=read_mapping, scalar_map=SCALARS)
