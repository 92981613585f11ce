"""Filters and orders of record lists, made of the columns and sorts that REST's lists have."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any

import strawberry
from piccolo.columns import UUID, BigInt, Column, Date, DoublePrecision, Integer, Numeric, SmallInt, Text, Timestamptz

from drippulse.crm.listing import columns_of, sorts_of
from drippulse.crm.records import SPECS
from drippulse.crm.search import read_query
from drippulse.crm.tables import RecordType
from drippulse.kit.addresses import same_mailbox_key
from drippulse.kit.filters import Kind
from drippulse.kit.pagination import Sort
from drippulse.workflows.queries import like
from drippulse_graphql.crm.nodes.columns import shown_columns
from drippulse_graphql.kit.ids import id_of, uuid_of
from drippulse_graphql.kit.inputs import Direction, IdFilter, MomentFilter, NumberFilter, TextFilter, text
from drippulse_graphql.kit.lists import Listed
from drippulse_graphql.kit.pages import Condition, Order
from drippulse_graphql.kit.user_errors import camel_path

NODES = {"pipeline": "Pipeline", "pipeline_stage": "PipelineStage"} | {kind.value: kind.value.title() for kind in SPECS}
"""Table -> the type of its rows."""


KINDS: Mapping[type[Column], type] = {
    Text: TextFilter,
    UUID: IdFilter,
    BigInt: IdFilter,
    Integer: NumberFilter,
    SmallInt: NumberFilter,
    DoublePrecision: NumberFilter,
    Numeric: NumberFilter,
    Date: MomentFilter,
    Timestamptz: MomentFilter,
}
SIGNS = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
CASTS: Mapping[Kind, tuple[str, str]] = {
    Kind.TEXT: ("text", "''"),
    Kind.INTEGER: ("bigint", "-9223372036854775808"),
    Kind.NUMBER: ("double precision", "'-Infinity'"),
    Kind.TIMESTAMP: ("timestamptz", "'infinity'"),
}
"""What an order's values are cast back to, and what stands for null among them."""


def list_of(kind: RecordType, parent: str | None = None) -> Listed:
    """The records of a kind, or those whose column `parent` holds the row above."""
    spec = SPECS[kind]
    name = kind.value.title()
    order, order_of = ORDERS[kind]
    return Listed(spec.plural, name, order_of, CONDITIONS[kind], FILTERS[kind], order, parent)


def _filter(kind: RecordType) -> type:
    spec = SPECS[kind]
    annotations: dict[str, Any] = {"q": str | None, "tags": list[str] | None}
    members: dict[str, Any] = {
        "q": strawberry.field(default=None, description="Words, the last of which may be the beginning of one."),
        "tags": strawberry.field(default=None, description="Records that have any of them."),
    }
    for name, stored in _filtered(kind).items():
        annotations[name] = _filter_of(stored) | None
        members[name] = None
    title = kind.value.title()
    made = type(f"{title}Filter", (), {"__annotations__": annotations, "__module__": __name__, **members})
    return strawberry.input(made, description=f"Which {spec.plural}; what is left out does not filter.")


@cache
def _choice_filter(choices: type[Enum]) -> Any:
    annotations: dict[str, Any] = {"eq": choices | None, "in_": list[choices] | None}
    members: dict[str, Any] = {"eq": None, "in_": strawberry.field(default=None, name="in")}
    made = type(f"{choices.__name__}Filter", (), {"__annotations__": annotations, "__module__": __name__, **members})
    return strawberry.input(made, description=f"Of a value of {choices.__name__}.")


def _filter_of(stored: Column) -> Any:
    choices = stored._meta.choices  # pyright: ignore[reportPrivateUsage] - where Piccolo keeps it
    return KINDS[type(stored)] if choices is None else _choice_filter(choices)


def _filtered(kind: RecordType) -> dict[str, Column]:
    expressions = columns_of(kind)
    return {name: stored for name, stored in shown_columns(kind).items() if name in expressions}


def _conditions(kind: RecordType) -> Callable[[Any], tuple[Condition, ...]]:
    spec, expressions = SPECS[kind], columns_of(kind)

    def conditions_of(chosen: Any) -> tuple[Condition, ...]:
        """Raises ValidationError."""
        found: list[Condition] = []
        if chosen is None:
            return ()
        if chosen.q is not None:
            found += _words(chosen.q, addresses=spec.unique_by_email)
        if chosen.tags is not None:
            found.append(Condition("r.tags && {}::text[]", tuple(text("tags", tag) for tag in chosen.tags)))
        for name, stored in _filtered(kind).items():
            one, expression = getattr(chosen, name), expressions[name]
            if one is None:
                continue
            read = _reader(stored, name, _target(kind, name))
            if name == "email" and spec.unique_by_email and one.eq is not None:
                found.append(Condition("r.email_key = {}", same_mailbox_key(read(one.eq))))  # which has an index
                found += _compared(one, expression, read, skip="eq")
            else:
                found += _compared(one, expression, read)
        return tuple(found)

    return conditions_of


