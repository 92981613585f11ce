"""Filters: from query parameters to typed values and SQL; only looked-up names and arguments reach the statement."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.kit import filters as f
from drippulse.kit.errors import ValidationError
from drippulse.kit.filters import Column, Field, Filter, Operator, read_filters, where

SAFE_SQL = re.compile(r"[A-Za-z0-9_.,:$()\[\] <>=>'-]*")
ID = "01890a5d-ac96-774b-bcce-b302099a8057"


class Status(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"


FIELDS: dict[str, Field] = {
    "status": f.choice(Status, "s"),
    "name": f.text("n"),
    "amount": f.number("a"),
    "count": f.integer("c"),
    "won": f.boolean("w"),
    "created_at": f.timestamp("t"),
    "account_id": f.uuid("u"),
    "step": f.exact(f.integer("s", least=0, most=10)),
    "plain": f.exact(f.text("p")),
}
COLUMNS = {name: f"x.{name}" for name in FIELDS}


def read(**parameters: str) -> tuple[Filter, ...]:
    return read_filters(
        {name.replace("__", "[") + "]" * ("__" in name): text for name, text in parameters.items()}, FIELDS
    )


def errors_of(**parameters: str) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        read(**parameters)
    return caught.value.errors


@pytest.mark.parametrize(
    ("parameter", "text", "values"),
    [
        ("status", "active", ("active",)),
        ("status", "active,paused", ("active", "paused")),
        ("name", r"Acme\, Inc,Other", ("Acme, Inc", "Other")),
        ("name__contains", "a,b", ("a,b",)),
        ("plain", "a,b", ("a,b",)),
        ("amount__gte", "-1.50", (Decimal("-1.50"),)),
        ("count", "9223372036854775808", (2**63,)),
        ("won", "true", (True,)),
        ("name__exists", "false", (False,)),
        ("created_at__lt", "2026-01-31T10:00:00+01:00", (datetime(2026, 1, 31, 9, tzinfo=UTC),)),
        ("created_at__lt", "2026-01-31T10:00:00 01:00", (datetime(2026, 1, 31, 9, tzinfo=UTC),)),
        ("created_at", "2026-01-31", (datetime(2026, 1, 31, tzinfo=UTC),)),
        ("account_id", ID, (UUID(ID),)),
        ("step", "10", (10,)),
    ],
)
def test_values_are_typed(parameter: str, text: str, values: tuple[Any, ...]) -> None:
    [found] = read(**{parameter: text})
    assert found.values == values


@pytest.mark.parametrize(
    ("parameter", "text", "words"),
    [
        ("status", "actve", 'Did you mean "active"? It is one of active, paused.'),
        ("status", "active,gone", '"gone" is not a status.'),
        ("status", "", '"" is not a status.'),
        ("status__gt", "active", "is not an operator of status. It takes eq, ne, exists."),
        ("name__startswith", "A", 'Did you mean "starts_with"?'),
        ("name__", "A", '"" is not an operator'),
        ("amount", "1e999999999", "amount must be a number"),
        ("amount", "NaN", "amount must be a number"),
        ("amount", "٣", "amount must be a number"),
        ("count", "1.5", "count must be a whole number."),
        ("count", "", "count must be a whole number."),
        ("count", "9" * 5000, "count must have up to 200 characters."),
        ("won", "yes", "won must be true or false."),
        ("name__exists", "1", "name must be true or false."),
        ("created_at", "2026-01-31T10:00:00", "created_at must be a time such as"),
        ("created_at", "0001-01-01T00:00:00+05:00", "created_at must be a time such as"),
        ("created_at", "tomorrow", "created_at must be a time such as"),
        ("account_id", "7", "account_id must be a UUID."),
        ("step", "11", "step must be a whole number from 0 to 10."),
        ("name", "x" * 201, "name must have up to 200 characters."),
        ("plain", "x" * 1001, "plain must have up to 1000 characters."),
        ("name", ",".join("x" * 21), "name takes up to 20 values."),
        ("count", ",".join(["1"] * 101), "count takes up to 100 values."),
    ],
)
def test_what_does_not_fit_is_named(parameter: str, text: str, words: str) -> None:
    [(name, [sentence])] = errors_of(**{parameter: text}).items()
    assert name.startswith(parameter.partition("__")[0])
    assert words in sentence


def test_every_mistake_is_told_at_once() -> None:
    assert set(errors_of(status="x", amount="y", name="fine")) == {"status", "amount"}


def test_an_expression_brings_arguments_of_its_own() -> None:
    args: list[Any] = [7]
    column = Column("(c.custom ->> {0})::numeric", ("score",))
    sql = where([Filter("custom.score", f.Kind.NUMBER, Operator.GTE, (Decimal(3),))], {"custom.score": column}, args)
    assert (sql, args) == (" AND (c.custom ->> $2)::numeric >= $3::numeric", [7, "score", Decimal(3)])


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), st.text(max_size=60), max_size=5), st.data())
def test_any_text_is_refused_or_an_argument_and_never_sql(parameters: dict[str, str], data: st.DataObject) -> None:
    operators = st.sampled_from(["", *(f"[{operator}]" for operator in Operator)])
    given_parameters = {f"{name}{data.draw(operators)}": text for name, text in parameters.items()}
    args: list[Any] = [1]
    refused: set[str] = set()
    sql = ""
    try:
        sql = where(read_filters(given_parameters, FIELDS), COLUMNS, args)
    except ValidationError as error:
        refused = set(error.errors)
    assert refused <= set(given_parameters)
    assert SAFE_SQL.fullmatch(sql)
    assert [int(place) for place in re.findall(r"\$(\d+)", sql)] == list(range(2, len(args) + 1 if sql else 2))
