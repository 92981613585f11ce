"""Every type with a global id, and the one loader that fetches any of them."""

from dataclasses import dataclass

from drippulse_graphql.kit.context import Context
from drippulse_graphql.kit.fields import Table
from drippulse_graphql.kit.rows import rows_by_key
from drippulse_graphql.kit.selection import Row, Selection


@dataclass(frozen=True, slots=True)
class NodeType:
    """Where a type's rows are and what is read of them."""

    name: str
    table: Table
    selection: Selection


NODE_TYPES: dict[str, NodeType] = {}


def node_type(declared: type, table: Table) -> NodeType:
    """Registers a type once its class is complete."""
    made = NodeType(declared.__name__, table, Selection(declared))
    NODE_TYPES[made.name] = made
    return made


async def load_nodes(context: Context, keys: list[tuple[str, int]]) -> list[Row | None]:
    """Rows by (type name, integer id); None for what is unknown, deleted or of another organization."""
    wanted: dict[str, list[int]] = {}
    for name, number in keys:
        wanted.setdefault(name, []).append(number)
    found: dict[tuple[str, int], Row | None] = {}
    for name, numbers in wanted.items():
        known = NODE_TYPES.get(name)
        rows = [None] * len(numbers) if known is None else await _rows(context, known, numbers)
        found.update(zip(((name, number) for number in numbers), rows, strict=True))
    return [found[key] for key in keys]


async def _rows(context: Context, known: NodeType, numbers: list[int]) -> list[Row | None]:
    return await rows_by_key(context, known.table, known.selection, numbers)
