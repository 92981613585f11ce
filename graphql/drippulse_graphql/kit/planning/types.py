"""graphql-core's output types, without the type arguments that they leave open."""

from typing import Any, TypeAlias, cast

import graphql
from graphql import GraphQLField

OutputType: TypeAlias = Any
_core = cast("Any", graphql)


def type_of(field: GraphQLField) -> OutputType:
    return cast("Any", field).type


def named(of: OutputType) -> OutputType:
    """Without lists and marks of what may not be null."""
    return _core.get_named_type(of)


def is_required(of: OutputType) -> bool:
    return bool(_core.is_non_null_type(of))


def optional(of: OutputType) -> OutputType:
    """Without the mark of what may not be null."""
    return _core.get_nullable_type(of)
