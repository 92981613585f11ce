"""Rows by their key, and the rows that belong to a parent, each for many keys in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass

from drippulse.kit.db import Record
from drippulse.kit.errors import ValidationError
from drippulse_graphql.kit.context import MAX_ROWS, Context
from drippulse_graphql.kit.fields import Table
from drippulse_graphql.kit.ids import Key
from drippulse_graphql.kit.limits import DocumentTooComplexError
from drippulse_graphql.kit.pages import array_type
from drippulse_graphql.kit.selection import Row, Selection

KEY = "#key"
PARENT = "#parent"
MAX_LAST = 2000


async def rows_by_key(context: Context, table: Table, selection: Selection, keys: Sequence[Key]) -> list[Row | None]:
    """In the order of `keys`; None for what is unknown, deleted or of another organization."""
    records = await context.session.fetch(
        f'SELECT {selection.sql}, {table.key} AS "{KEY}" FROM {table.source} '
        f"WHERE {table.organization} = $1 AND {table.live} AND {table.key} = ANY($2::{table.key_type}[])",
        context.organization_id,
        list(keys),
    )
    found = {record[KEY]: selection.row(record) for record in records}
    return [found.get(key) for key in keys]


@dataclass(frozen=True, eq=False, slots=True)
class Children:
    """Rows below a parent, newest last. `newest_first` is their ORDER BY."""

    table: Table
    selection: Selection
    parent: str
    newest_first: str


async def newest_children(context: Context, children: Children, keys: Sequence[tuple[Key, int]]) -> list[list[Row]]:
    """For each (parent, how many): its newest rows, oldest first. Raises DocumentTooComplexError."""
    table = children.table
    records = await context.session.fetch(
        f'SELECT p.id AS "{PARENT}", p.most AS "{KEY}", l.* '
        f"FROM unnest($2::{array_type([parent for parent, _ in keys])}, $3::int[]) AS p(id, most) CROSS JOIN LATERAL ("
        f"SELECT {children.selection.sql} FROM {table.source} WHERE {table.organization} = $1 AND {table.live} "
        f"AND {children.parent} = p.id ORDER BY {children.newest_first} LIMIT p.most) AS l LIMIT $4",
        context.organization_id,
        [parent for parent, _ in keys],
        [most for _, most in keys],
        context.rows_left + 1,
    )
    context.rows_left -= len(records)
    if context.rows_left < 0:
        raise DocumentTooComplexError(
            f"This operation reads more than {MAX_ROWS} entries of timelines, deliveries and events. Ask for fewer "
            "with `last`, or for fewer enrollments at a time.",
            code="too_many_rows",
        )
    found: dict[tuple[Key, int], list[Record]] = {}
    for record in records:
        found.setdefault((record[PARENT], record[KEY]), []).append(record)
    return [[children.selection.row(record) for record in reversed(found.get(key, []))] for key in keys]


def checked_last(last: int) -> int:
    """Raises ValidationError."""
    if not 1 <= last <= MAX_LAST:
        sentence = f"last must be from 1 to {MAX_LAST}; it is {last}."
        raise ValidationError(sentence, errors={"last": [sentence]})
    return last
