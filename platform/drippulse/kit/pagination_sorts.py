"""The order of a list in SQL, and the part of it behind a cursor (keyset paging)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from drippulse.kit.filters import Column, Kind
from drippulse.kit.pagination_cursors import Position

if TYPE_CHECKING:
    from drippulse.kit.pagination import PageRequest


@dataclass(frozen=True, slots=True)
class Sort:
    """A column to sort by. With its kind a cursor can follow it; the key itself needs none."""

    sql: str | Column
    kind: Kind | None = None


Sorts: TypeAlias = Mapping[str, str | Sort]


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a list's statement.

    Args:
        sql: ` [AND ...] ORDER BY ... LIMIT ... OFFSET ...`, to follow a WHERE that has a condition.
        value: the expression to select `AS cursor_value`, which `cursor_after` needs; `NULL` in the newest-first order.
    """

    sql: str
    value: str


def kind_of(sort: str | Sort) -> Kind | None:
    return sort.kind if isinstance(sort, Sort) else None


def order_by(sort: str, sorts: Mapping[str, str], tie_breaker: str) -> str:
    """The ORDER BY list for a checked `sort`; ties go to the newer row."""
    return _order(sorts[sort.removeprefix("-")], tie_breaker, descending=sort.startswith("-"))


def tail(page: "PageRequest", sorts: Sorts, key: str, args: list[Any]) -> Tail:
    """Order, cursor and part of a list.

    Args:
        sorts: what it sorts by; the one whose SQL is `key` is the newest-first order.
        key: the id column, which is unique, never null and rises with time.
        args: the arguments of the statement so far; more are added.
    """
    sort = sorts[page.sort.removeprefix("-")]
    descending = page.sort.startswith("-")
    sql = _expression(sort, args)
    by = _order(sql, key, descending=descending)
    after = _after(page.after, page.sort, sql, kind_of(sort), key, args) if page.after is not None else ""
    args += [page.fetch, page.offset]
    return Tail(f"{after} ORDER BY {by} LIMIT ${len(args) - 1} OFFSET ${len(args)}", "NULL" if sql == key else sql)


def _expression(sort: str | Sort, args: list[Any]) -> str:
    column = sort.sql if isinstance(sort, Sort) else sort
    if isinstance(column, str):
        return column
    places = [f"${len(args) + 1 + at}" for at in range(len(column.args))]
    args += column.args
    return column.sql.format(*places)


def _order(expression: str, key: str, *, descending: bool) -> str:
    direction = "DESC" if descending else "ASC"
    if expression == key:
        return f"{key} {direction}"  # never null; NULLS LAST would keep the index from being used
    return f"{expression} {direction} NULLS LAST, {key} DESC"


def _after(after: Position, order: str, sql: str, kind: Kind | None, key: str, args: list[Any]) -> str:
    args.append(after.key)
    behind = f"{key} {'<' if sql != key or order.startswith('-') else '>'} ${len(args)}"
    if sql == key:
        return f" AND {behind}"
    if after.value is None:
        return f" AND {sql} IS NULL AND {behind}"
    args.append(after.value)
    value = f"${len(args)}::{kind}"
    compared = f"{sql} {'<' if order.startswith('-') else '>'} {value}"
    return f" AND ({compared} OR ({sql} = {value} AND {behind}) OR {sql} IS NULL)"


def shown(rows: Sequence[Any], page: "PageRequest") -> tuple[Sequence[Any], str | None]:
    """The rows of this part, and the cursor of the next; rows have `id` and, where `Tail.value` is selected,
    `cursor_value`."""
    if page.limit is None or len(rows) <= page.limit:
        return rows, None
    last = rows[page.limit - 1]
    return rows[: page.limit], page.cursor_after(last["id"], last.get("cursor_value"))
