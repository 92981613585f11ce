"""Every type with a global id, and the one loader that fetches any of them."""

from dataclasses import dataclass

from drippulse_graphql.kit.context import Context
from drippulse_graphql.kit.fields import Table
from drippulse_graphql.kit.ids import Key
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


async def load_nodes(context: Context, keys: list[tuple[str, Key]]) -> list[Row | None]:
    """Rows by (type name, key); None for what is unknown, deleted or of another organization."""
    wanted: dict[str, list[Key]] = {}
    for name, key in keys:
        if name in NODE_TYPES and fits(NODE_TYPES[name].table, key):
            wanted.setdefault(name, []).append(key)
    found: dict[tuple[str, Key], Row | None] = {}
    for name, those in wanted.items():
        known = NODE_TYPES[name]
        rows = await rows_by_key(context, known.table, known.selection, those)
        found.update(zip(((name, key) for key in those), rows, strict=True))
    return [found.get(key) for key in keys]


def fits(table: Table, key: Key) -> bool:
    """Whether a row of `table` could have this key."""
    return isinstance(key, int) == (table.key_type == "bigint")
