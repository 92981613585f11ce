"""Scalars, written as REST writes the same values."""

from datetime import date, datetime
from typing import NewType

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from drippulse.kit.clock import isoformat

BigInt = NewType("BigInt", int)


def _parse(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _write(moment: datetime | str) -> str:
    """What a service has written already stays as it is."""
    return moment if isinstance(moment, str) else isoformat(moment)


def _write_date(day: date | str) -> str:
    return day if isinstance(day, str) else day.isoformat()


def _whole(value: object) -> int:
    """Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is not a whole number")
    return value


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment in UTC, ISO 8601 with milliseconds: 2026-01-31T09:30:00.000Z.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
        serialize=_write,
        parse_value=_parse,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A day, ISO 8601: 2026-01-31.",
        specified_by_url="https://scalars.graphql.org/andimarek/local-date",
        serialize=_write_date,
        parse_value=date.fromisoformat,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number that may need more than the 32 bits of Int.",
        serialize=_whole,
        parse_value=_whole,
    ),
}


def read_mapping(source: dict[str, object], name: str) -> object:
    """Every value behind a type is a mapping by the Python names of its fields."""
    return source[name]


CONFIG = StrawberryConfig(default_resolver=read_mapping, scalar_map=SCALARS)
