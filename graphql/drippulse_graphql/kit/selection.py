"""From a type's field declarations to the columns it selects, and from a database row to what its fields read."""

from collections.abc import Callable
from typing import Any, TypeAlias, cast

from strawberry.types import get_object_definition
from strawberry.types.base import StrawberryContainer

from drippulse.kit.db import Record
from drippulse_graphql.kit.fields import (
    Column,
    Connected,
    Embedded,
    GlobalId,
    Newest,
    Resolved,
    ToOne,
    key_alias,
    source_of,
)
from drippulse_graphql.kit.ids import encode_id

Row: TypeAlias = dict[str, Any]
"""What a type's fields read from: values by the field's Python name, and the keys that relations asked for."""

TYPENAME = "__typename"
ABSENT = "?"


class Selection:
    """The SELECT list of one type and the way back. Built once per type, from its declarations."""

    def __init__(self, declared: type, prefix: str = "", absent: str | None = None) -> None:
        self._name = get_object_definition(declared, strict=True).name
        self._prefix = prefix
        self._columns: dict[str, str] = {}
        self._values: list[tuple[str, str, Callable[[Any], Any] | None]] = []
        self._embedded: list[tuple[str, Selection]] = []
        self._absent = f"{prefix}{ABSENT}" if absent else None
        if absent:
            self._columns[f"{prefix}{ABSENT}"] = absent
        for field in get_object_definition(declared, strict=True).fields:
            self._add(field.python_name, field.type, source_of(field))
        self.sql = ", ".join(f'{sql} AS "{alias}"' for alias, sql in self._all().items())

    def _add(self, name: str, type_: object, source: object) -> None:
        match source:
            case Column(sql, decode):
                self._add_column(name, sql, decode)
            case GlobalId(sql):
                self._add_column(name, sql, lambda value: encode_id(self._name, value))
            case Embedded(absent):
                inner = type_.of_type if isinstance(type_, StrawberryContainer) else type_
                self._embedded.append((name, Selection(cast("type", inner), f"{self._prefix}{name}.", absent)))
            case ToOne(_, key) | Newest(_, key) | Connected(_, str(key)):
                self._add_column(key_alias(key), key, None)
            case Resolved(keys):
                for key, sql in keys.items():
                    self._add_column(key, sql, None)
            case _:
                raise TypeError(f"{self._name}.{name} does not declare where its value comes from")

    def _add_column(self, name: str, sql: str, decode: Callable[[Any], Any] | None) -> None:
        alias = self._prefix + name
        if self._columns.setdefault(alias, sql) != sql:
            raise TypeError(f"{self._name} names two different columns {name}")
        if all(known != name for known, _, _ in self._values):
            self._values.append((name, alias, decode))

    def _all(self) -> dict[str, str]:
        found = dict(self._columns)
        for _, inner in self._embedded:
            found.update(inner._all())
        return found

    def row(self, record: Record) -> Row:
        row: Row = {TYPENAME: self._name}
        for name, alias, decode in self._values:
            value = record[alias]
            row[name] = value if decode is None or value is None else decode(value)
        for name, inner in self._embedded:
            row[name] = inner._row_or_none(record)
        return row

    def _row_or_none(self, record: Record) -> Row | None:
        return None if self._absent is not None and record[self._absent] else self.row(record)
