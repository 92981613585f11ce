"""Which parts of a schema were announced to go, and the schema without those whose day has come. Pure, on SDL."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from graphql import (
    REMOVE,
    DocumentNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    NamedTypeNode,
    Node,
    StringValueNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

DAY = re.compile(r"\bafter (\d{4}-\d{2}-\d{2})\b")
ROOTS = ("Query", "Mutation", "Subscription")


@dataclass(frozen=True, slots=True)
class Deprecation:
    """A part of the schema that is going to be removed; `after` is None when its reason names no day."""

    coordinate: str
    reason: str
    after: date | None


def deprecations(schema: GraphQLSchema) -> list[Deprecation]:
    """In the order of the schema coordinates."""
    return sorted(_deprecations(schema), key=lambda one: one.coordinate)


def day_of(reason: str) -> date | None:
    """The day of a reason such as `Use title; goes after 2027-05-01.`"""
    found = DAY.search(reason)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def _deprecations(schema: GraphQLSchema) -> Iterator[Deprecation]:
    for coordinate, part in coordinates(schema):
        reason = getattr(part, "deprecation_reason", None)
        if reason is not None:
            yield Deprecation(coordinate, reason, day_of(reason))


def coordinates(schema: GraphQLSchema) -> Iterator[tuple[str, Any]]:
    """Every type, field, argument, input field and enum value of ours, by its schema coordinate."""
    for name, member in schema.type_map.items():
        if name.startswith("__"):
            continue
        yield name, member
        if isinstance(member, GraphQLEnumType):
            yield from ((f"{name}.{value}", one) for value, one in member.values.items())
        elif isinstance(member, GraphQLInputObjectType):
            yield from ((f"{name}.{field}", one) for field, one in member.fields.items())
        elif isinstance(member, GraphQLObjectType | GraphQLInterfaceType):
            for field, one in member.fields.items():
                yield f"{name}.{field}", one
                yield from ((f"{name}.{field}({argument}:)", given) for argument, given in one.args.items())


def without_due(sdl: str, today: date) -> str:
    """The SDL without what was deprecated with a day before `today`, and without types that only that led to."""
    before = parse(sdl)
    after: DocumentNode = visit(before, _Due(today))
    orphans = _reachable(before) - _reachable(after)
    definitions = [node for node in after.definitions if _name(node) not in orphans]
    return "\n\n".join(print_ast(node) for node in definitions)


class _Due(Visitor):
    def __init__(self, today: date) -> None:
        super().__init__()
        self._today = today

    def enter(self, node: Node, *_: Any) -> Any:
        for directive in getattr(node, "directives", None) or ():
            if directive.name.value == "deprecated":
                reasons = [one.value.value for one in directive.arguments if isinstance(one.value, StringValueNode)]
                day = day_of("".join(reasons))
                if day is not None and day < self._today:
                    return REMOVE
        return None


def _name(node: Node) -> str | None:
    """Of a type definition; None for the rest, which stays."""
    return node.name.value if node.kind.endswith("_type_definition") else None  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType] - all of these kinds have a name


def _reachable(document: DocumentNode) -> set[str]:
    """The types that the roots lead to; objects by their interfaces too."""
    known = {name: node for node in document.definitions if (name := _name(node)) is not None}
    uses = {name: _named(node) for name, node in known.items()}
    found: set[str] = set()
    waiting = [name for name in ROOTS if name in known]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        implementing = (other for other, node in known.items() if name in _interfaces(node))
        waiting += [one for one in (*uses.get(name, ()), *implementing) if one in known]
    return found


def _interfaces(node: Node) -> set[str]:
    return {one.name.value for one in getattr(node, "interfaces", None) or ()}


def _named(node: Node) -> set[str]:
    names: set[str] = set()

    class Names(Visitor):
        def enter_named_type(self, found: NamedTypeNode, *_: Any) -> None:
            names.add(found.name.value)

    visit(node, Names())
    return names
