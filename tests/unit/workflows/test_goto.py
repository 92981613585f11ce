"""`goto`: bounded loops, and which cycles the graph lets pass."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.workflows.dry_run import dry_run
from drippulse.workflows.errors import InvalidStepGraphError
from drippulse.workflows.graph import compile_graph
from drippulse.workflows.steps.goto import MOST_VISITS
from drippulse.workflows.walk import MAX_VISITS, Stop, advance, start
from tests.support.walks import NOW, TEMPLATES, condition, graph_of, step, subject

LOG = step("log", "a", message="x")


def walked(*steps: dict[str, Any]) -> list[str]:
    """The step ids in the order of the visits."""
    graph = graph_of(*steps)
    walk = advance(graph, start(graph, {}, NOW), subject(), NOW, max_steps=5_000)
    assert walk.stop is Stop.COMPLETED
    return [record.step_id for record in walk.records]


def refused(*steps: dict[str, Any]) -> str:
    with pytest.raises(InvalidStepGraphError) as caught:
        graph_of(*steps)
    return caught.value.message


def test_a_jump_ahead_needs_no_limit() -> None:
    by_branch = step("branch", "b", branches=[{"goto": "over", "conditions": [condition("x", "exists")]}])
    steps = [
        by_branch,
        step("goto", "g", step="end"),
        step("log", "over", message="x"),
        step("log", "end", message="x"),
    ]
    assert walked(*steps) == ["b", "g", "end"]


def test_a_loop_is_gone_round_max_visits_times_more_and_then_left() -> None:
    assert walked(LOG, step("goto", "g", step="a", max_visits=2), step("log", "z", message="x")) == [
        *("a", "g", "a", "g", "a", "g"),
        "z",
    ]
    assert walked(LOG, step("goto", "g", step="a", max_visits=1)) == ["a", "g", "a", "g"]


@given(st.integers(1, 40), st.integers(1, 40))
def test_every_loop_of_bounded_jumps_ends(inner: int, outer: int) -> None:
    steps = [LOG, step("goto", "g", step="a", max_visits=inner), step("goto", "h", step="a", max_visits=outer)]
    ids = walked(*steps)
    assert ids.count("a") == 1 + inner + outer
    assert (ids.count("g"), ids.count("h")) == (1 + inner + outer, 1 + outer)


def test_the_most_visits_stay_below_the_limit_of_the_walk() -> None:
    ids = walked(LOG, step("goto", "g", step="a", max_visits=MOST_VISITS))
    assert ids.count("a") == MOST_VISITS + 1 < MAX_VISITS
    with pytest.raises(InvalidStepGraphError, match="max_visits"):
        graph_of(LOG, step("goto", step="a", max_visits=MOST_VISITS + 1))


def test_the_log_counts_the_jumps() -> None:
    answer = dry_run(graph_of(LOG, step("goto", step="a", max_visits=2)), now=NOW, templates=TEMPLATES)
    assert [line for line in answer["logs"] if "ump" in line] == [
        "Jump 1 of 2",
        "Jump 2 of 2",
        "Jumped 2 times: goes on with the next step",
    ]


def test_a_loop_with_neither_a_wait_nor_max_visits_is_refused() -> None:
    message = refused(LOG, step("goto", "g", step="a"))
    assert 'cycle without a wait: 1 ("log") -> 2 ("goto") -> 1 ("log")' in message
    assert "`max_visits`" in message
    assert "cycle" in refused(step("goto", "g", step="g"))


def test_a_jump_to_itself_is_refused_also_with_a_limit() -> None:
    assert "cycle" in refused(step("goto", "g", step="g", max_visits=3))


@pytest.mark.parametrize("visits", [0, -1, 1.5, "many", False])
def test_max_visits_is_a_positive_whole_number(visits: Any) -> None:
    assert "max_visits" in refused(LOG, step("goto", step="a", max_visits=visits))


def test_a_loop_that_suspends_needs_no_limit() -> None:
    compile_graph([step("wait", "w", duration=1, unit="days"), step("goto", step="w")])
    compile_graph([step("wait_until", "w", time_of_day="09:00", weekdays=["mon"]), step("goto", step="w")])


@pytest.mark.parametrize(
    "config", [{"at": "2026-01-01"}, {"date_field": "d"}, {"window": {"start": "09:00", "end": "17:00"}}]
)
def test_a_wait_until_that_may_go_on_at_once_does_not_make_a_loop_safe(config: dict[str, Any]) -> None:
    dated = step("wait_until", "w", **config)
    assert "cycle" in refused(dated, step("goto", step="w"))
    compile_graph([dated, step("goto", step="w", max_visits=3)])


def test_a_bounded_jump_does_not_excuse_another_cycle() -> None:
    back = step("branch", "b", branches=[{"goto": "a", "conditions": [condition("x", "exists")]}])
    assert "cycle" in refused(LOG, step("goto", "g", step="a", max_visits=3), back)


def test_a_daily_loop_waits_a_day_each_time() -> None:
    steps = [step("wait_until", "w", time_of_day="12:00"), step("goto", step="w", max_visits=2)]
    answer = dry_run(graph_of(*steps), now=NOW, templates=TEMPLATES)
    assert [line[24:34] for line in answer["logs"] if line.startswith("[test]")] == [
        "2026-03-03",
        "2026-03-04",
        "2026-03-05",
    ]
