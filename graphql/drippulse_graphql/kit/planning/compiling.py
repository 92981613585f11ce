"""From a validated operation to its tree. Pure."""

from collections.abc import Iterator
from typing import cast

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    Visitor,
    visit,
)
from graphql.execution.collect_fields import FieldDetailsList, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues
from graphql.language import Node
from strawberry.types.field import StrawberryField

from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.fields import (
    ById,
    Column,
    Connected,
    Embedded,
    GlobalId,
    Group,
    Known,
    Newest,
    OwnOrganization,
    ToOne,
    source_of,
)
from drippulse_graphql.kit.lists import Listed
from drippulse_graphql.kit.nodes import NODE_TYPES
from drippulse_graphql.kit.permissions import Requires
from drippulse_graphql.kit.planning.tree import (
    Asked,
    Cell,
    Constant,
    Credential,
    Cursor,
    Each,
    Members,
    Newer,
    NotPlannedError,
    Paged,
    PageEnd,
    Place,
    Rows,
    Single,
    Total,
    Tree,
    Value,
)
from drippulse_graphql.kit.planning.types import OutputType, is_required, named, type_of
from drippulse_graphql.kit.planning.values import column_value, global_id
from drippulse_graphql.kit.rows import Children

STRAWBERRY = "strawberry-definition"
TYPENAME = "__typename"
MOST_MEMBERS = 50
"""Of one object: `json_build_object` takes 100 arguments."""


def compile_operation(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: VariableValues
) -> Tree:
    """The tree of a validated query; of `variables` only those count that directives name.

    Raises:
        NotPlannedError: some field of it needs a resolver.
    """
    return _Compiler(schema, document, operation, variables).tree()


