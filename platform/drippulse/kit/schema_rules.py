"""JSON Schema for what models check over several fields, which pydantic does not tell by itself.

They are `if`, `then` and `else`, which validators know and which leave the types that code generators make alone. Null
counts as left out. A model takes one as `ConfigDict(json_schema_extra=...)`, several through `all_of`.
"""

from typing import Any, Final

Rule = dict[str, Any]

GIVEN: Final[Rule] = {"type": ["array", "boolean", "integer", "number", "object", "string"]}
NULL: Final[Rule] = {"type": "null"}


def given(*names: str) -> Rule:
    """All of them."""
    return {"required": [*names], "properties": dict.fromkeys(names, GIVEN)}


def together(first: str, second: str) -> Rule:
    """Both or neither."""
    return {"if": {"anyOf": [given(first), given(second)]}, "then": given(first, second)}


def either(first: str, second: str) -> Rule:
    """One of the two, and not both."""
    return {"if": given(first), "then": {"properties": {second: NULL}}, "else": given(second)}


def at_least_one(first: str, second: str) -> Rule:
    return {"if": {"properties": {first: NULL}}, "then": given(second)}


def needs(name: str, value: str, needed: str) -> Rule:
    """With this value of the one field, the other."""
    return {"if": {"required": [name], "properties": {name: {"const": value}}}, "then": given(needed)}


def alone(name: str, *others: str) -> Rule:
    """When it is sent, even as null, none of the others is."""
    return {"if": {"required": [name]}, "then": {"properties": dict.fromkeys(others, False)}}


def excludes(name: str, other: str) -> Rule:
    """With the one, the other is not sent at all."""
    return {"if": given(name), "then": {"properties": {other: False}}}


def all_of(*rules: Rule) -> Rule:
    return {"allOf": [*rules]}
