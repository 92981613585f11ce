"""What an operation may ask for at most: the product of nested `first`, known before anything is run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    ValueNode,
    VariableNode,
    get_named_type,
)

from drippulse.kit.pagination import DEFAULT_PER_PAGE, MAX_PER_PAGE
from drippulse_graphql.kit.limits import DocumentTooComplexError
from drippulse_graphql.kit.pages import DEFAULT_FIRST, MAX_FIRST

MAX_COST: Final = 10_000
SIZES = frozenset({"first", "last", "perPage", "perStage"})


@dataclass(slots=True)
class _Costs:
    """What one walk needs. `fragments` has the cost of each fragment that was met."""

    schema: GraphQLSchema
    definitions: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    fragments: dict[str, int] = field(default_factory=dict[str, int])


def check_cost(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> None:
    """Of a validated document. Raises DocumentTooComplexError."""
    cost = cost_of(schema, document, operation, variables)
    if cost > MAX_COST:
        raise DocumentTooComplexError(
            f"This operation may answer {cost} rows, the product of its nested `first`; at most {MAX_COST} are "
            "accepted. Ask for fewer at each level, or for one level at a time.",
            code="cost_too_high",
        )


def cost_of(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> int:
    """The rows that an operation of a validated document may answer."""
    definitions = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    defaults = {
        node.variable.name.value: _integer(node.default_value, {})
        for node in operation.variable_definitions or ()
        if node.default_value is not None
    }
    costs = _Costs(schema, definitions, {**defaults, **variables})
    return _of_selections(operation.selection_set.selections, schema.get_root_type(operation.operation), costs)


def _of_selections(selections: Iterable[SelectionNode], of: GraphQLNamedType | None, costs: _Costs) -> int:
    if not isinstance(of, GraphQLObjectType | GraphQLInterfaceType):
        return 0
    total = 0
    for node in selections:
        if isinstance(node, FieldNode):
            total += _of_field(node, of, costs)
        elif isinstance(node, InlineFragmentNode):
            condition = costs.schema.get_type(node.type_condition.name.value) if node.type_condition else of
            total += _of_selections(node.selection_set.selections, condition, costs)
        elif isinstance(node, FragmentSpreadNode):
            total += _of_fragment(node.name.value, costs)
    return total


def _of_field(node: FieldNode, of: GraphQLObjectType | GraphQLInterfaceType, costs: _Costs) -> int:
    known = of.fields.get(node.name.value)
    if known is None or node.selection_set is None:
        return 0
    below = _of_selections(node.selection_set.selections, cast("GraphQLNamedType", get_named_type(known.type)), costs)
    if not SIZES & known.args.keys() - {"last"}:
        return below
    usual, most = (DEFAULT_FIRST, MAX_FIRST) if "first" in known.args else (DEFAULT_PER_PAGE, MAX_PER_PAGE)
    given = [
        _integer(argument.value, costs.variables) for argument in node.arguments or () if argument.name.value in SIZES
    ]
    size = next((number for number in given if number is not None), usual)
    return max(0, min(size, most)) * (1 + below)


def _of_fragment(name: str, costs: _Costs) -> int:
    if name not in costs.fragments:
        costs.fragments[name] = 0
        definition = costs.definitions[name]
        of = costs.schema.get_type(definition.type_condition.name.value)
        costs.fragments[name] = _of_selections(definition.selection_set.selections, of, costs)
    return costs.fragments[name]


def _integer(node: ValueNode, variables: Mapping[str, Any]) -> int | None:
    if isinstance(node, IntValueNode):
        return int(node.value)
    found = variables.get(node.name.value) if isinstance(node, VariableNode) else None
    if isinstance(found, float) and found.is_integer():  # which Int takes as well
        return int(found)
    return found if isinstance(found, int) else None
