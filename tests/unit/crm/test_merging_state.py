"""What is left of several records that become one."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.crm.merging.state import ADDRESS, united
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.json import dump_json

CONTACT, LEAD, OPPORTUNITY = RecordType.CONTACT, RecordType.LEAD, RecordType.OPPORTUNITY
TEXTS = ("first_name", "last_name", "company", "title", "phone", *ADDRESS)
SOME = st.sampled_from(["", "a", "b"])
OBJECT = st.dictionaries(st.sampled_from("xyz"), st.sampled_from([None, "", 0, False, 1, "v"]), max_size=3)


def row(kind: RecordType = CONTACT, **values: Any) -> dict[str, Any]:
    """A record with these columns, and otherwise empty."""
    empty: dict[str, Any] = dict.fromkeys([*SPECS[kind].columns, "email_key"])
    empty |= {name: "" for name in (*TEXTS, "name", "source", "website", "description") if name in empty}
    empty |= {"tags": list[str](), "attributes": "{}", "custom_fields": "{}"}
    objects = {name: dump_json(value) for name, value in values.items() if isinstance(value, dict)}
    return empty | values | objects


@st.composite
def people(draw: st.DrawFn) -> dict[str, Any]:
    values: dict[str, Any] = {name: draw(SOME) for name in TEXTS}
    email = draw(st.sampled_from([None, "a@x.org", "b@x.org"]))
    tags = draw(st.lists(st.sampled_from("pqr"), unique=True))
    values |= {"attributes": draw(OBJECT), "custom_fields": draw(OBJECT)}
    return row(email=email, email_key=email, timezone=draw(st.sampled_from([None, "UTC"])), tags=tags, **values)


@given(people(), st.lists(people(), min_size=1, max_size=4))
def test_what_the_survivor_has_stays_and_nothing_comes_from_nowhere(
    survivor: dict[str, Any], losers: list[dict[str, Any]]
) -> None:
    left = {**survivor, **united(CONTACT, survivor, losers)}
    for name in (*TEXTS, "email", "timezone"):
        assert left[name] in [one[name] for one in (survivor, *losers)]
        assert not survivor[name] or left[name] == survivor[name]
        if name not in ADDRESS:
            assert left[name] or not any(one[name] for one in losers)
    assert left["email_key"] == left["email"]
    assert set(left["tags"]) == {tag for one in (survivor, *losers) for tag in one["tags"]}
    for name in ("attributes", "custom_fields"):
        found, before = orjson.loads(left[name]), orjson.loads(survivor[name])
        assert all(found[key] == value for key, value in before.items() if value not in (None, ""))
        for one in losers:
            others = orjson.loads(one[name])
            assert all(key in found for key, value in others.items() if value not in (None, ""))


@given(people(), st.lists(people(), min_size=1, max_size=4))
def test_merging_again_what_was_merged_changes_nothing(survivor: dict[str, Any], losers: list[dict[str, Any]]) -> None:
    left = {**survivor, **united(CONTACT, survivor, losers)}
    assert united(CONTACT, left, losers) == {}


@given(people(), people(), st.sampled_from([*TEXTS, "email", "tags", "attributes"]))
def test_a_chosen_value_counts_even_when_it_is_empty(
    survivor: dict[str, Any], loser: dict[str, Any], name: str
) -> None:
    left = {**survivor, **united(CONTACT, survivor, [loser], {name: loser})}
    read = orjson.loads if name == "attributes" else list
    assert (read(left[name]) if left[name] else left[name]) == (read(loser[name]) if loser[name] else loser[name])
    assert left["email_key"] == left["email"]


@pytest.mark.parametrize(
    ("own", "other", "left"),
    [
        (("", "Bern", ""), ("Main St", "bern ", "CH"), ("Main St", "Bern", "CH")),
        (("", "Bern", ""), ("Main St", "Basel", "CH"), ("", "Bern", "")),
        (("", "", ""), ("Main St", "Basel", "CH"), ("Main St", "Basel", "CH")),
    ],
)
def test_an_address_is_completed_by_one_that_does_not_contradict_it(
    own: tuple[str, ...], other: tuple[str, ...], left: tuple[str, ...]
) -> None:
    names = ("street", "city", "country")
    survivor, loser = [row(**dict(zip(names, values, strict=True))) for values in (own, other)]
    merged = {**survivor, **united(CONTACT, survivor, [loser])}
    assert tuple(merged[name] for name in names) == left


def test_what_a_lead_was_converted_to_comes_with_its_status() -> None:
    survivor = row(LEAD, status="new")
    loser = row(LEAD, status="converted", converted_at=1, converted_contact_id=2)
    assert united(LEAD, survivor, [loser]) == {"status": "converted", "converted_at": 1, "converted_contact_id": 2}
    assert united(LEAD, loser, [survivor]) == {}


def test_an_opportunity_stays_where_it_stands_unless_a_place_is_chosen() -> None:
    survivor = row(OPPORTUNITY, status="open", pipeline_id=1, pipeline_stage_id=1, currency="USD")
    loser = row(OPPORTUNITY, status="won", pipeline_id=1, pipeline_stage_id=2, currency="EUR", amount=5)
    assert united(OPPORTUNITY, survivor, [loser]) == {"amount": 5, "currency": "EUR"}
    placed = united(OPPORTUNITY, survivor, [loser], {"status": loser, "amount": survivor})
    assert placed == {"pipeline_stage_id": 2, "status": "won"}
