"""The walk: order, merges, jumps, waits, effects, limits. Nothing that is passed in changes."""

import copy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.workflows.graph import Graph
from drippulse.workflows.steps.base import Advance, Outcome, OutcomeKind
from drippulse.workflows.walk import (
    MAX_VISITS,
    StepStatus,
    Stop,
    Walk,
    Walker,
    WalkState,
    advance,
    resume_with,
    start,
)
from tests.support.walks import NOW, condition, graph_of, step, subject

BAG = {"email": "ada@example.com", "score": 85}


def walk(graph: Graph, bag: dict[str, Any] | None = None, **options: Any) -> Walk:
    return advance(graph, start(graph, BAG if bag is None else bag, NOW), subject(), NOW, **options)


def seen(result: Walk) -> list[tuple[str, str]]:
    return [(record.step_id, record.status.value) for record in result.records]


def test_runs_pure_steps_in_order_to_the_end() -> None:
    result = walk(
        graph_of(step("trigger", "a"), step("set_fields", "b", fields={"x": 1}), step("log", "c", message="hi"))
    )
    assert result.stop is Stop.COMPLETED
    assert seen(result) == [("a", "completed"), ("b", "completed"), ("c", "completed")]
    assert [record.visit for record in result.records] == [1, 2, 3]
    assert result.state.bag == {**BAG, "x": 1}
    assert result.state.cursor == 3


def test_step_by_step_comes_to_the_same_as_at_once() -> None:
    graph = graph_of(
        step("trigger", "a"),
        step("set_fields", "b", fields={"x": "{{ score | plus: 1 }}"}),
        step("branch", "c", branches=[{"conditions": [condition("x", "gt", 80)], "goto": "e"}]),
        step("log", "d", message="not rich"),
        step("wait", "e", duration=1, unit="days"),
    )
    walker = Walker(graph, start(graph, BAG, NOW), subject(), NOW)
    seen_at: list[int] = []
    while (rest := walker.step()) is None:
        seen_at.append(walker.state.cursor)
    assert (rest, seen_at) == (walk(graph), [1, 2, 4])


def test_an_empty_graph_completes_at_once() -> None:
    assert walk(graph_of()).stop is Stop.COMPLETED


@given(
    st.lists(
        st.dictionaries(st.sampled_from("abc"), st.integers() | st.dictionaries(st.text(), st.integers())), max_size=5
    )
)
def test_outputs_are_merged_shallowly_and_in_order(outputs: list[dict[str, Any]]) -> None:
    graph = graph_of(*(step("set_fields", fields=fields) for fields in outputs if fields))
    expected: dict[str, Any] = dict(BAG)
    for fields in outputs:
        expected |= fields
    assert walk(graph).state.bag == expected


def test_nothing_that_is_passed_in_changes() -> None:
    graph = graph_of(step("set_fields", fields={"score": 1}), step("wait", duration=1, unit="days"))
    state = start(graph, BAG, NOW)
    before = copy.deepcopy(state)
    advance(graph, state, subject(), NOW)
    assert state == before


def test_filter_exit_completes_with_the_reason_filtered() -> None:
    graph = graph_of(step("filter", conditions=[condition("score", "gt", 90)]), step("log", message="never"))
    result = walk(graph)
    assert (result.stop, result.reason) == (Stop.COMPLETED, "filtered")
    assert len(result.records) == 1
    assert "score (85) gt 90: no" in result.records[0].logs


def test_filter_skip_jumps_over_the_next_step_and_says_so() -> None:
    low = step("filter", "f", conditions=[condition("score", "gt", 90)], on_fail="skip")
    result = walk(graph_of(low, step("log", "x", message="x"), step("log", "y", message="y")))
    assert seen(result) == [("f", "completed"), ("x", "skipped"), ("y", "completed")]
    assert seen(walk(graph_of(low, step("log", "x", message="x")))) == [("f", "completed"), ("x", "skipped")]


