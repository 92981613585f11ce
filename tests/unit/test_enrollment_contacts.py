"""Reading a bulk enrollment: any JSON is rows or one of the documented errors."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.enrollments.contacts import MAX_EMAIL, read_batch, read_timezone, reference
from drippulse.enrollments.errors import InvalidTimezoneError, NoEnrollmentsCreatedError
from drippulse.kit.errors import DomainError
from drippulse.kit.strict_json import holds_nul

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
names = st.sampled_from(["email", "first_name", "lead_ref", "id", "uuid", "timezone", "company"])
contacts = st.dictionaries(names, scalars, max_size=5)


@given(json_values)
def test_any_body_is_refused_with_a_documented_error(body: Any) -> None:
    with pytest.raises(DomainError) as caught:
        read_batch(body, may_hold_nul=True)
    assert caught.value.status in {400, 404, 422}


@given(st.lists(contacts | scalars, min_size=1, max_size=12))
def test_every_row_is_enrolled_or_named_as_invalid(rows: list[Any]) -> None:
    if not any(isinstance(row, dict) and not holds_nul(row) for row in rows):
        with pytest.raises(NoEnrollmentsCreatedError):
            read_batch({"contacts": rows}, may_hold_nul=True)
        return
    batch = read_batch({"contacts": rows}, may_hold_nul=True)
    places = sorted([*batch.rows.indexes, *(index for index, _ in batch.invalid)])
    assert places == list(range(len(rows)))
    columns = (batch.rows.emails, batch.rows.lead_refs, batch.rows.timezones, batch.rows.bags)
    assert {len(column) for column in columns} == {len(batch.rows.indexes)}
    assert all(len(email) <= MAX_EMAIL for email in batch.rows.emails)


def test_the_bag_is_the_contact_as_it_was_given() -> None:
    contact = {"email": "a@b.com", "n": 1, "list": [None, {"x": "ü"}]}
    batch = read_batch({"enrollment": {"contacts": [contact]}}, may_hold_nul=False)
    assert orjson.loads(batch.rows.bags[0]) == contact


@pytest.mark.parametrize("value", [True, False, None, "", [], {}, ["x"]])
def test_only_texts_and_numbers_are_references(value: Any) -> None:
    assert reference({"lead_ref": value, "id": 7}) == "7"


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "utc ", "../etc/passwd", 5, [], "localtime"])
def test_only_iana_names_are_time_zones(name: Any) -> None:
    with pytest.raises(InvalidTimezoneError):
        read_timezone(name)
    assert read_timezone(None) == "UTC"
