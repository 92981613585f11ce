"""Field declarations: where each field's value comes from, written beside the field and nowhere else.

`source_of(field)` reads a declaration back. A `Column` and an `Embedded` are pure SQL over the type's `Table`, a
`Relation` says how another type's rows are joined, and a `Resolved` field is made in Python from the columns it names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.types.field import StrawberryField

SOURCE = "drippulse.source"
Resolver: TypeAlias = Callable[..., Any]
Keys: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """Where a type's rows are: `FROM {source} WHERE {organization} = $1 AND {live}`, each row known by `key`."""

    source: str
    organization: str
    key: str
    live: str = "true"


@dataclass(frozen=True, slots=True)
class Column:
    """A column or an expression over the type's table. `decode` turns its value, unless null, into the field's."""

    sql: str
    decode: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class GlobalId:
    """The Relay id made of the type's name and this integer column."""

    sql: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """An object whose own columns are expressions over the same row; null where `absent` (a condition) holds."""

    absent: str | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows of the field's type, joined `ON {on}`; `keys` are the columns of this row that the loader asks by."""

    on: str
    keys: Keys


@dataclass(frozen=True, slots=True)
class Resolved:
    """Made in Python; `keys` are the columns of this row that it needs, by the name it reads them under."""

    keys: Keys = field(default_factory=dict[str, str])


Source: TypeAlias = Column | GlobalId | Embedded | Relation | Resolved


def column(sql: str, *, decode: Callable[[Any], Any] | None = None, description: str | None = None) -> Any:
    return _declared(Column(sql, decode), description=description)


def global_id(sql: str) -> Any:
    return _declared(GlobalId(sql), description="Global id, for `node` and everywhere an id is asked for.")


def embedded(*, absent: str | None = None, description: str | None = None) -> Any:
    return _declared(Embedded(absent), description=description)


def relation(resolver: Resolver, *, on: str, keys: Keys, description: str | None = None) -> Any:
    return _declared(Relation(on, keys), resolver=resolver, description=description)


def resolved(
    resolver: Resolver,
    *,
    keys: Keys | None = None,
    description: str | None = None,
    extensions: list[FieldExtension] | None = None,
) -> Any:
    return _declared(Resolved(keys or {}), resolver=resolver, description=description, extensions=extensions)


def source_of(declared: StrawberryField) -> Source | None:
    """The declaration of a field; None for members of plain values (page infos, payloads)."""
    return declared.metadata.get(SOURCE)


def _declared(
    source: Source,
    *,
    resolver: Resolver | None = None,
    description: str | None = None,
    extensions: list[FieldExtension] | None = None,
) -> Any:
    return cast("Any", strawberry.field)(
        resolver=resolver, description=description, metadata={SOURCE: source}, extensions=extensions or []
    )