def test_branch_takes_the_first_that_holds_or_the_default_or_falls_through() -> None:
    options = [
        {"goto": "b", "conditions": [condition("score", "gte", 80)]},
        {"goto": "c", "conditions": [condition("score", "gte", 1)]},
    ]
    steps = [
        step("branch", "a", branches=options),
        step("exit", "n"),
        step("exit", "b"),
        step("exit", "c"),
    ]
    assert [record.step_id for record in walk(graph_of(*steps)).records] == ["a", "b"]
    assert [record.step_id for record in walk(graph_of(*steps), {"score": 5}).records] == ["a", "c"]
    assert [record.step_id for record in walk(graph_of(*steps), {}).records] == ["a", "n"]
    steps[:2] = [step("branch", "a", branches=options, default_goto="d"), step("exit", "d")]
    assert [record.step_id for record in walk(graph_of(*steps), {}).records] == ["a", "d"]


def test_a_wait_rests_is_not_early_and_goes_on_when_due() -> None:
    graph = graph_of(step("wait", "w", duration=1, unit="hours"), step("log", "l", message="x"))
    first = walk(graph)
    due = NOW + timedelta(hours=1)
    assert (first.stop, first.until, first.reason) == (Stop.WAITING, due, "wait")
    assert seen(first) == [("w", "waiting")]
    again = advance(graph, first.state, subject(), due - timedelta(seconds=1))
    assert (again.stop, again.until) == (Stop.WAITING, due)
    last = advance(graph, again.state, subject(), due)
    assert seen(last) == [("w", "completed"), ("l", "completed")]
    assert last.records[0].visit == first.records[0].visit
    assert last.records[1].entered_at == due


def test_a_share_of_steps_yields_and_the_next_walk_goes_on() -> None:
    graph = graph_of(*(step("log", f"s{number}", message="x") for number in range(10)))
    result = walk(graph, max_steps=4)
    assert (result.stop, result.state.cursor) == (Stop.YIELDED, 4)
    rest = advance(graph, result.state, subject(), NOW)
    assert [record.visit for record in result.records + rest.records] == list(range(1, 11))


def test_a_template_that_fails_on_the_data_fails_the_step_and_stays_there() -> None:
    result = walk(
        graph_of(step("log", message="ok"), step("log", message="{{ score | divided_by: zero }}")), {"zero": 0}
    )
    assert (result.stop, result.code, result.state.cursor) == (Stop.FAILED, "template_error", 1)
    assert result.records[-1].error == {"code": "template_error", "message": result.message}


def test_an_endless_loop_is_stopped() -> None:
    back = {"goto": "w", "conditions": [condition("score", "exists")]}
    graph = graph_of(step("wait", "w", duration=1, unit="seconds"), step("branch", "b", branches=[back]))
    state, now = start(graph, BAG, NOW), NOW
    state.visits["w"] = MAX_VISITS - 2
    result = advance(graph, state, subject(), now)
    for _ in range(10):
        now += timedelta(seconds=2)
        result = advance(graph, result.state, subject(), now)
    assert (result.stop, result.code) == (Stop.FAILED, "loop_limit")


EFFECT_GRAPH = graph_of(
    step("email", "mail", subject="Hi {{ email }}", body="text"), step("log", "after", message="{{ got }}")
)
HOOK_GRAPH = graph_of(step("webhook_callback", "hook", url="https://example.com/"), step("log", "after", message="x"))


def settled(graph: Graph, result: Any, **changes: Any) -> tuple[WalkState, Walk]:
    at_effect = walk(graph)
    assert at_effect.stop is Stop.EFFECT
    assert at_effect.effect is not None
    state = WalkState(**{**{name: getattr(at_effect.state, name) for name in WalkState.__slots__}, **changes})
    return at_effect.state, resume_with(graph, state, subject(), NOW, result, at_effect.effect)


def test_an_effect_stops_the_walk_before_it_happens() -> None:
    result = walk(EFFECT_GRAPH)
    assert result.effect is not None
    assert result.records == []
    assert result.effect.prepared.recipient == "ada@example.com"
    assert result.effect.ctx.idempotency_key == "drippulse-1-7-1"
    assert walk(EFFECT_GRAPH).effect == result.effect


