"""The deprecated input fields and enum values in what a request sends as variables."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, cast

import graphql
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
)

_core = cast("Any", graphql)  # its signatures leave types open

Watched: TypeAlias = tuple[tuple[str, Any], ...]
"""Variables whose types have deprecated members somewhere, with these types."""


def outdated_types(schema: GraphQLSchema) -> frozenset[str]:
    """The enums and inputs that have deprecated members, or hold such that have. Usually none."""
    types = schema.type_map.values()
    found = {one.name for one in types if isinstance(one, GraphQLEnumType) and _deprecated(one.values)}
    inputs = [one for one in types if isinstance(one, GraphQLInputObjectType)]
    found |= {one.name for one in inputs if _deprecated(one.fields)}
    while more := {one.name for one in inputs if one.name not in found and _held(one) & found}:
        found |= more
    return frozenset(found)


def watched_of(schema: GraphQLSchema, operation: OperationDefinitionNode, outdated: frozenset[str]) -> Watched:
    """What of an operation's variables is to be looked at in every request; with nothing outdated nothing at all."""
    if not outdated:
        return ()
    typed = (
        (one.variable.name.value, _core.type_from_ast(schema, one.type)) for one in operation.variable_definitions or ()
    )
    return tuple((name, one) for name, one in typed if one is not None and _name(one) in outdated)


def sent_in(watched: Watched, variables: Mapping[str, Any], outdated: frozenset[str]) -> set[str]:
    """Schema coordinates; what does not fit its type is passed over."""
    return {found for name, one in watched if name in variables for found in _in_value(one, variables[name], outdated)}


def _in_value(kind: Any, value: Any, outdated: frozenset[str]) -> Iterator[str]:
    if isinstance(kind, GraphQLNonNull):
        yield from _in_value(cast("Any", kind).of_type, value, outdated)
    elif isinstance(kind, GraphQLList):
        for one in cast("list[Any]", value) if isinstance(value, list) else [value]:
            yield from _in_value(cast("Any", kind).of_type, one, outdated)
    elif isinstance(kind, GraphQLEnumType):
        enum = cast("Any", kind)
        member = enum.values.get(value) if isinstance(value, str) else None
        if member is not None and member.deprecation_reason is not None:
            yield f"{enum.name}.{value}"
    elif isinstance(kind, GraphQLInputObjectType) and isinstance(value, dict):
        yield from _in_object(cast("Any", kind), cast("dict[str, Any]", value), outdated)


def _in_object(kind: Any, value: dict[str, Any], outdated: frozenset[str]) -> Iterator[str]:
    for name, inner in value.items():
        field = kind.fields.get(name)
        if field is None:
            continue
        if field.deprecation_reason is not None:
            yield f"{kind.name}.{name}"
        if _name(field.type) in outdated:
            yield from _in_value(field.type, inner, outdated)


def _name(kind: Any) -> str:
    return _core.get_named_type(kind).name


def _deprecated(members: Mapping[str, Any]) -> bool:
    return any(one.deprecation_reason is not None for one in members.values())


def _held(kind: GraphQLInputObjectType) -> set[str]:
    return {_name(field.type) for field in kind.fields.values()}
