"""Many rows as one JSON argument, which PostgreSQL reads as a table. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from piccolo.columns import JSONB, Column

from drippulse.crm.records import SPECS, SQL_TYPES
from drippulse.crm.tables import RecordType


def _columns(kind: RecordType) -> dict[str, Column]:
    return {column._meta.name: column for column in SPECS[kind].table._meta.columns}  # pyright: ignore[reportPrivateUsage] - Piccolo's way to list columns


def typed(kind: RecordType, names: Sequence[str]) -> str:
    """The columns of `jsonb_to_recordset`."""
    columns = _columns(kind)
    return ", ".join(f"{name} {SQL_TYPES[type(columns[name])]}" for name in names)


def as_json(kind: RecordType, rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows; JSON columns hold their text."""
    objects = {name for name, column in _columns(kind).items() if isinstance(column, JSONB)}
    encoded = [
        {name: orjson.Fragment(value) if name in objects else value for name, value in row.items()} for row in rows
    ]
    return orjson.dumps(encoded, default=str).decode()
