"""Where everybody goes when a version is published, and what the preview finds."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.workflows.publishing import state
from drippulse.workflows.publishing.conflicts import Conflicts, Traveller
from drippulse.workflows.publishing.state import Group, Target
from drippulse.workflows.publishing.tables import Strategy
from drippulse.workflows.publishing.variables import EmptyVariables
from tests.support.walks import NOW, TEMPLATES, graph_of, step

NAMES = st.sampled_from("abcdef")
GROUPS = st.dictionaries(NAMES, st.integers(1, 9), max_size=6)
MAPS = st.dictionaries(NAMES, st.none() | NAMES, max_size=6)
NEW = st.lists(NAMES, unique=True, max_size=6)


def steps(ids: list[str], kind: str = "log") -> list[dict[str, Any]]:
    return [{"id": key, "type": kind, "name": key, "position": n, "config": {}} for n, key in enumerate(ids)]


def groups(people: dict[str, int]) -> list[Group]:
    return [Group(1, key, index, key, "log", count) for index, (key, count) in enumerate(people.items())]


@given(GROUPS, MAPS, NEW, st.sampled_from(Strategy))
def test_everybody_goes_somewhere_or_is_a_gap_that_is_named(
    people: dict[str, int], step_map: dict[str, str | None], new: list[str], strategy: Strategy
) -> None:
    occupied = {key: {"log"} for key in people}
    step_map = {old: to for old, to in step_map.items() if old in people and (to is None or to in new)}
    assert state.check_map(step_map, occupied, steps(new)) == {}
    places = state.targets(strategy, step_map, occupied, steps(new))
    shown = state.movements(groups(people), places, strategy)
    assert sum(group["count"] for group in shown) == sum(people.values())
    missing = {group["step_id"] for group in shown if group["outcome"] == "gap"}
    assert set(state.gaps(groups(people), places, strategy)) == {f"step_map.{key}" for key in missing}
    assert all(group["to"] in new for group in shown if group["outcome"] == "moves")
    if strategy is Strategy.MIGRATE:
        assert missing == {key for key in people if key not in new and key not in step_map}
    else:
        assert missing == set()


@given(GROUPS, NEW)
def test_the_same_step_keeps_its_visit_and_any_other_does_not(people: dict[str, int], new: list[str]) -> None:
    occupied = {key: {"log"} for key in people}
    for key, place in state.targets(Strategy.MIGRATE, {}, occupied, steps(new)).items():
        assert place == Target(key, new.index(key), stay=True)


def test_a_step_that_became_another_type_is_not_the_same_step() -> None:
    [place] = state.targets(Strategy.MIGRATE, {}, {"a": {"log"}}, steps(["a"], "wait")).values()
    assert place == Target("a", 0, stay=False)


def test_gaps_say_how_many_people_stand_where() -> None:
    [sentence] = state.gaps(groups({"x": 12}), {}, Strategy.MIGRATE)["step_map.x"]
    assert sentence.startswith('12 people stand on step "x" ("x"), which the new version does not have; map it')


@pytest.mark.parametrize(
    ("step_map", "sentence"),
    [
        ({"wiat": "b"}, 'No version in flight has a step "wiat". Did you mean "wait"?'),
        ({"wait": "beee"}, 'The new version has no step "beee" to go to. Did you mean "bee"?'),
    ],
)
def test_a_map_of_names_that_do_not_exist_is_refused(step_map: dict[str, str | None], sentence: str) -> None:
    [[found]] = state.check_map(step_map, ["wait"], steps(["bee"])).values()
    assert found == sentence


def test_empty_variables_are_counted_by_contact() -> None:
    texts = [
        {**steps(["mail"])[0], "config": {"subject": "Hi {{ first_name }}", "html": "{{ contact.company }}{{ tier }}"}},
        {**steps(["log"])[0], "config": {"message": "{{ first_name }} {{ nick | default: 'you' }}"}},
        {**steps(["set"], "set_fields")[0], "config": {"fields": {"tier": "gold"}}},
    ]
    look = EmptyVariables(texts, TEMPLATES)
    for bag in ({"first_name": "Ada"}, {"first_name": ""}, {}, {}):
        look.add(bag)
    answer = look.answer()
    assert answer["sampled"] == 4
    assert answer["variables"] == [
        {"name": "contact.company", "contacts": 4, "steps": ["mail"]},
        {"name": "first_name", "contacts": 3, "steps": ["mail", "log"]},
    ]


def traveller(index: int, entered: timedelta, due: timedelta | None = None) -> Traveller:
    target = Target("w", index, stay=True)
    return Traveller(7, 1, "UTC", "UTC", NOW - entered, None if due is None else NOW + due, {}, target)


@pytest.mark.parametrize(
    ("config", "entered", "due", "kind"),
    [
        ({"kind": "wait", "duration": 3, "unit": "days"}, 1, 2, None),
        ({"kind": "wait", "duration": 1, "unit": "days"}, 2, 1, "due_in_the_past"),
        ({"kind": "wait_until", "at": "2026-01-01T09:00:00Z"}, 1, 1, "passed"),
        ({"kind": "wait_until", "at": "2026-05-01T09:00:00Z"}, 1, 1, None),
        ({"kind": "wait_until", "date_field": "renewal"}, 1, 1, "skipped"),
        ({"kind": "log", "message": "x"}, 1, 1, None),
    ],
)
def test_waits_that_do_not_fit_are_named(config: dict[str, Any], entered: int, due: int, kind: str | None) -> None:
    fields = {name: value for name, value in config.items() if name != "kind"}
    conflicts = Conflicts(graph_of(step(config["kind"], "w", **fields)), TEMPLATES, 1, 3)
    conflicts.add(traveller(0, timedelta(days=entered), timedelta(days=due)), NOW)
    assert [one["kind"] for one in conflicts.answer()] == ([] if kind is None else [kind])
