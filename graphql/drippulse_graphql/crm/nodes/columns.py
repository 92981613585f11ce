"""A record's type: its fields are the columns that REST shows, from the same tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar, cast

import orjson
import strawberry
from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    BigInt,
    Boolean,
    Column,
    Date,
    DoublePrecision,
    Integer,
    Numeric,
    SmallInt,
    Text,
    Timestamptz,
)
from strawberry.scalars import JSON

from drippulse.crm.records import SPECS
from drippulse.crm.tables import ActivityType, OpportunityStatus, RecordType
from drippulse_graphql.kit.fields import column, global_id

T = TypeVar("T", bound=type)

strawberry.enum(OpportunityStatus)
strawberry.enum(ActivityType)


@dataclass(frozen=True, slots=True)
class Shown:
    """How a column is answered: its type, its SQL (with `{}` for the column) and how its value is read."""

    type: Any
    sql: str = "{}"
    decode: Callable[[Any], Any] | None = None


SHOWN: Mapping[type[Column], Shown] = {
    UUID: Shown(strawberry.ID, "{}::text"),
    Text: Shown(str),
    BigInt: Shown(strawberry.ID, "{}::text"),
    Integer: Shown(int),
    SmallInt: Shown(int),
    Boolean: Shown(bool),
    DoublePrecision: Shown(float),
    Numeric: Shown(float, "{}::float8"),
    Date: Shown(date),
    Timestamptz: Shown(datetime),
    JSONB: Shown(JSON, decode=orjson.loads),
    Array: Shown(list[str]),
}


def shown_columns(kind: RecordType) -> dict[str, Column]:
    """What REST shows of a record, but for the number that orders the cards of a stage."""
    return {name: stored for name, stored in SPECS[kind].columns.items() if name != "stage_position"}


def row_type(columns: Mapping[str, Column], description: str) -> Callable[[T], T]:
    """Makes the class a type that has its own fields after those of `columns`, over the table as `r`.

    `id` becomes the global id, and `database_id` what REST calls `id`.
    """

    def make(declared: T) -> T:
        own = dict(declared.__annotations__)
        annotations: dict[str, Any] = {"id": strawberry.ID, "database_id": strawberry.ID}
        cast("Any", declared).id = global_id("r.id")
        cast("Any", declared).database_id = column("r.id::text", description="The UUID that REST uses.")
        for name, stored in columns.items():
            if name != "id":
                annotations[name] = _type(stored)
                setattr(declared, name, _field(name, stored))
        declared.__annotations__ = {**annotations, **own}
        return strawberry.type(description=description)(declared)

    return make


def _type(stored: Column) -> Any:
    meta = stored._meta  # pyright: ignore[reportPrivateUsage] - where Piccolo keeps it
    kind: Any = meta.choices or SHOWN[type(stored)].type
    return kind | None if meta.null else kind


def _field(name: str, stored: Column) -> Any:
    meta = stored._meta  # pyright: ignore[reportPrivateUsage] - as above
    shown = SHOWN[type(stored)]
    decode: Any = meta.choices or shown.decode
    return column(shown.sql.replace("{}", f"r.{name}"), decode=decode, description=_sentence(meta.help_text))


def _sentence(text: str | None) -> str | None:
    return f"{text[0].upper()}{text[1:].rstrip('.')}." if text else None
