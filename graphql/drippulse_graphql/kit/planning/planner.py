"""Operations that run as one statement: compiled once per document, one round trip per execution."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import strawberry
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution.values import VariableValues, get_variable_values
from graphql.language import DirectiveNode

from drippulse.kit.recent import Recent
from drippulse.organizations.policy import Principal
from drippulse_graphql.kit.documents import operation_of
from drippulse_graphql.kit.planning.arguments import Arguments, Call
from drippulse_graphql.kit.planning.compiling import compile_operation
from drippulse_graphql.kit.planning.tree import NotPlannedError, Tree
from drippulse_graphql.kit.planning.values import MISSING
from drippulse_graphql.kit.planning.writing import Statement, write

MAX_PLANS = 1_000
MAX_TEXT = 20_000
"""Characters of a document whose plan is kept."""
MAX_VARIANTS = 32
"""Of one operation: by what its directives say, and by which filters and orders its variables choose."""

Variant: TypeAlias = tuple[object, ...]


@dataclass(slots=True)
class _Shape:
    """What one operation is for one answer of its directives: its tree, None when it needs resolvers."""

    tree: Tree | None
    calls: list[Call] | None = None
    statements: Recent[Variant, Statement] = field(default_factory=lambda: Recent(MAX_VARIANTS))


@dataclass(slots=True)
class _Operation:
    """One operation of one document."""

    node: OperationDefinitionNode
    document: DocumentNode
    directed_by: tuple[str, ...]
    """The variables that its directives name."""
    shapes: Recent[Variant, _Shape] = field(default_factory=lambda: Recent(MAX_VARIANTS))


@dataclass(frozen=True, slots=True)
class Planned:
    """A statement of one JSON text, with its parameters."""

    sql: str
    values: list[Any]


class Planner:
    """Plans of one process, the least recently used dropped first."""

    def __init__(self, schema: strawberry.Schema, core: GraphQLSchema) -> None:
        self._core = core
        self._arguments = Arguments(schema.config, schema.schema_converter.scalar_registry)
        self._operations: Recent[tuple[str, str | None], _Operation] = Recent(MAX_PLANS)

    def __len__(self) -> int:
        return len(self._operations)

    def plan(
        self, text: str, name: str | None, document: DocumentNode, variables: Mapping[str, Any], principal: Principal
    ) -> Planned | None:
        """How to answer an operation of a validated document; None: the resolvers answer it."""
        operation = self._operations.get((text, name))
        if operation is None:
            operation = _read(document, name)
            if len(text) <= MAX_TEXT:
                self._operations.put((text, name), operation)
        if operation.node.operation is not OperationType.QUERY:
            return None
        coerced = get_variable_values(self._core, operation.node.variable_definitions or (), dict(variables))
        if not isinstance(coerced, VariableValues):
            return None
        try:
            return self._planned(operation, coerced, principal)
        except NotPlannedError:
            return None

    def _planned(self, operation: _Operation, variables: VariableValues, principal: Principal) -> Planned | None:
        shape = self._shape(operation, variables)
        tree = shape.tree
        if tree is None or not all(principal.allows(permission) for permission in tree.permissions):
            return None
        calls = shape.calls
        if calls is None:
            calls = self._arguments.read(tree.places, variables)
            if tree.constant:
                shape.calls = calls
        variant = tuple(call.shape for call in calls)
        statement = shape.statements.get(variant)
        if statement is None:
            statement = shape.statements.put(variant, write(tree, calls))
        return Planned(statement.sql, statement.values(calls, principal))

    def _shape(self, operation: _Operation, variables: VariableValues) -> _Shape:
        variant = tuple(variables.coerced.get(name) for name in operation.directed_by)
        found = operation.shapes.get(variant)
        if found is not None:
            return found
        try:
            tree = compile_operation(self._core, operation.document, operation.node, variables)
        except (NotPlannedError, GraphQLError):  # a directive's variable is null: the resolvers have the error
            tree = None
        return operation.shapes.put(variant, _Shape(tree))


def complete(text: str) -> bool:
    """Whether an answer has everything that the schema promises; the resolvers have the error for what it lacks."""
    return MISSING not in text


def _read(document: DocumentNode, name: str | None) -> _Operation:
    node = operation_of(document, name)
    directed = _Directed()
    visit(node, directed)
    for definition in document.definitions:
        if isinstance(definition, FragmentDefinitionNode):
            visit(definition, directed)
    return _Operation(node, document, tuple(sorted(directed.names)))


class _Directed(Visitor):
    """Collects the variables that stand in directives."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.names.add(argument.value.name.value)
