"""Every mutation of the schema, with a document for it and the least input that its types accept."""

from dataclasses import dataclass
from typing import Any, Final

from graphql import GraphQLEnumType, GraphQLField, GraphQLInputObjectType, is_required_input_field

from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.coverage import coverage
from drippulse_graphql.schema import Mutation, core_schema
from drippulse_rest.app import API
from drippulse_rest.v1.routes import ROUTES as V1
from tests.support.access import UNKNOWN, Operation, operations

SCALARS: Final[dict[str, Any]] = {
    "ID": str(UNKNOWN),
    "String": "x",
    "Int": 1,
    "BigInt": 1,
    "Float": 1.0,
    "Boolean": False,
    "JSON": {},
    "DateTime": "2026-01-31T09:30:00Z",
    "Date": "2026-01-31",
}


@dataclass(frozen=True)
class Mutating:
    """One mutation."""

    name: str
    operation: Operation

    def __str__(self) -> str:
        return self.name

    @property
    def document(self) -> str:
        title = self.name[0].upper() + self.name[1:]
        return (
            f"mutation ($input: {title}Input!) {{ {self.name}(input: $input) "
            "{ __typename userErrors { field code message } } }"
        )

    @property
    def takes(self) -> GraphQLInputObjectType:
        named = core_schema().get_type(f"{self.name[0].upper()}{self.name[1:]}Input")
        assert isinstance(named, GraphQLInputObjectType)
        return named

    @property
    def least(self) -> dict[str, Any]:
        """An input with what is required, and ids that nobody has."""
        return _least_of(self.takes)

    @property
    def permission(self) -> Permission:
        """What REST asks for the same."""
        return next(route.opt["permission"] for route in (*API, *V1) if route.operation_id == self.operation.name)


def mutations() -> list[Mutating]:
    """All of them, each with the first operation of REST that it covers."""
    known = {operation.name: operation for operation in operations()}
    covered = {_camel(name): covers for name, covers in coverage(Mutation).items()}
    return [Mutating(name, known[covered[name][0]]) for name in _fields()]


def _fields() -> dict[str, GraphQLField]:
    root = core_schema().mutation_type
    assert root is not None
    return dict(root.fields)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _least(kind: object) -> Any:
    """Of a type, by how the SDL writes it: [ID!]!"""
    written = str(kind).rstrip("!")
    if written.startswith("["):
        return [_least(written[1:-1])]
    named = core_schema().get_type(written)
    if isinstance(named, GraphQLEnumType):
        return next(iter(named.values))
    if isinstance(named, GraphQLInputObjectType):
        return _least_of(named)
    return SCALARS[written]


def _least_of(taken: GraphQLInputObjectType) -> dict[str, Any]:
    return {name: _least(field.type) for name, field in taken.fields.items() if is_required_input_field(field)}
