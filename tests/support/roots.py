"""Every field of the root types Query and Subscription, with documents for it and what REST asks for the same."""

from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, cast

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_required_argument,
)
from strawberry.types import get_object_definition

from drippulse.kit.public_ids import decode_id
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.coverage import coverage
from drippulse_graphql.kit.models.names import global_id
from drippulse_graphql.kit.permissions import Requires
from drippulse_graphql.schema import Query, Subscription, core_schema
from drippulse_rest.app import API
from drippulse_rest.v1.routes import ROUTES as V1
from tests.support.access import PARAMETERS, UNKNOWN, UNKNOWN_UUID, Operation, operations

PLURALS: Final = {"accounts": "account", "contacts": "contact", "leads": "lead", "opportunities": "opportunity"}
NODES: Final = frozenset({"account", "contact", "lead", "opportunity", "activity", "pipeline"})
"""Root fields whose rows have UUIDs."""
OWN: Final = {"node": Permission.READ}
DEEPEST: Final = 8


@dataclass(frozen=True)
class RootField:
    """One field of a root type."""

    root: str
    name: str
    field: Any
    """Of graphql-core."""
    operation: Operation | None

    def __str__(self) -> str:
        return f"{self.root}.{self.name}"

    @property
    def needed(self) -> dict[str, str]:
        """Required argument -> type, as the SDL writes it."""
        return {name: str(one.type) for name, one in self.field.args.items() if is_required_argument(one)}

    @property
    def id_argument(self) -> str | None:
        return next((name for name, written in self.needed.items() if written == "ID!"), None)

    def document(self, selection: str = "{ __typename }", **arguments: str) -> str:
        """A query of this field. What it needs and `arguments` lack is something that nobody has."""
        unknown = UNKNOWN_UUID if self.name in NODES else str(UNKNOWN)
        if self.name == "node":
            unknown = global_id("Workflow", UNKNOWN)
        usual = {name: f'"{unknown}"' if written == "ID!" else "1" for name, written in self.needed.items()}
        said = {**usual, **arguments}
        listed = ", ".join(f"{name}: {value}" for name, value in said.items())
        inner = (
            selection if isinstance(get_named_type(self.field.type), GraphQLObjectType) or self.name == "node" else ""
        )
        return f"{self.root.lower()} {{ {self.name}{f'({listed})' if listed else ''} {inner} }}"

    @property
    def permission(self) -> Permission:
        """What REST asks for the same; what a subscription declares, which REST does not have."""
        if self.root == "Subscription":
            return declared(Subscription)[self.name]
        if self.operation is None:
            return OWN[self.name]
        return next(route.opt["permission"] for route in (*API, *V1) if route.operation_id == self.operation.name)

    @property
    def belonging(self) -> str:
        """Of what `furnish` makes, that which its id is of."""
        assert self.operation is not None
        path = self.operation.path
        if "{record_ref}" in path:
            return {**PLURALS, "activities": "activity"}[path.split("/")[4]]
        parameters = [part.strip("{}").split(":")[0] for part in path.split("/") if part.startswith("{")]
        return PARAMETERS[[one for one in parameters if one != "version"][-1]]


def root_fields() -> list[RootField]:
    """All of them, each with the first operation of REST that it covers."""
    known = {operation.name: operation for operation in operations()}
    covered = {camel(name): covers for name, covers in coverage(Query).items()}
    core = core_schema()
    found: list[RootField] = []
    for root in (core.query_type, core.subscription_type):
        assert root is not None
        for name, field in root.fields.items():
            names = covered.get(name, ()) if root is core.query_type else ()
            found.append(RootField(root.name, name, field, known[names[0]] if names else None))
    return found


def declared(root: type) -> dict[str, Permission]:
    """The permission that each field of a root type declares."""
    fields = get_object_definition(root, strict=True).fields
    pairs = [(camel(field.python_name), one) for field in fields for one in field.extensions]
    return {name: one.permission for name, one in pairs if isinstance(one, Requires)}


def plain_id(written: str) -> str:
    """Without the spelling of the /v1 dialect."""
    number = decode_id(written.partition("_")[0], written)
    return written if number is None else str(number)


def everything(of: Any, depth: int = DEEPEST) -> str:
    """A selection of all that is below a type; of nodes the id alone."""
    named = cast("object", get_named_type(of))
    if not isinstance(named, GraphQLObjectType):
        return ""
    if named.interfaces:
        return "{ databaseId }"
    if depth == 0:
        return "{ __typename }"
    return f"{{ {' '.join(f'{name} {everything(field.type, depth - 1)}' for name, field in _plain(named).items())} }}"


def differences(told: Any, of: Any, rest: Any, path: str = "") -> list[str]:
    """Where what `everything` selected is not what REST answers."""
    inner: Any = getattr(of, "of_type", None)
    if isinstance(of, GraphQLNonNull):
        return differences(told, inner, rest, path)
    if told is None or rest is None:
        return [] if told == rest else [f"{path}: {told!r} is {rest!r}"]
    if isinstance(of, GraphQLList):
        if len(told) != len(rest):
            return [f"{path}: {len(told)} are {len(rest)}"]
        pairs = enumerate(zip(told, rest, strict=True))
        parts = [differences(left, inner, right, f"{path}.{at}") for at, (left, right) in pairs]
        return list(chain.from_iterable(parts))
    if isinstance(of, GraphQLObjectType):
        return _of_object(told, of, rest, path)
    return [] if _shown(told, of) == _written(rest, of) else [f"{path}: {told!r} is {rest!r}"]


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _of_object(told: dict[str, Any], of: GraphQLObjectType, rest: dict[str, Any], path: str) -> list[str]:
    """What REST leaves out has the model's default in GraphQL."""
    if of.interfaces:
        return [] if told["databaseId"] == str(rest["id"]) else [f"{path}: another node"]
    spelled = {camel(name): value for name, value in rest.items()}
    if "databaseId" in of.fields:
        spelled["databaseId"] = spelled.pop("id")
    shown = {name: field for name, field in _plain(of).items() if name in spelled}
    parts = [differences(told[name], kind.type, spelled[name], f"{path}.{name}") for name, kind in shown.items()]
    return list(chain.from_iterable(parts))


def _plain(of: GraphQLObjectType) -> dict[str, Any]:
    return {name: field for name, field in of.fields.items() if not field.args}


def _shown(told: Any, of: Any) -> Any:
    return (
        str(getattr(of.values[told].value, "value", of.values[told].value)) if isinstance(of, GraphQLEnumType) else told
    )


def _written(rest: Any, of: Any) -> Any:
    return str(rest) if isinstance(of, GraphQLEnumType) or of.name == "ID" else rest