class _Compiler:
    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: VariableValues,
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._variables = variables
        self._fragments = {
            node.name.value: FragmentDetails(node)
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self._places: list[Place] = []
        self._permissions: set[Permission] = set()

    def tree(self) -> Tree:
        root = self._schema.query_type
        if root is None:
            raise NotPlannedError
        found = collect_fields(self._schema, self._fragments, self._variables, root, self._operation)
        members = Members({})
        for key, details in found.grouped_field_set.items():
            members.values[key] = self._root(root, details)
        _check_size(members)
        constant = not any(_has_variable(argument) for place in self._places for argument in place.node.arguments or ())
        return Tree(members, self._places, frozenset(self._permissions), constant)

    def _root(self, root: GraphQLObjectType, details: FieldDetailsList) -> Value:
        if details[0].node.name.value == TYPENAME:
            return _constant(root.name)
        field, declared = _declared(root, details)
        self._permissions.update(
            extension.permission for extension in declared.extensions if isinstance(extension, Requires)
        )
        match source_of(declared):
            case ById(str(name)):
                place = self._place(details[0].node, field, name, ())
                rows = _rows_of(name)
                return Asked(rows, self._members(rows, type_of(field), details, (), place), place)
            case Connected(listed):
                return self._paged(field, details, listed, None, (), None)
            case Group():
                return self._group(type_of(field), details)
            case _:
                raise NotPlannedError

    def _group(self, of: OutputType, details: FieldDetailsList) -> Members:
        """An object without a row."""
        members = Members({})
        for key, parent, below in self._fields(of, details):
            if below[0].node.name.value == TYPENAME:
                members.values[key] = _constant(parent.name)
                continue
            field, declared = _declared(parent, below)
            match source_of(declared):
                case Known() as known:
                    leaf = named(type_of(field))
                    members.values[key] = Credential(known, leaf.serialize)
                case OwnOrganization(name):
                    rows = _rows_of(name)
                    required = is_required(type_of(field))
                    members.values[key] = Single(rows, self._members(rows, type_of(field), below, ()), None, required)
                case _:
                    raise NotPlannedError
        return members

    def _members(
        self,
        rows: Rows,
        of: OutputType,
        details: FieldDetailsList,
        under: tuple[int, ...],
        asked: int | None = None,
    ) -> Members:
        """An object over `rows`. `asked`: the place of the argument that is the key of the only one."""
        members = Members({})
        for key, parent, below in self._fields(of, details):
            members.values[key] = self._member(rows, parent, below, under, asked)
        _check_size(members)
        return members

    def _member(
        self,
        rows: Rows,
        parent: GraphQLObjectType,
        details: FieldDetailsList,
        under: tuple[int, ...],
        asked: int | None,
    ) -> Value:
        if details[0].node.name.value == TYPENAME:
            return _constant(parent.name)
        field, declared = _declared(parent, details)
        match source_of(declared):
            case Column() as column:
                return Cell(rows.alias(column_value(column, type_of(field))))
            case GlobalId(sql):
                return Cell(rows.alias(global_id(rows.of, sql)))
            case Embedded(absent):
                inner = self._members(rows, type_of(field), details, under, asked)
                inner.absent = None if absent is None else rows.alias(absent)
                return inner
            case ToOne(name, key):
                target = _rows_of(name)
                members = self._members(target, type_of(field), details, under)
                return Single(target, members, rows.alias(key), is_required(type_of(field)))
            case Newest(children, key):
                place = self._place(details[0].node, field, children, under)
                target = Rows(children.table, named(type_of(field)).name)
                members = self._members(target, type_of(field), details, (*under, place))
                return Newer(target, members, children, rows.alias(key), place)
            case Connected(listed, str(key)):
                known = asked if key == rows.table.key else None
                return self._paged(field, details, listed, rows.alias(key), under, known)
            case _:
                raise NotPlannedError

    def _paged(
        self,
        field: GraphQLField,
        details: FieldDetailsList,
        listed: Listed,
        below: str | None,
        under: tuple[int, ...],
        asked: int | None,
    ) -> Paged:
        place = self._place(details[0].node, field, listed, under, asked)
        paged = Paged(_rows_of(listed.node), listed, {}, below, place)
        inside = (*under, place)
        for key, parent, own in self._fields(type_of(field), details):
            paged.values[key] = self._part(paged, parent, own, inside)
        return paged

    def _part(
        self, paged: Paged, parent: GraphQLObjectType, details: FieldDetailsList, inside: tuple[int, ...]
    ) -> Value:
        name = details[0].node.name.value
        if name == TYPENAME:
            return _constant(parent.name)
        of = type_of(parent.fields[name])
        match name:
            case "nodes":
                return Each(self._members(paged.rows, of, details, inside))
            case "edges":
                return self._edge(paged, of, details, inside)
            case "pageInfo":
                return self._page_info(paged, of, details)
            case "totalCount":
                return Total()
            case _:
                raise NotPlannedError

    def _edge(self, paged: Paged, of: OutputType, details: FieldDetailsList, inside: tuple[int, ...]) -> Each:
        edge: dict[str, Value] = {}
        for key, parent, own in self._fields(of, details):
            match own[0].node.name.value:
                case "node":
                    edge[key] = self._members(paged.rows, type_of(parent.fields["node"]), own, inside)
                case "cursor":
                    paged.cursors = True
                    edge[key] = Cursor()
                case _:
                    edge[key] = _constant(parent.name)
        return Each(None, edge)

    def _page_info(self, paged: Paged, of: OutputType, details: FieldDetailsList) -> Members:
        members = Members({})
        for key, parent, own in self._fields(of, details):
            name = own[0].node.name.value
            if name == TYPENAME:
                members.values[key] = _constant(parent.name)
                continue
            paged.cursors |= name.endswith("Cursor")
            paged.more |= name.startswith("has")
            members.values[key] = PageEnd(name)
        return members

    def _fields(
        self, of: OutputType, details: FieldDetailsList
    ) -> Iterator[tuple[str, GraphQLObjectType, FieldDetailsList]]:
        parent = named(of)
        if not isinstance(parent, GraphQLObjectType):
            raise NotPlannedError
        found = collect_subfields(self._schema, self._fragments, self._variables, self._operation, parent, details)
        for key, own in found.grouped_field_set.items():
            yield key, parent, own

    def _place(
        self,
        node: FieldNode,
        field: GraphQLField,
        of: Listed | Children | str,
        under: tuple[int, ...],
        below: int | None = None,
    ) -> int:
        self._places.append(Place(node, field, of, below, under))
        return len(self._places) - 1


def _declared(parent: GraphQLObjectType, details: FieldDetailsList) -> tuple[GraphQLField, StrawberryField]:
    field = parent.fields.get(details[0].node.name.value)
    declared = None if field is None else field.extensions.get(STRAWBERRY)
    if field is None or declared is None:  # introspection
        raise NotPlannedError
    return field, cast("StrawberryField", declared)


def _rows_of(name: str) -> Rows:
    return Rows(NODE_TYPES[name].table, name)


def _constant(name: str) -> Constant:
    return Constant(orjson.dumps(name).decode())


def _check_size(members: Members) -> None:
    if len(members.values) > MOST_MEMBERS:
        raise NotPlannedError


def _has_variable(node: Node) -> bool:
    found = _Variables()
    visit(node, found)
    return found.any


class _Variables(Visitor):
    """Whether there is one."""

    any = False

    def enter_variable(self, *_: object) -> None:
        self.any = True