def _words(q: str, *, addresses: bool) -> Sequence[Condition]:
    query = read_query(text("q", q), addresses=addresses)
    if query is None:
        return ()
    if not query.words:
        return (Condition("{}::boolean", value=False),)
    found = [Condition("r.search @@ to_tsquery('simple', {})", query.text)]
    if query.address is not None:
        found.append(Condition("starts_with(lower(r.email), {})", query.address))
    return found


def _target(kind: RecordType, name: str) -> str:
    """The type of what the column `name` holds the id of; its own for `id`."""
    return NODES.get(name.removesuffix("_id").removeprefix("converted_"), kind.value.title())


def _reader(stored: Column, name: str, target: str) -> Callable[[Any], Any]:
    """From what a filter holds to what PostgreSQL compares."""
    if stored._meta.choices is not None:  # pyright: ignore[reportPrivateUsage] - where Piccolo keeps it
        return lambda given: given.value
    if isinstance(stored, UUID):
        return lambda given: uuid_of(given, target, field=camel_path(f"filter.{name}"))
    if isinstance(stored, BigInt):
        return lambda given: id_of(given, "User", field=camel_path(f"filter.{name}"))
    if isinstance(stored, Text):
        return lambda given: text(name, given)
    if isinstance(stored, Numeric):
        return lambda given: Decimal(str(given))
    return lambda given: given


def _compared(one: Any, expression: str, read: Callable[[Any], Any], skip: str = "") -> list[Condition]:
    found: list[Condition] = []
    for name, sign in SIGNS.items():
        value = getattr(one, name, None)
        if value is not None and name != skip:
            found.append(Condition(f"{expression} {sign} {{}}{_cast(expression, value)}", read(value)))
    if isinstance(one, TextFilter):
        found += _of_text(one, expression, read)
    members = getattr(one, "in_", None)
    if members is not None:
        found.append(Condition(f"{expression} = ANY ({{}})", tuple(read(member) for member in members)))
    if getattr(one, "is_null", None) is not None:
        found.append(Condition(f"({expression} IS NULL) = {{}}", one.is_null))
    return found


def _cast(expression: str, value: Any) -> str:
    return "::double precision" if isinstance(value, float | int) and not isinstance(value, bool) else ""


def _of_text(one: TextFilter, expression: str, read: Callable[[Any], Any]) -> list[Condition]:
    found: list[Condition] = []
    if one.ne is not None:
        found.append(Condition(f"{expression} IS DISTINCT FROM {{}}", read(one.ne)))
    if one.contains is not None:
        found.append(Condition(f"{expression} ILIKE {{}}", like(read(one.contains))))
    if one.starts_with is not None:
        found.append(Condition(f"{expression} ILIKE {{}}", like(read(one.starts_with)).removeprefix("%")))
    return found


def _order(kind: RecordType) -> tuple[type, Callable[[Any], Order]]:
    spec, title = SPECS[kind], kind.value.title()
    shown = shown_columns(kind)
    sorts = {name: sort for name, sort in sorts_of(kind).items() if name in shown}
    fields: Any = Enum(f"{title}OrderField", {name.upper(): name for name in sorts})
    names: Any = strawberry.enum(fields, description=f"What {spec.plural} are ordered by.")
    annotations: dict[str, Any] = {"field": names, "direction": Direction}
    members: dict[str, Any] = {"direction": Direction.DESC}
    made = type(f"{title}Order", (), {"__annotations__": annotations, "__module__": __name__, **members})
    orders = {name: _expression(name, sort, shown[name]) for name, sort in sorts.items()}

    def order_of(chosen: Any) -> Order:
        """Newest first unless told otherwise."""
        if chosen is None:
            return Order("r.id", "uuid")
        return Order(*orders[chosen.field.value], descending=chosen.direction is Direction.DESC)

    return strawberry.input(made), order_of


def _expression(name: str, sort: Sort, stored: Column) -> tuple[str, str]:
    if name == "created_at":
        return "r.id", "uuid"  # which has the time in it
    kind, nothing = CASTS[sort.kind or Kind.TEXT]
    nullable = stored._meta.null  # pyright: ignore[reportPrivateUsage] - where Piccolo keeps it
    sql = f"({sort.sql})::double precision" if kind == "double precision" else str(sort.sql)
    return (f"coalesce({sql}, {nothing})" if nullable else sql), kind


FILTERS = {kind: _filter(kind) for kind in SPECS}
CONDITIONS = {kind: _conditions(kind) for kind in SPECS}
ORDERS = {kind: _order(kind) for kind in SPECS}