def test_done_records_merges_and_goes_on() -> None:
    _, result = settled(EFFECT_GRAPH, Outcome(OutcomeKind.DONE, output={"got": "it"}, logs=("sent",)))
    assert seen(result) == [("mail", "completed"), ("after", "completed")]
    assert result.records[0].input == {
        "to": "ada@example.com",
        "subject": "Hi ada@example.com",
        "from": None,
        "integration_id": "nurture",
    }
    assert result.records[1].logs == ("[info] it",)


def test_an_outcome_can_jump() -> None:
    _, result = settled(HOOK_GRAPH, Outcome(OutcomeKind.DONE, to="after"))
    assert seen(result) == [("hook", "completed"), ("after", "completed")]


def test_retry_rests_on_the_same_visit_without_a_record() -> None:
    state, result = settled(EFFECT_GRAPH, Outcome(OutcomeKind.RETRY, code="busy", message="later", retry_after=7))
    assert (result.stop, result.code, result.retry_after, result.records) == (Stop.RETRY, "busy", 7, [])
    assert result.state == state


def test_failed_records_the_attempt() -> None:
    _, result = settled(EFFECT_GRAPH, Outcome(OutcomeKind.FAILED, code="refused", message="No."), attempt=3)
    assert (result.stop, result.records[0].status, result.records[0].attempt) == (Stop.FAILED, StepStatus.FAILED, 3)


def test_the_next_step_starts_with_its_first_attempt() -> None:
    _, result = settled(EFFECT_GRAPH, Outcome(OutcomeKind.DONE), attempt=3)
    assert [record.attempt for record in result.records] == [3, 1]


def test_the_engine_can_decide_instead_of_performing() -> None:
    _, result = settled(EFFECT_GRAPH, Advance(skipped="suppressed: unsubscribed"))
    assert seen(result) == [("mail", "skipped"), ("after", "completed")]
    assert result.records[0].logs == ("Skipped: suppressed: unsubscribed",)


@pytest.mark.parametrize(("choice", "stop"), [("skip", Stop.COMPLETED), ("resend", Stop.RETRY), ("ask", Stop.ASK)])
def test_an_unknown_mail_follows_on_unknown(choice: str, stop: Stop) -> None:
    graph = graph_of(step("email", subject="x", body="y", on_unknown=choice))
    _, result = settled(graph, Outcome(OutcomeKind.UNKNOWN, message="connection lost"))
    assert result.stop is stop
    if choice == "skip":
        assert result.records[0].error == {"code": "outcome_unknown", "message": "connection lost"}
        assert result.records[0].status is StepStatus.SKIPPED


def test_an_unknown_webhook_is_called_again() -> None:
    assert settled(HOOK_GRAPH, Outcome(OutcomeKind.UNKNOWN))[1].stop is Stop.RETRY


@given(st.lists(st.sampled_from(["log", "set", "wait", "skip", "pass"]), max_size=12), st.integers(1, 5))
def test_however_it_is_cut_into_pieces_a_walk_does_the_same(kinds: list[str], share: int) -> None:
    made = {
        "log": step("log", message="x"),
        "set": step("set_fields", fields={"n": 1}),
        "wait": step("wait", duration=1, unit="days", jitter_minutes=30),
        "skip": step("filter", conditions=[condition("score", "gt", 90)], on_fail="skip"),
        "pass": step("filter", conditions=[condition("score", "gt", 80)]),
    }
    graph = graph_of(*(made[kind] for kind in kinds))

    def run(max_steps: int) -> tuple[list[tuple[int, str, str]], dict[str, Any]]:
        state, now, records = start(graph, BAG, NOW), NOW, list[tuple[int, str, str]]()
        for _ in range(200):
            result = advance(graph, state, subject(), now, max_steps)
            records += [
                (record.visit, record.step_id, record.status.value) for record in result.records if record.finished_at
            ]
            state, now = result.state, result.until or now
            if result.stop is Stop.COMPLETED:
                break
        return records, state.bag

    whole = run(100)
    assert run(share) == whole
    assert [visit for visit, _, _ in whole[0]] == list(range(1, len(whole[0]) + 1))
