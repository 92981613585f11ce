"""Normalization and compilation: the canonical shape, and what is refused at save with its step and field named."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.kit.standard_webhooks import new_secret
from drippulse.workflows.errors import InvalidStepGraphError
from drippulse.workflows.graph import Graph, compile_graph, only_to
from drippulse.workflows.normalize import MAX_STEPS, normalize_steps
from drippulse.workflows.steps.registry import all_types
from tests.support.walks import condition, step

TEXTS = st.text(max_size=10) | st.sampled_from([*all_types(), "step_1", "{{ x", "{{ a.b }}", "all", "goto", "equals"])
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=20,
)
FIELD_NAMES = st.sampled_from(
    sorted({name for found in all_types().values() for name in found.config_model.model_fields} | {"from", "wrong"})
)
STEPS = st.fixed_dictionaries(
    {"type": st.sampled_from([*all_types(), "nonsense"])},
    optional={
        "id": st.none() | st.sampled_from(["a", "b", "step_2"]) | st.integers() | JSON_VALUES,
        "name": st.none() | st.text(max_size=5),
        "position": JSON_VALUES,
        "config": st.none() | st.dictionaries(FIELD_NAMES, JSON_VALUES, max_size=5) | JSON_VALUES,
        "duration": st.integers(-1, 3),
        "unit": st.sampled_from(["days", "hour", "eons"]),
        "message": TEXTS,
    },
)


def refusal(steps: Any) -> InvalidStepGraphError:
    with pytest.raises(InvalidStepGraphError) as caught:
        compile_graph(steps)
    assert caught.value.error_code == "invalid_step_graph"
    assert caught.value.status == 400
    return caught.value


def test_parameters_beside_type_and_name_move_into_config() -> None:
    steps = normalize_steps([{"type": "wait", "name": "Pause", "duration": 1, "unit": "hours"}])
    assert steps == [
        {
            "id": "step_1",
            "type": "wait",
            "name": "Pause",
            "position": 0,
            "config": {"duration": 1, "unit": "hours"},
        }
    ]


def test_the_explicit_config_wins_over_a_top_level_field() -> None:
    assert normalize_steps([{"type": "log", "message": "top", "config": {"message": "own"}}])[0]["config"] == {
        "message": "own"
    }


def test_server_made_ids_are_free_and_positions_follow_the_order() -> None:
    steps = normalize_steps([{"type": "log"}, {"type": "log", "id": "step_1", "position": 0}, {"type": "log"}])
    assert [(each["id"], each["position"]) for each in steps] == [("step_2", 0), ("step_1", 1), ("step_3", 2)]


def test_the_id_factory_is_a_parameter() -> None:
    assert normalize_steps([{"type": "log"}], new_id=lambda number: f"s{number}")[0]["id"] == "s1"


@given(st.lists(STEPS, max_size=5) | JSON_VALUES)
def test_normalizing_twice_changes_nothing(raw: Any) -> None:
    try:
        once = normalize_steps(raw)
    except InvalidStepGraphError:
        return
    assert normalize_steps(once) == once


@given(st.lists(STEPS, max_size=5) | JSON_VALUES)
def test_any_json_compiles_or_is_refused_with_findings(raw: Any) -> None:
    found = compiled_or_refused(raw)
    if isinstance(found, InvalidStepGraphError):
        assert found.errors
        assert all(path.startswith("steps") and sentences for path, sentences in found.errors.items())
    else:
        assert len(found) == len(raw)
        assert sorted(found.index.values()) == list(range(len(raw)))


def compiled_or_refused(raw: Any) -> Graph | InvalidStepGraphError:
    try:
        return compile_graph(raw)
    except InvalidStepGraphError as error:
        return error


def test_deep_nesting_is_refused_and_does_not_overflow() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]
    assert "nested" in refusal([{"type": "webhook_callback", "url": "https://example.com", "body": deep}]).message


def test_no_steps_make_an_empty_graph() -> None:
    assert len(compile_graph([])) == 0


REFUSED: list[tuple[list[Any], str, str]] = [
    ([step("emial")], "steps.0.type", 'Did you mean "email"?'),
    ([{"config": {}}], "steps.0.type", "is missing"),
    (["email"], "steps.0", "must be an object"),
    ([{"type": "log", "config": []}], "steps.0.config", "must be an object"),
    ([step("log", message="x"), step("wait", duraton=1)], "steps.1.config.duraton", 'did you mean "duration"?'),
    ([step("wait", duration="soon", unit="days")], "steps.0.config.duration", "number"),
    ([step("wait", duration=1, unit="fortnights")], "steps.0.config.unit", 'not "fortnights"'),
    ([step("wait", duration=99999, unit="weeks")], "steps.0.config.duration", "five years"),
    ([step("wait", unit="days")], "steps.0.config.duration", "is missing"),
    ([step("log", message="{{ x")], "steps.0.config.message", "not a valid Liquid template: line 1"),
    ([step("set_fields", fields={"a": "{% if %}"})], "steps.0.config.fields.a", "Liquid"),
    ([step("filter", conditions=[])], "steps.0.config.conditions", "at least 1"),
    ([step("filter", conditions=[condition("a", "equals")])], "steps.0.config.conditions.0", "needs a value"),
    (
        [step("branch", branches=[{"goto": "nowhere", "conditions": [condition("a", "exists")]}])],
        "steps.0.config.branches.0.goto",
        "does not exist",
    ),
    (
        [step("branch", branches=[{"gotoo": "a", "goto": "a", "conditions": [condition("a", "exists")]}])],
        "steps.0.config.branches.0.gotoo",
        'did you mean "goto"?',
    ),
    ([step("trigger", frequency="cron")], "steps.0.config", "needs `cron`"),
    ([step("trigger", frequency="cron", cron="61 * * * *")], "steps.0.config", "five fields"),
    ([step("trigger", frequency="event")], "steps.0.config", "needs `event`"),
    ([step("email", subject="x")], "steps.0.config.body", "give `body`"),
    ([step("email", subject="x", body="y", template_id=3)], "steps.0.config.template_id", "texts are not here"),
    ([step("email", subject="x", body="y", integration_id="mailgun")], "steps.0.config.integration_id", "nurture"),
    (
        [step("email", subject="x", body="y", send_window={"start": "9", "end": "17:00"})],
        "steps.0.config.send_window.start",
        "time",
    ),
    (
        [step("email", subject="x", body="y", send_window={"start": "09:00", "end": "17:00", "timezone": "Mars"})],
        "steps.0.config.send_window.timezone",
        "IANA",
    ),
    ([step("webhook_callback", url="https://10.0.0.1/x")], "steps.0.config.url", "private"),
    ([step("webhook_callback", url="ftp://example.com")], "steps.0.config.url", "https"),
    (
        [step("webhook_callback", url="https://example.com", headers={"Host": "x"})],
        "steps.0.config.headers.Host",
        "set by the call itself",
    ),
    ([step("webhook_callback", url="https://example.com", secret="short")], "steps.0.config.secret", "whsec_"),
    (
        [step("webhook_callback", url="https://example.com", response_branches=[{"status": "6xx", "goto": "a"}])],
        "steps.0.config.response_branches.0.status",
        "2xx",
    ),
    ([step("alert", message="x", integration_id="slak")], "steps.0.config.integration_id", 'Did you mean "slack"?'),
    ([step("integration_action", integration_id="zendesk")], "steps.0.config.action", "is missing"),
    (
        [step("integration_action", integration_id="hs", action="do", payload={"a": [{"api_key": "sk"}]})],
        "steps.0.config.payload.a.0.api_key",
        "secret",
    ),
    ([step("log", "a", message="x"), step("log", "a", message="x")], "steps.1.id", "id of step 1"),
    ([step("goto")], "steps.0.config.step", "is missing"),
    ([step("goto", step="nowhere")], "steps.0.config.step", "does not exist"),
    ([step("wait_until")], "steps.0.config.at", "is missing: give"),
    ([step("wait_until", at="next week")], "steps.0.config.at", "is not a date"),
    ([step("wait_until", at="2026-02-29")], "steps.0.config.at", "is not a date"),
    ([step("wait_until", at="2026-05-01", date_field="d")], "steps.0.config.date_field", "keep one"),
    ([step("wait_until", at="2026-05-01T09:00", time_of_day="10:00")], "steps.0.config.time_of_day", "as a date"),
    ([step("wait_until", weekdays=["mon"], offset={"duration": 1, "unit": "days"})], "steps.0.config.offset", "needs"),
    (
        [step("wait_until", at="2026-05-01", offset={"duration": 300, "unit": "weeks"})],
        "steps.0.config.offset",
        "five years",
    ),
    ([step("wait_until", weekdays=[])], "steps.0.config.weekdays", "at least 1"),
    ([step("wait_until", weekdays=["someday"])], "steps.0.config.weekdays.0", 'not "someday"'),
    ([step("wait_until", time_of_day="25:00")], "steps.0.config.time_of_day", "time"),
    ([step("wait_until", time_of_day="09:00+02:00")], "steps.0.config.time_of_day", "no offset"),
    ([step("wait_until", time_of_day="09:00", timezone="Mars")], "steps.0.config.timezone", "IANA"),
    ([step("wait_until", holidays="XX")], "steps.0.config.holidays", "no holidays are known"),
    ([step("wait_until", holidays="DE-XX")], "steps.0.config.holidays", "Known are BB, BE"),
    ([step("wait_until", window={"start": "09:00", "end": "09:00"})], "steps.0.config.window", "never opens"),
    ([step("wait_until", window={"start": "09:00"})], "steps.0.config.window.end", "is missing"),
    (
        [step("wait_until", time_of_day="20:00", window={"start": "09:00", "end": "17:00"})],
        "steps.0.config.time_of_day",
        "never inside of the window: 20:00 is not within 09:00 to 17:00",
    ),
    (
        [step("wait_until", at="2026-05-01", time_of_day="12:00", window={"start": "22:00", "end": "06:00"})],
        "steps.0.config.time_of_day",
        "never inside of the window",
    ),
    (
        [step("wait_until", time_of_day="17:00", window={"start": "09:00", "end": "17:00"})],
        "steps.0.config.time_of_day",
        "never inside of the window",
    ),
]


@pytest.mark.parametrize(("steps", "path", "words"), REFUSED, ids=[path for _, path, _ in REFUSED])
def test_refused_at_save_with_step_and_field_named(steps: list[Any], path: str, words: str) -> None:
    error = refusal(steps)
    assert any(words in sentence for sentence in error.errors[path])
    assert f"Step {int(path.split('.')[1]) + 1} " in error.message


def test_more_than_200_steps_are_refused() -> None:
    assert str(MAX_STEPS) in refusal([step("log", message="x")] * (MAX_STEPS + 1)).message


def test_every_finding_is_listed_and_the_first_is_in_the_message() -> None:
    error = refusal([{"type": "wait", "name": "Pause"}, step("log", level="loud", message="{{ x }}")])
    assert set(error.errors) == {"steps.0.config.duration", "steps.0.config.unit", "steps.1.config.level"}
    assert 'Step 1 ("Pause"): `duration` is missing' in error.message
    assert "2 more problems" in error.message


def test_a_refusal_never_repeats_a_secret() -> None:
    error = refusal([step("webhook_callback", url="https://example.com", secret="canary-1", method=["canary-2"])])
    assert "canary" not in f"{error.message}{error.errors}"


ROUND = [
    step("log", "a", message="x"),
    step("branch", branches=[{"goto": "a", "conditions": [condition("x", "exists")]}]),
]


def test_a_cycle_without_a_wait_is_refused_with_its_steps() -> None:
    error = refusal(ROUND)
    assert 'cycle without a wait: 1 ("log") -> 2 ("branch") -> 1 ("log")' in error.message


def test_a_cycle_with_a_wait_is_fine_unless_the_wait_takes_no_time_or_can_be_skipped() -> None:
    wait = step("wait", duration=1, unit="days")
    compile_graph([ROUND[0], wait, ROUND[1]])
    assert "cycle" in refusal([ROUND[0], step("wait", duration=0, unit="days"), ROUND[1]]).message
    skipping = step("filter", conditions=[condition("x", "exists")], on_fail="skip")
    assert "cycle" in refusal([ROUND[0], skipping, wait, ROUND[1]]).message


def test_a_jump_past_the_wait_is_a_cycle_too() -> None:
    first = step("branch", "first", branches=[{"goto": "last", "conditions": [condition("x", "exists")]}])
    last = step("branch", "last", branches=[{"goto": "first", "conditions": [condition("x", "exists")]}])
    assert "cycle" in refusal([first, step("wait", duration=1, unit="days"), last]).message


def to(target: str) -> dict[str, Any]:
    return step("branch", branches=[{"goto": target, "conditions": [condition("x", "exists")]}])


UNREACHABLE: list[tuple[list[Any], int, str]] = [
    ([step("exit"), step("log", "late", message="x")], 1, 'step 1 ("exit") before it always goes elsewhere or ends'),
    ([step("goto", step="z"), step("log", "late", message="x"), step("log", "z", message="x")], 1, '"late"'),
    ([step("exit"), step("log", message="x"), step("log", message="x")], 2, "is not reached either"),
    ([step("exit"), step("wait", "late", duration=1, unit="days"), step("goto", step="late")], 1, 'go to "late"'),
    (
        [
            step("ab_test", variants=[{"id": "a", "goto": "z"}, {"id": "b", "goto": "z"}]),
            step("log", "late", message="x"),
            step("exit", "z"),
        ],
        1,
        'step 1 ("ab_test")',
    ),
    ([step("branch", **to("z")["config"], default_goto="z"), step("exit", "late"), step("exit", "z")], 1, "branch"),
]


@pytest.mark.parametrize(("steps", "place", "words"), UNREACHABLE)
def test_a_step_that_is_never_reached_is_refused_with_what_would_reach_it(
    steps: list[Any], place: int, words: str
) -> None:
    error = refusal(steps)
    assert words in error.errors[f"steps.{place}"][0]
    assert "is never reached: " in error.message
    assert "or take the step out" in error.message
    assert len(compile_graph(steps, check=False)) == len(steps)


def test_steps_are_reached_by_falling_through_jumping_and_skipping() -> None:
    skip = step("filter", conditions=[condition("x", "exists")], on_fail="skip")
    compile_graph([skip, step("exit"), step("log", message="x")])
    compile_graph([to("z"), step("exit"), step("log", "z", message="x")])
    compile_graph([step("goto", step="z", max_visits=1), step("exit"), step("log", "z", message="x")])
    hook = step("webhook_callback", url="https://example.com", response_branches=[{"status": "2xx", "goto": "z"}])
    compile_graph([hook, step("exit"), step("log", "z", message="x")])


@given(st.lists(st.tuples(st.sampled_from(["log", "exit", "goto", "both", "skip"]), st.integers(0, 7)), max_size=8))
def test_exactly_the_steps_that_no_way_leads_to_are_refused(shape: list[tuple[str, int]]) -> None:
    steps: list[Any] = []
    edges: list[set[int]] = []
    for place, (kind, jump) in enumerate(shape):
        target = min(place + 1 + jump, len(shape) - 1)
        ahead = {place + 1}
        if kind == "exit" or (kind == "goto" and target <= place):
            steps.append(step("exit", f"s{place}"))
            ahead = set[int]()
        elif kind == "goto":
            steps.append(step("goto", f"s{place}", step=f"s{target}"))
            ahead = {target}
        elif kind == "both" and target > place:
            steps.append({**to(f"s{target}"), "id": f"s{place}"})
            ahead |= {target}
        elif kind == "skip":
            config = {"conditions": [condition("x", "exists")], "on_fail": "skip"}
            steps.append(step("filter", f"s{place}", **config))
            ahead |= {place + 2}
        else:
            steps.append(step("log", f"s{place}", message="x"))
        edges.append(ahead)
    reached = {0}
    for place in range(len(shape)):  # jumps go ahead only, so that one pass in order finds all
        if place in reached:
            reached |= edges[place]
    missing = {f"steps.{place}" for place in range(len(shape)) if place not in reached}
    found = compiled_or_refused(steps)
    assert (set(found.errors) if isinstance(found, InvalidStepGraphError) else set[str]()) == missing


def test_accepted_versions_compile_without_being_judged_again() -> None:
    graph = compile_graph([step("webhook_callback", url="https://10.0.0.1/x")], check=False)
    assert graph.nodes[0].config.url == "https://10.0.0.1/x"


def test_the_documented_examples_compile() -> None:
    compile_graph(
        [
            {"type": "trigger", "name": "Start", "config": {"frequency": "hourly"}},
            {"type": "wait", "name": "Pause", "config": {"duration": 1, "unit": "hours"}},
            {
                "type": "integration_action",
                "name": "Create support ticket",
                "config": {
                    "integration_id": "zendesk",
                    "action": "create_ticket",
                    "connection_key": "default",
                    "payload": {"subject": "Help needed for {{email}}", "requester_email": "{{email}}"},
                },
            },
            {"type": "webhook_callback", "url": "https://example.com/{{ email }}", "secret": new_secret()},
            {"type": "log", "name": "Done", "config": {"message": "ok", "level": "info"}},
        ]
    )


def test_null_in_a_config_means_not_given() -> None:
    assert (
        compile_graph([step("email", subject="x", body="y", html=None, track_opens=None)]).nodes[0].config.track_opens
    )


@pytest.mark.parametrize("on_unknown", ["skip", "resend", "ask"])
def test_a_graph_cut_after_a_step_ends_there_whatever_becomes_of_it(on_unknown: str) -> None:
    mail = step("email", subject="x", body="y", on_unknown=on_unknown)
    whole = compile_graph([step("log", message="a"), mail, step("log", message="b")])
    cut = only_to(whole, 1)
    assert [node.type for node in cut.nodes] == ["log", "email"]
    assert (cut.nodes[1].config.on_unknown, whole.nodes[1].config.on_unknown) == ("skip", on_unknown)
    assert only_to(whole, 3) == whole
