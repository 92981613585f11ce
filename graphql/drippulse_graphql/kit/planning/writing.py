"""From a tree and the shape of its arguments to SQL, and to what fills in its parameters. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias, cast

import orjson

from drippulse.organizations.policy import Principal
from drippulse_graphql.kit.planning.arguments import Call, KeyCall, ListCall
from drippulse_graphql.kit.planning.tree import (
    Asked,
    Cell,
    Constant,
    Credential,
    Cursor,
    Each,
    Members,
    Newer,
    Paged,
    PageEnd,
    Rows,
    Single,
    Total,
    Tree,
    Value,
)
from drippulse_graphql.kit.planning.values import MISSING, cursor, literal

ORGANIZATION = "$1"
ABSENT = f"{literal(orjson.dumps(MISSING).decode())}::json"
Fill: TypeAlias = Callable[[Sequence[Call], Principal], Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """A SELECT of one JSON text, what the answer has as `data`; `fills` give its parameters from $1 on."""

    sql: str
    fills: tuple[Fill, ...]

    def values(self, calls: Sequence[Call], principal: Principal) -> list[Any]:
        return [fill(calls, principal) for fill in self.fills]


def write(tree: Tree, calls: Sequence[Call]) -> Statement:
    """Of `calls` only their shapes count."""
    writer = _Writer(calls)
    sql = f"SELECT ({writer.json_object(tree.root.values, '')})::text FROM (SELECT {ORGANIZATION}::bigint) AS o"
    return Statement(sql, tuple(writer.fills))


class _Writer:
    def __init__(self, calls: Sequence[Call]) -> None:
        self._calls = calls
        self._names = 0
        self.fills: list[Fill] = [lambda _, caller: caller.organization_id]

    def json_object(self, values: Mapping[str, Value], row: str) -> str:
        """`row`: the alias of the rows that the values are over."""
        inner = ", ".join(f"'{key}', {self._value(value, row)}" for key, value in values.items())
        return f"json_build_object({inner})"

    def _value(self, value: Value, row: str) -> str:
        match value:
            case Constant(json):
                return f"{literal(json)}::json"
            case Cell(alias):
                return f"{row}.{alias}"
            case Members(values, absent):
                made = self.json_object(values, row)
                return made if absent is None else f"CASE WHEN {row}.{absent} THEN NULL ELSE {made} END"
            case Credential():
                return self.parameter(_credential(value), "json")
            case Single():
                return self._single(value, row)
            case Asked():
                return self._asked(value)
            case Newer():
                return self._newer(value, row)
            case Paged():
                return self._paged(value, row)
            case Each() | Total() | Cursor() | PageEnd():
                raise AssertionError("only inside a connection")

    def parameter(self, fill: Fill, kind: str | None = None) -> str:
        """Its number, with its type unless its place says that."""
        self.fills.append(fill)
        return f"${len(self.fills)}" if kind is None else f"${len(self.fills)}::{kind}"

    def name(self) -> str:
        """For rows; no two have the same, so that inner ones hide none."""
        self._names += 1
        return f"q{self._names}"

    def _single(self, single: Single, row: str) -> str:
        table = single.rows.table
        key = ORGANIZATION if single.key is None else f"{row}.{single.key}"
        found = self._row(single.rows, single.members, f"{table.key} = {key}")
        return f"coalesce({found}, {ABSENT})" if single.required else found

    def _asked(self, asked: Asked) -> str:
        table = asked.rows.table
        key = self.parameter(_key(asked.place), table.key_type)
        return self._row(asked.rows, asked.members, f"{table.key} = {key}")

    def _row(self, rows: Rows, members: Members, condition: str) -> str:
        name = self.name()
        made = self.json_object(members.values, name)
        source = _select(rows, [condition])
        return f"(SELECT {made} FROM ({source}) AS {name})"

    def _newer(self, newer: Newer, row: str) -> str:
        name, most = self.name(), self._calls[newer.place].size
        made = self.json_object(newer.members.values, name)
        children = newer.children
        source = _select(newer.rows, [f"{children.parent} = {row}.{newer.key}"])
        source = f"{source} ORDER BY {children.newest_first} LIMIT {most}"
        numbered = f"SELECT row_number() OVER () AS n, s.* FROM ({source}) AS s"
        return f"(SELECT coalesce(json_agg({made} ORDER BY {name}.n DESC), '[]'::json) FROM ({numbered}) AS {name})"

    def _paged(self, paged: Paged, row: str) -> str:
        return _Page(self, paged, cast("ListCall", self._calls[paged.place]), row).sql()


class _Page:
    """One connection: its rows `q`, numbered from 1 in the direction of reading, and around them `r`."""

    def __init__(self, writer: _Writer, paged: Paged, call: ListCall, row: str) -> None:
        self._writer, self._paged, self._call, self._row = writer, paged, call, row
        self._rows, self._around = writer.name(), writer.name()
        self._made: dict[str, str] = {}
        self._counted = False

    @property
    def _size(self) -> int:
        """How many rows are shown. Whoever asks needs the rows. It is no parameter: without knowing it PostgreSQL would
        plan anew each time, which takes as long as the statement."""
        self._counted = True
        return self._call.size

    def sql(self) -> str:
        paged = self._paged
        parts = ", ".join(f"'{key}', {self._part(value)}" for key, value in paged.values.items())
        if not self._counted:  # nothing of it is about its rows
            return f"json_build_object({parts})"
        columns = [f"{self._rows}.n", *(f"{sql} AS {alias}" for sql, alias in self._made.items())]
        if paged.cursors:
            columns.append(f"{self._cursor()} AS cur")
        inner = f"SELECT {', '.join(columns)} FROM ({self._numbered()}) AS {self._rows}"
        return f"(SELECT json_build_object({parts}) FROM ({inner}) AS {self._around})"

    @cached_property
    def _where(self) -> list[str]:
        listing = self._call.listing
        found: list[str] = []
        for index, condition in enumerate(listing.conditions):
            number = self._writer.parameter(_condition(self._paged.place, index))
            found.append(condition.sql.replace("{}", number))
        if listing.parent is not None:
            found.append(f"{listing.parent} = {self._row}.{self._paged.below}")
        return found

    def _numbered(self) -> str:
        paged, listing, page = self._paged, self._call.listing, self._call.page
        table, order = listing.table, listing.order
        descending = order.descending != page.backward
        by_key = order.sql == table.key
        where = [*self._where]
        if page.bound is not None:
            where.append(self._beyond(by_key, "<" if descending else ">"))
        direction = "DESC" if descending else "ASC"
        ordering = f"{table.key} {direction}" if by_key else f"{order.sql} {direction}, {table.key} {direction}"
        extra = [f"({order.sql})::text AS v", f"{table.key} AS p"] if paged.cursors else []
        limit = self._size + 1 if paged.more else self._size
        source = f"{_select(paged.rows, where, extra)} ORDER BY {ordering} LIMIT {limit}"
        return f"SELECT row_number() OVER () AS n, s.* FROM ({source}) AS s"

    def _beyond(self, by_key: bool, sign: str) -> str:
        table, order = self._call.listing.table, self._call.listing.order
        key = self._writer.parameter(_bound_key(self._paged.place), table.key_type)
        if by_key:
            return f"{table.key} {sign} {key}"
        value = self._writer.parameter(_bound_value(self._paged.place), "text")
        return f"({order.sql}, {table.key}) {sign} ({value}::{order.cast}, {key})"

    def _cursor(self) -> str:
        scope = self._writer.parameter(_scope(self._paged.place), "text")
        if self._paged.below is not None:
            scope = f"{scope} || '.' || {self._row}.{self._paged.below}"
        return cursor(scope, f"{self._rows}.v", f"{self._rows}.p", self._call.listing.table.key_type)

    def _part(self, value: Value) -> str:
        match value:
            case Constant(json):
                return f"{literal(json)}::json"
            case Each(members, None):
                return self._aggregate(self._of(self._writer.json_object(cast("Members", members).values, self._rows)))
            case Each(_, edge):
                return self._aggregate(self._edge(edge or {}))
            case Total():
                table = self._call.listing.table
                where = " AND ".join([f"{table.organization} = {ORGANIZATION}", table.live, *self._where])
                return f"(SELECT count(*) FROM {table.rows} WHERE {where})"
            case Members(values):
                parts = ", ".join(f"'{key}', {self._end(one)}" for key, one in values.items())
                return f"json_build_object({parts})"
            case _:
                raise AssertionError("not in a connection")

    def _of(self, sql: str) -> str:
        """The column around that holds what `sql` makes of a row."""
        return f"{self._around}.{self._made.setdefault(sql, f'j{len(self._made)}')}"

    def _edge(self, edge: Mapping[str, Value]) -> str:
        parts: list[str] = []
        for key, value in edge.items():
            if isinstance(value, Members):
                made = self._of(self._writer.json_object(value.values, self._rows))
            else:
                made = f"{self._around}.cur" if isinstance(value, Cursor) else self._part(value)
            parts.append(f"'{key}', {made}")
        return f"json_build_object({', '.join(parts)})"

    def _aggregate(self, made: str) -> str:
        direction = "DESC" if self._call.page.backward else "ASC"
        within = f" FILTER (WHERE {self._around}.n <= {self._size})"
        shown = within if self._paged.more else ""
        return f"coalesce(json_agg({made} ORDER BY {self._around}.n {direction}){shown}, '[]'::json)"

    def _end(self, value: Value) -> str:
        if isinstance(value, Constant):
            return f"{literal(value.json)}::json"
        name, backward = cast("PageEnd", value).name, self._call.page.backward
        if name.startswith("has"):
            ahead = name == ("hasPreviousPage" if backward else "hasNextPage")
            bounded = "true" if self._call.page.bound is not None else "false"
            return f"(count(*) > {self._size})" if ahead else bounded
        first = (name == "startCursor") != backward
        last = f"least(count(*), {self._size})"
        return f"(array_agg({self._around}.cur ORDER BY {self._around}.n))[{'1' if first else last}]"


def _select(rows: Rows, conditions: Sequence[str], extra: Sequence[str] = ()) -> str:
    table = rows.table
    columns = [*(f"{sql} AS {alias}" for sql, alias in rows.columns.items()), *extra]
    where = " AND ".join([f"{table.organization} = {ORGANIZATION}", table.live, *conditions])
    return f"SELECT {', '.join(columns)} FROM {table.source} WHERE {where}"


def _credential(value: Credential) -> Fill:
    return lambda _, caller: orjson.dumps(value.encode(value.known.read(caller))).decode()


def _key(place: int) -> Fill:
    return lambda calls, _: cast("KeyCall", calls[place]).key


def _condition(place: int, index: int) -> Fill:
    return lambda calls, _: cast("ListCall", calls[place]).listing.conditions[index].value


def _scope(place: int) -> Fill:
    return lambda calls, _: cast("ListCall", calls[place]).scope


def _bound_key(place: int) -> Fill:
    return lambda calls, _: _bound(calls, place).key


def _bound_value(place: int) -> Fill:
    return lambda calls, _: _bound(calls, place).value


def _bound(calls: Sequence[Call], place: int) -> Any:
    return cast("ListCall", calls[place]).page.bound
