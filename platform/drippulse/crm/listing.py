"""What lists of records filter and sort by: every column of the table by its type, references by either id, tags."""

from collections.abc import Mapping
from functools import cache

from piccolo.columns import UUID, BigInt, Column, Date, DoublePrecision, Integer, Numeric, SmallInt, Text, Timestamptz

from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.filters import Field, Kind, Operator
from drippulse.kit.pagination import Sort

KINDS: Mapping[type[Column], Kind] = {
    Text: Kind.TEXT,
    BigInt: Kind.INTEGER,
    Integer: Kind.INTEGER,
    SmallInt: Kind.INTEGER,
    DoublePrecision: Kind.NUMBER,
    Numeric: Kind.NUMBER,
    Date: Kind.TIMESTAMP,
    Timestamptz: Kind.TIMESTAMP,
    UUID: Kind.UUID,
}
"""Columns of other types (objects, tags) have filters of their own, or none."""
PLACES = {"pipeline_id": "pipeline", "pipeline_stage_id": "pipeline_stage"}
"""Columns that hold the id of something that is no record, and its table."""
ONLY_SAME = (Operator.EQ, Operator.NE, Operator.EXISTS)
TAGS = Field(Kind.TEXT, "A tag; with commas records that have any of them.", operators=(Operator.EQ,))


def fields_of(kind: RecordType) -> dict[str, Field]:
    """Filter name -> what it takes."""
    spec = SPECS[kind]
    fields: dict[str, Field] = {}
    for name, column in spec.columns.items():
        if name in spec.references or name in PLACES:
            fields[name] = Field(Kind.TEXT, "UUID or public id.", operators=ONLY_SAME)
        elif choices := column._meta.choices:  # pyright: ignore[reportPrivateUsage] - where Piccolo keeps them
            fields[name] = Field(Kind.TEXT, f"The {_words(name)}.", choices=tuple(member.value for member in choices))
        elif found := KINDS.get(type(column)):
            fields[name] = Field(found, f"The {_words(name)}.")
    return {**fields, "tags": TAGS}


def columns_of(kind: RecordType) -> dict[str, str]:
    """Filter name -> its SQL expression over the table as `r`; of all filters but `tags`."""
    columns = {name: column for name, column in SPECS[kind].columns.items() if type(column) in KINDS}
    return {
        name: f"r.{name}::timestamptz" if isinstance(column, Date) else f"r.{name}" for name, column in columns.items()
    }


def targets_of(kind: RecordType) -> dict[str, str]:
    """Column -> table of what its id belongs to."""
    spec = SPECS[kind]
    own = {name: target.value for name, target in spec.references.items()}
    return own | {name: table for name, table in PLACES.items() if name in spec.columns}


@cache
def sorts_of(kind: RecordType) -> Mapping[str, Sort]:
    """Sort name -> its expression: `created_at` (the key itself, newest first) and every scalar column."""
    sorts = {"created_at": Sort("r.id", Kind.UUID)}
    for name, column in SPECS[kind].columns.items():
        found = KINDS.get(type(column))
        if found is Kind.TEXT and not name.endswith("_id"):
            sorts[name] = Sort(f"lower(r.{name})", Kind.TEXT)
        elif found not in (None, Kind.TEXT, Kind.UUID) and name != "created_at":
            sorts[name] = Sort(_expression(name, column), found)
    return sorts


def _expression(name: str, column: Column) -> str:
    return f"r.{name}::timestamptz" if isinstance(column, Date) else f"r.{name}"


def _words(name: str) -> str:
    return name.replace("_", " ")
