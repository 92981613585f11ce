"""Filters of lists: `status=active,paused`, `created_at[gte]=2026-01-01`. Pure: from texts to typed values, and to SQL.

Several filters must all hold. Commas mean any of (`ne`: none of); `\\,` is a comma within a value. Text is compared as
it is, except by `contains` and `starts_with`, which do not look at upper and lower case. `ne` lets empty columns
through. Nothing that a caller sends becomes SQL: names are looked up, values are arguments.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final, TypeAlias
from uuid import UUID

from drippulse.kit.errors import ValidationError
from drippulse.kit.ids import MAX_ID
from drippulse.kit.text import did_you_mean

MAX_VALUES: Final = 100
MAX_TEXTS: Final = 20
MAX_TEXT: Final = 200
MAX_SINGLE_TEXT: Final = 1000
"""Together they fit into the 64 KiB of a request's address, in any script."""
MAX_DIGITS: Final = 40
MAX_EXPONENT: Final = 400
_NAME = re.compile(r"(?P<name>[^\[\]]+)(?:\[(?P<operator>[^\[\]]*)\])?")
_WHOLE = re.compile(rf"-?[0-9]{{1,{MAX_DIGITS}}}")
_SEPARATOR = re.compile(r"(?<!\\),")


class Kind(StrEnum):
    """What a column holds; the value is PostgreSQL's type for arguments that it is compared with."""

    TEXT = "text"
    INTEGER = "bigint"
    NUMBER = "numeric"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamptz"
    UUID = "uuid"


class Operator(StrEnum):
    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    EXISTS = "exists"


SAME: Final = (Operator.EQ, Operator.NE)
ORDERED: Final = (*SAME, Operator.GTE, Operator.GT, Operator.LTE, Operator.LT, Operator.EXISTS)
OPERATORS: Final[Mapping[Kind, tuple[Operator, ...]]] = {
    Kind.TEXT: (*SAME, Operator.CONTAINS, Operator.STARTS_WITH, Operator.EXISTS),
    Kind.INTEGER: ORDERED,
    Kind.NUMBER: ORDERED,
    Kind.BOOLEAN: (*SAME, Operator.EXISTS),
    Kind.TIMESTAMP: ORDERED,
    Kind.UUID: (*SAME, Operator.EXISTS),
}
COMPARED: Final = {Operator.GT: ">", Operator.GTE: ">=", Operator.LT: "<", Operator.LTE: "<="}


@dataclass(frozen=True, slots=True)
class Field:
    """A column that callers may filter by.

    Args:
        choices: the only values there are.
        operators: instead of all that fit the kind.
        single: one value alone; a comma is part of it.
        least, most: the range of a whole number.
        enum: whose values the choices are.
        read: from a text to the value, for ids that look otherwise than the column (`cnt_...`); raises ValueError.
    """

    kind: Kind
    description: str
    choices: tuple[str, ...] = ()
    enum: type[StrEnum] | None = None
    operators: tuple[Operator, ...] = ()
    single: bool = False
    least: int | None = None
    most: int | None = None
    read: Callable[[str], Any] | None = None

    @property
    def allowed(self) -> tuple[Operator, ...]:
        return self.operators or ((*SAME, Operator.EXISTS) if self.choices or self.read else OPERATORS[self.kind])

    @property
    def values(self) -> int:
        """The most that it takes at once."""
        return MAX_TEXTS if self.kind is Kind.TEXT and not self.choices else MAX_VALUES

    @property
    def longest(self) -> int:
        """Characters of a text."""
        return MAX_SINGLE_TEXT if self.single else MAX_TEXT


def text(description: str, **more: Any) -> Field:
    return Field(Kind.TEXT, description, **more)


def integer(description: str, **more: Any) -> Field:
    return Field(Kind.INTEGER, description, **more)


def number(description: str, **more: Any) -> Field:
    return Field(Kind.NUMBER, description, **more)


