"""Records as answers have them. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from operator import itemgetter
from typing import Any, Protocol

import orjson
from piccolo.columns import JSONB, UUID, Array, Column, Date, Numeric
from piccolo.columns import Timestamptz as Timestamp

from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.clock import isoformat

Convert = Callable[[Any], Any]


class Row(Protocol):
    """A database record, or anything else with these columns."""

    def __getitem__(self, column: str, /) -> Any: ...


def _day(value: date) -> str:
    return value.isoformat()


def _moment(value: datetime) -> str:
    return isoformat(value)


def _number(value: Decimal) -> float | int:
    return int(value) if value == value.to_integral_value() else float(value)


def _json(text: str) -> Any:
    return {} if text == "{}" else orjson.loads(text)


CONVERTERS: Mapping[type[Column], Convert] = {
    UUID: str,
    JSONB: _json,
    Array: list,
    Numeric: _number,
    Date: _day,
    Timestamp: _moment,
}


@cache
def _reader(kind: RecordType) -> tuple[Sequence[str], Callable[[Row], tuple[Any, ...]], Sequence[tuple[str, Convert]]]:
    """The names of the columns, what takes all their values at once, and what is not shown as it is."""
    columns = SPECS[kind].columns
    converted = [(name, CONVERTERS[type(column)]) for name, column in columns.items() if type(column) in CONVERTERS]
    return tuple(columns), itemgetter(*columns), converted


def present(kind: RecordType, row: Row) -> dict[str, Any]:
    """The record as JSON has it: ids as text, times in UTC with `Z`, amounts as numbers."""
    names, values, converted = _reader(kind)
    shown: dict[str, Any] = dict(zip(names, values(row), strict=True))
    for name, convert in converted:
        value = shown[name]
        if value is not None:
            shown[name] = convert(value)
    return shown


def present_column(kind: RecordType, name: str, value: Any) -> Any:
    """One value as `present` shows it."""
    convert = CONVERTERS.get(type(SPECS[kind].columns[name]))
    return value if value is None or convert is None else convert(value)
