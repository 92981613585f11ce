"""Filters and pages as PostgreSQL answers them, beside what they mean."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest

from drippulse.kit import filters as f
from drippulse.kit.db import Session
from drippulse.kit.filters import COMPARED, Filter, Kind, Operator, read_filters, where
from drippulse.kit.pagination import COUNTED, PageRequest, Sort, listed, page_request, tail, total_up_to
from drippulse.kit.services import AppServices
from tests.support.organizations import TestOrganization

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ["Ada", "ada", "Grace, PhD", "", "50%_off", None, "Zoë"]
ROWS: list[dict[str, Any]] = [
    {
        "id": str(UUID(int=(7 << 76) + (2 << 62) + n)),
        "name": NAMES[n % len(NAMES)],
        "amount": None if n % 5 == 0 else str(Decimal(n % 4) / 2),
        "count": n % 3,
        "won": [True, False, None][n % 3],
        "at": (START + timedelta(days=n // 2)).isoformat(),
    }
    for n in range(40)
]
SOURCE = """jsonb_to_recordset($1::text::jsonb)
  AS r(id uuid, name text, amount numeric, count bigint, won boolean, at timestamptz) WHERE true"""
FIELDS = {
    "name": f.text(""),
    "amount": f.number(""),
    "count": f.integer(""),
    "won": f.boolean(""),
    "at": f.timestamp(""),
    "id": f.uuid(""),
}
COLUMNS = {name: f"r.{name}" for name in FIELDS}
SORTS = {
    "created_at": Sort("r.id", Kind.UUID),
    "name": Sort("lower(r.name)", Kind.TEXT),
    "amount": Sort("r.amount", Kind.NUMBER),
    "at": Sort("r.at", Kind.TIMESTAMP),
    "won": Sort("r.won", Kind.BOOLEAN),
    "count": Sort("r.count", Kind.INTEGER),
}
COMPARISONS: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.GT: lambda a, b: a > b,
    Operator.GTE: lambda a, b: a >= b,
    Operator.LT: lambda a, b: a < b,
    Operator.LTE: lambda a, b: a <= b,
}


def meant(one: Filter, row: dict[str, Any]) -> bool:
    """What a filter means, in Python."""
    raw = row[one.name]
    value = raw if raw is None or not isinstance(raw, str) else f.read_value(one.kind, raw)
    match one.operator:
        case Operator.EXISTS:
            return (value is not None) is one.values[0]
        case Operator.EQ:
            return value in one.values
        case Operator.NE:
            return value not in one.values
        case Operator.CONTAINS:
            return value is not None and str(one.values[0]).lower() in value.lower()
        case Operator.STARTS_WITH:
            return value is not None and value.lower().startswith(str(one.values[0]).lower())
        case _:
            return value is not None and COMPARISONS[one.operator](value, one.values[0])


GIVEN = {
    "name": ["Ada", "Ada,Zoë", r"Grace\, PhD", "", "%", "_", "\\", "ADA", "a"],
    "amount": ["0.5", "1", "0.5,1.5", "-1", "1e30"],
    "count": ["1", "0,2", "18446744073709551616", "1,18446744073709551616"],
    "won": ["true", "false", "true,false"],
    "at": ["2026-01-05", "2026-01-05T00:00:00Z,2026-01-06T00:00:00Z", "2026-01-03T12:00:00+05:00"],
    "id": [ROWS[3]["id"], f"{ROWS[3]['id']},{ROWS[4]['id']}"],
}


def cases() -> list[dict[str, str]]:
    single = [
        {f"{name}[{operator}]": text}
        for name, field in FIELDS.items()
        for operator in field.allowed
        for text in (["true", "false"] if operator is Operator.EXISTS else GIVEN[name])
        if "," not in text.replace("\\,", "") or operator not in COMPARED
    ]
    return [*single, {"amount[gte]": "0.5", "name[ne]": "Ada", "at[lt]": "2026-01-15"}, {"won": "true", "count": "0"}]


async def test_every_filter_finds_what_it_means(
    services: AppServices, organization: TestOrganization, app: object
) -> None:
    async with services.database.tenant(organization.id) as session:
        for parameters in cases():
            filters = read_filters(parameters, FIELDS)
            args: list[Any] = [orjson.dumps(ROWS).decode()]
            sql = f"SELECT id FROM {SOURCE}{where(filters, COLUMNS, args)}"
            found = {str(row["id"]) for row in await session.fetch(sql, *args)}
            expected = {row["id"] for row in ROWS if all(meant(one, row) for one in filters)}
            assert found == expected, parameters


async def _page(session: Session, page: PageRequest) -> dict[str, Any]:
    args: list[Any] = [orjson.dumps(ROWS).decode()]
    end = tail(page, SORTS, "r.id", args)
    rows = await session.fetch(f"SELECT r.id, {end.value} AS cursor_value FROM {SOURCE}{end.sql}", *args)
    return listed("rows", rows, page, lambda row: str(row["id"]), len(ROWS))


@pytest.mark.parametrize("sort", [f"{sign}{name}" for name in SORTS for sign in ("", "-")])
async def test_cursors_pass_every_row_once_in_any_order(
    sort: str, services: AppServices, organization: TestOrganization, app: object
) -> None:
    async with services.database.tenant(organization.id) as session:
        whole = (await _page(session, page_request(None, None, None, sort=sort, sorts=SORTS, key=UUID)))["rows"]
        cursor: str | None = ""
        walked: list[str] = []
        while cursor is not None:
            part = await _page(session, page_request(None, 7, cursor, sort=sort, sorts=SORTS, key=UUID))
            assert len(part["rows"]) == min(7, len(ROWS) - len(walked))
            walked += part["rows"]
            cursor = part["next_cursor"]
    assert walked == whole
    assert len(set(walked)) == len(ROWS)


async def test_numbered_pages_are_the_same_rows(
    services: AppServices, organization: TestOrganization, app: object
) -> None:
    async with services.database.tenant(organization.id) as session:
        whole = (await _page(session, page_request(None, None, None, sort="-name", sorts=SORTS, key=UUID)))["rows"]
        pages = [page_request(number, 15, None, sort="-name", sorts=SORTS, key=UUID) for number in (1, 2, 3)]
        assert [row for page in pages for row in (await _page(session, page))["rows"]] == whole


def test_more_rows_than_are_counted_are_a_lower_bound() -> None:
    page = page_request(1, 2, None, sorts=SORTS, key=UUID)
    few, many = [listed("rows", [], page, str, total_up_to(count)) for count in (COUNTED, COUNTED + 1)]
    assert few == {"rows": [], "total_count": COUNTED, "next_cursor": None}
    assert many == {"rows": [], "total_count": COUNTED, "total_count_is_lower_bound": True, "next_cursor": None}