def boolean(description: str, **more: Any) -> Field:
    return Field(Kind.BOOLEAN, description, **more)


def timestamp(description: str, **more: Any) -> Field:
    return Field(Kind.TIMESTAMP, description, **more)


def uuid(description: str, **more: Any) -> Field:
    return Field(Kind.UUID, description, **more)


def choice(values: type[StrEnum] | Sequence[str], description: str, **more: Any) -> Field:
    enum = values if isinstance(values, type) else None
    return Field(Kind.TEXT, description, choices=tuple(str(value) for value in values), enum=enum, **more)


def exact(field: Field) -> Field:
    """`field` with one value and no operators, for queries that take nothing else."""
    return replace(field, operators=(Operator.EQ,), single=True)


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition: `values` has one, or several of which any will do; EXISTS has True or False."""

    name: str
    kind: Kind
    operator: Operator
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """An SQL expression with arguments of its own: `Column("(c.custom ->> {0})::numeric", ("score",))`."""

    sql: str
    args: tuple[Any, ...] = ()


Columns: TypeAlias = Mapping[str, str | Column]


def split_name(parameter: str) -> tuple[str, str]:
    """`created_at[gte]` as its name and operator; `eq` without one. Other shapes are a name as a whole."""
    found = _NAME.fullmatch(parameter)
    return (found["name"], found["operator"] if found["operator"] is not None else "eq") if found else (parameter, "eq")


def read_filters(parameters: Mapping[str, str], fields: Mapping[str, Field]) -> tuple[Filter, ...]:
    """The conditions that these query parameters make; every name before the bracket is one of `fields`.

    Raises:
        ValidationError: an operator or a value does not fit; `errors` names each parameter.
    """
    filters: list[Filter] = []
    errors: dict[str, list[str]] = {}
    for parameter, given in parameters.items():
        name, operator = split_name(parameter)
        try:
            filters.append(_read(name, operator, given, fields[name]))
        except ValueError as error:
            errors[parameter] = [str(error)]
    if errors:
        first = next(iter(errors))
        raise ValidationError(errors[first][0], errors=errors)
    return tuple(filters)


def where(filters: Sequence[Filter], columns: Columns, args: list[Any]) -> str:
    """The conditions as ` AND ...`, to follow a WHERE that has one; empty without filters.

    Args:
        columns: the SQL expression behind each name.
        args: the arguments of the statement so far; those of the conditions are added.
    """
    return "".join(f" AND {_condition(one, _expression(columns[one.name], args), args)}" for one in filters)


def value_of(filters: Sequence[Filter], name: str) -> Any:
    """The value of a filter that takes a single one and no operator; None when it is not given."""
    return next((one.values[0] for one in filters if one.name == name), None)


def read_value(kind: Kind, given: str) -> Any:
    """Raises ValueError with a sentence that begins with "must"."""
    return READERS[kind](given)


def _read(name: str, operator: str, given: str, field: Field) -> Filter:
    known = [str(one) for one in field.allowed]
    if operator not in known:
        raise ValueError(
            f'"{operator}" is not an operator of {name}.{did_you_mean(operator, known)} It takes {", ".join(known)}.'
        )
    chosen = Operator(operator)
    if chosen is Operator.EXISTS:
        return Filter(name, field.kind, chosen, (_value(name, Field(Kind.BOOLEAN, ""), given),))
    parts = _parts(given) if chosen in SAME and not field.single else [given]
    if len(parts) > field.values:
        raise ValueError(f"{name} takes up to {field.values} values.")
    return Filter(name, field.kind, chosen, tuple(_value(name, field, part) for part in parts))


def _parts(given: str) -> list[str]:
    return [part.replace("\\,", ",") for part in _SEPARATOR.split(given)]


def _value(name: str, field: Field, given: str) -> Any:
    if field.choices and given not in field.choices:
        listed = ", ".join(field.choices)
        raise ValueError(
            f'"{given[:100]}" is not a {name}.{did_you_mean(given[:100], field.choices)} It is one of {listed}.'
        )
    try:
        if len(given) > field.longest:
            raise ValueError(f"must have up to {field.longest} characters.")
        read = field.read(given) if field.read else read_value(field.kind, given)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None
    least, most = field.least, field.most
    if (least is not None and read < least) or (most is not None and read > most):
        raise ValueError(f"{name} must be a whole number from {least} to {most}.")
    return read


def _whole(given: str) -> int:
    if not _WHOLE.fullmatch(given):
        raise ValueError("must be a whole number.")
    return int(given)


def _number(given: str) -> Decimal:
    try:
        read = Decimal(given) if len(given) <= MAX_DIGITS and given.isascii() else None
    except InvalidOperation:
        read = None
    if read is None or not read.is_finite() or abs(read.adjusted()) > MAX_EXPONENT:
        raise ValueError(f"must be a number of up to {MAX_DIGITS} digits.")
    return read


def _boolean(given: str) -> bool:
    if given not in {"true", "false"}:
        raise ValueError("must be true or false.")
    return given == "true"


def _timestamp(given: str) -> datetime:
    """ISO 8601 with an offset, in UTC; a date alone is its first moment. A `+` may have become a blank."""
    try:
        read = datetime.fromisoformat(given.strip().replace(" ", "+") if "T" in given else given.strip())
        if read.tzinfo is None and len(given.strip()) == len("2026-01-31"):
            read = read.replace(tzinfo=UTC)
        if read.tzinfo is not None:
            return read.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("must be a time such as 2026-01-31T09:00:00Z, or a date.")


def _uuid(given: str) -> UUID:
    try:
        read = UUID(given) if len(given) == len("01890a5d-ac96-774b-bcce-b302099a8057") else None
    except ValueError:
        read = None
    if read is None:
        raise ValueError("must be a UUID.")
    return read


READERS: Final[Mapping[Kind, Callable[[str], Any]]] = {
    Kind.TEXT: str,
    Kind.INTEGER: _whole,
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
    Kind.TIMESTAMP: _timestamp,
    Kind.UUID: _uuid,
}


def _expression(column: str | Column, args: list[Any]) -> str:
    if isinstance(column, str):
        return column
    if not column.args:
        return column.sql
    return column.sql.format(*(_argument(value, args) for value in column.args))


def _argument(value: Any, args: list[Any]) -> str:
    args.append(value)
    return f"${len(args)}"


def _condition(one: Filter, sql: str, args: list[Any]) -> str:
    if one.operator is Operator.EXISTS:
        return f"{sql} IS {'NOT ' if one.values[0] else ''}NULL"
    if one.operator in SAME:
        return _same(one, sql, args)
    place = f"{_argument(one.values[0], args)}::{_type(one)}"
    if one.operator is Operator.CONTAINS:
        return f"strpos(lower({sql}), lower({place})) > 0"
    if one.operator is Operator.STARTS_WITH:
        return f"starts_with(lower({sql}), lower({place}))"
    return f"{sql} {COMPARED[one.operator]} {place}"


def _type(one: Filter) -> Kind:
    """Of the argument. Numbers that no column of integers can hold are compared as what they are."""
    beyond = one.kind is Kind.INTEGER and any(abs(value) > MAX_ID for value in one.values)
    return Kind.NUMBER if beyond else one.kind


def _same(one: Filter, sql: str, args: list[Any]) -> str:
    if len(one.values) == 1:
        place = f"{_argument(one.values[0], args)}::{_type(one)}"
        return f"{sql} = {place}" if one.operator is Operator.EQ else f"{sql} IS DISTINCT FROM {place}"
    place = f"{_argument(list(one.values), args)}::{_type(one)}[]"
    return f"{sql} = ANY ({place})" if one.operator is Operator.EQ else f"({sql} = ANY ({place})) IS NOT TRUE"
