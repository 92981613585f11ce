"""Scalars, written as REST writes the same values."""

from datetime import datetime

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from drippulse.kit.clock import isoformat


def _parse(text: str) -> datetime:
    return datetime.fromisoformat(text)


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment in UTC, ISO 8601 with milliseconds: 2026-01-31T09:30:00.000Z.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
        serialize=isoformat,
        parse_value=_parse,
    )
}


def read_mapping(source: dict[str, object], name: str) -> object:
    """Every value behind a type is a mapping by the Python names of its fields."""
    return source[name]


CONFIG = StrawberryConfig(default_resolver=read_mapping, scalar_map=SCALARS)
