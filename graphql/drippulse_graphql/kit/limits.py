"""Limits on a document, checked before it is validated: what would take long is refused at once."""

import re
from collections import Counter
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Visitor,
    visit,
)

from drippulse.kit.errors import BadRequestError

MAX_TOKENS = 2_000
MAX_DEPTH = 12
MAX_INTROSPECTION_DEPTH = 20
MAX_ALIASES = 15
MAX_DIRECTIVES = 5
MAX_FIELDS = 500
MAX_FRAGMENTS = 50
MAX_SPREADS = 80
MAX_REPEATS = 3
MAX_DIGITS = 400
LONG_NUMBER = re.compile(rf"[0-9]{{{MAX_DIGITS + 1}}}")
INTROSPECTION = frozenset({"__schema", "__type"})


class DocumentTooComplexError(BadRequestError):
    code = "document_too_complex"


@dataclass(slots=True)
class _Measure:
    """What one walk over a document adds up."""

    fields: int = 0
    aliases: int = 0
    directives: int = 0
    spreads: int = 0
    heights: dict[str, int] = field(default_factory=dict[str, int])


def check_numbers(document: DocumentNode, text: str) -> None:
    """Of a document that was parsed from `text`. Raises DocumentTooComplexError."""
    if LONG_NUMBER.search(text):  # it may stand in a string
        visit(document, _Numbers())


class _Numbers(Visitor):
    def enter_int_value(self, node: IntValueNode, *_: object) -> None:
        if len(node.value) > MAX_DIGITS:
            raise DocumentTooComplexError(
                f"A number in a document may have {MAX_DIGITS} digits. Send longer ones as texts.",
                code="number_too_long",
            )


def check_limits(document: DocumentNode) -> None:
    """Raises DocumentTooComplexError with a code that names the limit."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    _at_most("fragments", len(fragments), MAX_FRAGMENTS)
    measure = _Measure()
    for node in (*operations, *fragments.values()):
        measure.directives += len(node.directives or ())
        _count(node.selection_set, measure, 1)
    _at_most("fields", measure.fields, MAX_FIELDS)
    _at_most("aliases", measure.aliases, MAX_ALIASES)
    _at_most("directives", measure.directives, MAX_DIRECTIVES)
    _at_most("fragment spreads", measure.spreads, MAX_SPREADS)
    for node in operations:
        own = [one for one in node.selection_set.selections if not _introspects(one)]
        _at_most("levels", _height(own, fragments, measure.heights), MAX_DEPTH, code="document_too_deep")


def _count(selection_set: SelectionSetNode, measure: _Measure, level: int) -> None:
    """Counts what is written, whatever it expands to."""
    _at_most("levels", level, MAX_INTROSPECTION_DEPTH * 2, code="document_too_deep")
    names: Counter[str] = Counter()
    for node in selection_set.selections:
        measure.directives += len(node.directives or ())
        if isinstance(node, FieldNode):
            measure.fields += 1
            measure.aliases += node.alias is not None
            names[(node.alias or node.name).value] += 1
        elif isinstance(node, FragmentSpreadNode):
            measure.spreads += 1
        if isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set:
            _count(node.selection_set, measure, level + 1)
    _at_most("selections of one field", max(names.values(), default=0), MAX_REPEATS)


def _height(
    selections: "list[SelectionNode] | tuple[SelectionNode, ...]",
    fragments: dict[str, FragmentDefinitionNode],
    heights: dict[str, int],
) -> int:
    """Levels of fields below, with fragments spread. A fragment within itself adds nothing; validation refuses it."""
    tallest = 0
    for node in selections:
        if isinstance(node, FieldNode):
            below = _height(node.selection_set.selections, fragments, heights) if node.selection_set else 0
            tallest = max(tallest, 1 + below)
        elif isinstance(node, InlineFragmentNode):
            tallest = max(tallest, _height(node.selection_set.selections, fragments, heights))
        elif isinstance(node, FragmentSpreadNode):
            tallest = max(tallest, _fragment_height(node.name.value, fragments, heights))
    return tallest


def _fragment_height(name: str, fragments: dict[str, FragmentDefinitionNode], heights: dict[str, int]) -> int:
    if name not in heights:
        heights[name] = 0
        fragment = fragments.get(name)
        if fragment is not None:
            heights[name] = _height(fragment.selection_set.selections, fragments, heights)
    return heights[name]


def _introspects(node: SelectionNode) -> bool:
    """Introspection is deep by its nature; validation has a limit of its own for it."""
    return isinstance(node, FieldNode) and node.name.value in INTROSPECTION


def _at_most(what: str, found: int, limit: int, *, code: str | None = None) -> None:
    if found > limit:
        raise DocumentTooComplexError(
            f"A document may have {limit} {what}; this one has {found}{' or more' if what == 'levels' else ''}. "
            "Split it, or use variables and fewer fields.",
            code=code or f"too_many_{what.replace(' ', '_')}",
        )
