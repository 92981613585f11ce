"""Read operations made at random from a schema: fields, arguments, aliases, fragments, directives, variables."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

from drippulse_graphql.kit.planning.types import named, optional, type_of

MAX_DEPTH = 8
MAX_ROWS = 400
"""The product of nested `first`, about."""


@dataclass(frozen=True)
class Made:
    """An operation with its variables. `after`: the variable that is the cursor of its only root connection."""

    text: str
    variables: dict[str, Any]
    after: str | None = None


@dataclass
class Values:
    """What arguments may be: ids by argument or by type name, and texts by the name of an input field."""

    ids: Mapping[str, Sequence[str]]
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])


class Operations:
    """Makes operations over the root fields `roots`, and below them over any field but those in `without`."""

    def __init__(
        self, schema: GraphQLSchema, values: Values, roots: Sequence[str], without: frozenset[tuple[str, str]]
    ) -> None:
        self._schema = schema
        self._values = values
        self._roots = roots
        self._without = without

    def make(self, seed: int) -> Made:
        return _Maker(self._schema, self._values, self._without, random.Random(seed)).operation(self._roots)


class _Maker:
    def __init__(
        self, schema: GraphQLSchema, values: Values, without: frozenset[tuple[str, str]], chance: random.Random
    ) -> None:
        self._schema = schema
        self._values = values
        self._without = without
        self._chance = chance
        self._declared: dict[str, str] = {}
        self._variables: dict[str, Any] = {}
        self._fragments: list[str] = []
        self._rows = MAX_ROWS
        self._directives, self._aliases = 4, 12
        self._after: str | None = None

    def operation(self, roots: Sequence[str]) -> Made:
        query = self._schema.query_type
        assert query is not None
        names = self._chance.choices(roots, k=self._chance.choice((1, 1, 2)))
        own = [f"r{number}: {self._field(query, name, 1, len(names) == 1)}" for number, name in enumerate(names)]
        if self._chance.random() < 0.2:
            own.append("__typename")
        head = ", ".join(f"${name}: {kind}" for name, kind in self._declared.items())
        text = f"query Q{f'({head})' if head else ''} {{ {' '.join(own)} }} {' '.join(self._fragments)}"
        return Made(text, self._variables, self._after)

    def _field(self, parent: GraphQLObjectType, name: str, depth: int, alone: bool = False) -> str:
        known = parent.fields[name]
        rows = self._rows
        arguments = self._arguments(known, alone)
        below = "" if _is_leaf(known) else f" {{ {self._selection(_named(known), depth + 1)} }}"
        self._rows = rows
        return f"{name}{arguments}{self._directive()}{below}"

    def _selection(self, of: Any, depth: int) -> str:
        if isinstance(of, GraphQLInterfaceType):
            implementing = self._chance.choice(sorted(self._schema.get_implementations(of).objects, key=str))
            return f"__typename id ... on {implementing.name} {{ {self._selection(implementing, depth)} }}"
        assert isinstance(of, GraphQLObjectType)
        names = [name for name in of.fields if self._may(of, name, depth)]
        chosen = self._chance.sample(names, min(len(names), self._chance.randint(1, 6)))
        parts = [self._aliased(of, name, depth) for name in chosen]
        if self._chance.random() < 0.15:
            parts.append("__typename")
        if len(parts) > 1 and self._chance.random() < 0.25:
            again = [part for part in parts[:1] if "@" not in part and ":" not in part]
            parts = [parts[0], self._in_fragment(of, parts[1:]), *again]
        return " ".join(parts) or "__typename"

    def _may(self, of: GraphQLObjectType, name: str, depth: int) -> bool:
        if (of.name, name) in self._without:
            return False
        return _is_leaf(of.fields[name]) or depth < MAX_DEPTH

    def _aliased(self, of: GraphQLObjectType, name: str, depth: int) -> str:
        alias = ""
        if self._aliases and self._chance.random() < 0.1:
            self._aliases -= 1
            alias = f"a{self._chance.randint(0, 9)}{name}: "
        return f"{alias}{self._field(of, name, depth)}"

    def _in_fragment(self, of: GraphQLObjectType, parts: Sequence[str]) -> str:
        inside = " ".join(parts)
        if self._chance.random() < 0.5:
            return f"... on {of.name}{self._directive()} {{ {inside} }}"
        name = f"F{len(self._fragments)}"
        self._fragments.append(f"fragment {name} on {of.name} {{ {inside} }}")
        return f"...{name}{self._directive()}"

    def _directive(self) -> str:
        if self._directives == 0 or self._chance.random() > 0.04:
            return ""
        self._directives -= 1
        name, truth = self._chance.choice(("skip", "include")), self._chance.choice((True, False))
        condition = self._variable("Boolean!", truth) if self._chance.random() < 0.5 else str(truth).lower()
        return f" @{name}(if: {condition})"

    def _arguments(self, known: GraphQLField, alone: bool) -> str:
        given: dict[str, str] = {}
        if "first" in known.args:
            given |= self._paging(alone)
        elif "last" in known.args and self._chance.random() < 0.5:
            given["last"] = str(self._chance.randint(1, 5))
        for name, argument in known.args.items():
            wanted = is_required_argument(argument) or self._chance.random() < 0.3
            if wanted and name not in {"first", "last", "after", "before"}:
                given[name] = self._argument(name, cast("Any", argument).type, str(named(type_of(known))))
        return f"({', '.join(f'{name}: {value}' for name, value in given.items())})" if given else ""

    def _paging(self, alone: bool) -> dict[str, str]:
        size = self._chance.randint(1, max(1, min(7, self._rows)))
        self._rows = max(1, self._rows // size)
        shown = self._variable("Int", size) if self._chance.random() < 0.3 else str(size)
        backward = self._chance.random() < 0.3
        found = {"last" if backward else "first": shown}
        if alone and self._chance.random() < 0.7:
            self._after = f"v{len(self._declared)}"
            found["before" if backward else "after"] = self._variable("String", None)
        return found

    def _argument(self, name: str, of: Any, about: str) -> str:
        if self._chance.random() < 0.4:
            return self._variable(str(of), self._value(name, of, about))
        return _written(self._value(name, of, about))

    def _variable(self, kind: str, value: Any) -> str:
        name = f"v{len(self._declared)}"
        self._declared[name] = kind
        self._variables[name] = _plain(value)
        return f"${name}"

    def _value(self, name: str, of: Any, about: str) -> Any:
        kind = optional(of)
        if isinstance(kind, GraphQLList):
            return [self._value(name, optional(of).of_type, about) for _ in range(self._chance.randint(0, 3))]
        if isinstance(kind, GraphQLInputObjectType):
            return {
                key: self._value(name if kind.name == "IdFilter" else key, one.type, about)
                for key, one in kind.fields.items()
                if is_required_input_field(one) or self._chance.random() < 0.4
            }
        if isinstance(kind, GraphQLEnumType):
            return _Name(self._chance.choice(sorted(kind.values)))
        return self._scalar(name, str(kind), about)

    def _scalar(self, name: str, kind: str, about: str) -> Any:
        if kind == "ID":
            about = name[:1].upper() + name[1:-2] if name.endswith("Id") else about.removesuffix("Connection")
            ids = self._values.ids.get(name) or self._values.ids.get(about) or ("7",)
            return self._chance.choice(ids)
        if kind == "Int":
            return self._chance.randint(0, 3)
        if kind == "Float":
            return self._chance.choice((0, 1.5, 100))
        if kind == "Boolean":
            return self._chance.random() < 0.5
        if kind == "DateTime":
            return self._chance.choice(("2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"))
        return self._chance.choice(self._values.texts.get(name, ("a", "é", "%", "")))


class _Name(str):
    """The name of an enum's value."""

    __slots__ = ()


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_plain(one) for one in cast("list[Any]", value)]
    return str(value) if isinstance(value, str) else value


def _written(value: Any) -> str:
    """As a document has it."""
    if isinstance(value, _Name):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_written(one)}" for key, one in cast("dict[str, Any]", value).items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_written(one) for one in cast("list[Any]", value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _named(known: GraphQLField) -> Any:
    return named(type_of(known))


def _is_leaf(known: GraphQLField) -> bool:
    return is_leaf_type(_named(known))
