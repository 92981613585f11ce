"""Mutations that run apart: they call other systems or compute at length, and hold no transaction meanwhile."""

from collections.abc import Iterable, Iterator

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionNode,
)

from drippulse.kit.errors import BadRequestError
from drippulse_graphql.kit.documents import operation_of

_apart: set[str] = set()


def declare_apart(mutation: str) -> None:
    """By its name in the schema."""
    _apart.add(mutation)


def runs_apart(document: DocumentNode, operation_name: str | None) -> bool:
    """Whether the mutation that is chosen of a validated document runs apart.

    Raises:
        BadRequestError: it does, and is not alone in its operation; the other could not be undone with it.
    """
    named = [field.name.value for field in _root_fields(document, operation_name)]
    apart = [name for name in named if name in _apart]
    if apart and len(named) > 1:
        raise BadRequestError(
            f"{apart[0]} is done outside of the transaction of its operation; send it alone.", code="mutation_not_alone"
        )
    return bool(apart)


def _root_fields(document: DocumentNode, operation_name: str | None) -> Iterator[FieldNode]:
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    yield from _fields(operation_of(document, operation_name).selection_set.selections, fragments)


def _fields(selections: Iterable[SelectionNode], fragments: dict[str, FragmentDefinitionNode]) -> Iterator[FieldNode]:
    for node in selections:
        if isinstance(node, FieldNode) and not node.name.value.startswith("__"):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(node.selection_set.selections, fragments)
        elif isinstance(node, FragmentSpreadNode):
            yield from _fields(fragments[node.name.value].selection_set.selections, fragments)
