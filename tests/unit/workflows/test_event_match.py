"""Which events conditions take, who an event is about, and what settings listen to. Pure."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.events.keys import contact_keys, keys_of, normal_key, spellings, watch_number
from drippulse.events.listeners import listeners_of
from drippulse.workflows.event_match import EventConditions, matches
from drippulse.workflows.settings import compile_settings, ended_by, settings_json, stored_settings

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def event(**data: Any) -> dict[str, Any]:
    return {"id": 1, "type": "order.paid", "data": data, "at": "2026-05-01T00:00:00Z"}


@pytest.mark.parametrize(
    "wanted",
    [
        {"conditions": [{"field": "plan", "operator": "equals", "value": "pro"}]},
        {"match": [{"field": "plan", "operator": "equals", "value": "pro"}]},
        {"match": {"plan": "pro"}},
        {"match": {"match": "any", "conditions": [{"field": "event.data.plan", "operator": "equals", "value": "pro"}]}},
    ],
)
def test_every_way_to_write_conditions_means_the_same(wanted: dict[str, Any]) -> None:
    conditions = EventConditions.model_validate(wanted)
    assert [matches(conditions, event(plan=plan), NOW) for plan in ("pro", "PRO", "free", None)] == [
        True,
        True,
        False,
        False,
    ]
    assert EventConditions.model_validate(conditions.model_dump()) == conditions


def test_without_conditions_every_event_is_taken() -> None:
    assert matches(EventConditions(), event(), NOW)


@given(st.text(max_size=40))
def test_a_key_is_spelled_the_same_however_often(text: str) -> None:
    assert normal_key(normal_key(text)) == normal_key(text)


@pytest.mark.parametrize("text", ["ada@example.com", " ADA@Example.com ", "Ada@EXAMPLE.COM."])
def test_all_spellings_of_an_address_are_one_key(text: str) -> None:
    assert normal_key(text) == "ada@example.com"


def test_a_run_is_found_by_its_unicode_domain_too() -> None:
    (key,) = contact_keys(None, "ada@bücher.example")
    assert key == "ada@xn--bcher-kva.example"
    assert spellings([key]) == [key, "ada@bücher.example"]


def test_events_about_mails_name_the_address_and_the_run() -> None:
    assert keys_of("enrollment", "7", {"email": "A@b.org", "url": None}) == ("a@b.org", "enrollment:7")
    assert keys_of("enrollment", "7", {"lead_ref": "x"}) == ("x",)
    assert keys_of("workflow", "7", {"name": "x"}) == ()


def test_locks_tell_organization_type_and_key_apart() -> None:
    numbers = {watch_number(*one) for one in [(1, "a.b", "k"), (2, "a.b", "k"), (1, "a.c", "k"), (1, "a.b", "l")]}
    assert len(numbers) == 4
    assert all(-(2**63) <= number < 2**63 for number in numbers)


def test_goals_are_reached_before_exits_and_only_those_without_an_event_are_looked_at() -> None:
    condition = {"field": "score", "operator": "gte", "value": 5}
    settings = compile_settings(
        {
            "exit_criteria": [{"trigger": "condition", "conditions": [condition]}, {"trigger": "bounce"}],
            "goals": [{"name": "g", "conditions": [condition]}, {"name": "e", "event": "a.b"}],
        }
    )
    assert [one.exit_reason for one in settings.exits] == ["goal:g", "exit:condition"]
    ended = ended_by(settings.exits, {"score": 5}, NOW)
    assert ended is not None
    assert ended.exit_reason == "goal:g"
    assert ended_by(settings.exits, {"score": 4}, NOW) is None
    assert stored_settings(settings_json(settings)) == settings


def test_a_workflow_that_is_not_active_listens_for_its_runs_and_not_for_new_ones() -> None:
    steps = [
        {"id": "t", "type": "trigger", "config": {"frequency": "event", "event": "a.b"}},
        {"id": "w", "type": "wait_for_event", "config": {"event": "c.d"}},
    ]
    settings = compile_settings({"exit_criteria": [{"trigger": "unsubscribe"}]})
    kinds = {active: [one.kind for one in listeners_of(steps, settings, active=active)] for active in (True, False)}
    assert kinds == {True: ["trigger", "wait", "exit"], False: ["wait", "exit"]}
