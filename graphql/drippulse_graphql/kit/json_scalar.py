"""JSON in a document: what a literal says, variables put in, as the body of a request would have said it."""

import math
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any, cast

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    Undefined,
    ValueNode,
    VariableNode,
)

from drippulse.kit.clock import isoformat

WIDEST = range(-(2**63), 2**64)
"""Whole numbers beyond are told as JSON parsers tell them, as doubles."""


def parse_json_literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> Any:
    """The JSON value of a literal.

    A variable that is left out is no member of its object, and null in a list, as the specification has it for inputs.
    Raises GraphQLError for a number that no double holds.
    """
    value = _value(node, variables or {})
    return None if value is Undefined else value


def _value(node: ValueNode, variables: Mapping[str, Any]) -> Any:
    match node:
        case ObjectValueNode():
            members = ((field.name.value, _value(field.value, variables)) for field in node.fields)
            return {name: value for name, value in members if value is not Undefined}
        case ListValueNode():
            return [parse_json_literal(element, variables) for element in node.values]
        case VariableNode():
            return _json(variables.get(node.name.value, Undefined))
        case IntValueNode() | FloatValueNode():
            return _number(node)
        case StringValueNode() | EnumValueNode() | BooleanValueNode():
            return node.value
        case _:
            return None


def _number(node: IntValueNode | FloatValueNode) -> int | float:
    value = float(node.value)
    if not math.isfinite(value):
        raise GraphQLError("A number in JSON may have 308 digits at most; send this one as a text.", node)
    if isinstance(node, IntValueNode) and len(node.value) <= len(str(WIDEST.stop)) and int(node.value) in WIDEST:
        return int(node.value)
    return value


def _json(value: Any) -> Any:
    """What the value of a variable of any type is in JSON."""
    if isinstance(value, datetime):
        return isoformat(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [_json(element) for element in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {name: _json(member) for name, member in cast("dict[str, Any]", value).items()}
    return value.name if isinstance(value, Enum) else value
