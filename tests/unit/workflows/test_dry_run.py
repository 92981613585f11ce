"""`/test`: the documented fixture and merge semantics, and that nothing is sent, written or waited for."""

from typing import Any

import pytest

from drippulse.workflows.dry_run import dry_run, sample_payload
from drippulse.workflows.errors import InvalidSampleDataError, UnknownFixtureProfileError
from drippulse.workflows.graph import compile_graph
from tests.support.walks import NOW, TEMPLATES, condition, graph_of, step


def run(*steps: dict[str, Any], **options: Any) -> dict[str, Any]:
    return dry_run(graph_of(*steps), now=NOW, templates=TEMPLATES, **options)


def test_the_default_profile_is_minimal_with_its_documented_keys() -> None:
    answer = run()
    assert answer["test_fixture_profile"] == "minimal"
    assert set(answer["sample_data"]) == {"first_name", "last_name", "email", "score"}


@pytest.mark.parametrize("profile", ["demo", "full", "rich", "legacy"])
def test_the_rich_profiles_add_keys(profile: str) -> None:
    answer = run(fixture_profile=profile)
    assert answer["test_fixture_profile"] == profile
    assert {"first_name", "email", "score", "company_name", "industry", "segment"} <= set(answer["sample_data"])


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownFixtureProfileError, match="minimal, demo, full, rich, legacy") as caught:
        run(fixture_profile="demoo")
    assert caught.value.status == 422


def test_the_payload_is_shallow_merged_over_the_fixture() -> None:
    answer = run(payload={"score": 10, "utm": {"source": "x"}, "company_name": ""}, fixture_profile="demo")
    data = answer["sample_data"]
    assert (data["score"], data["utm"], data["company_name"]) == (10, {"source": "x"}, "")
    assert data["industry"] == "SaaS"


def test_a_step_output_replaces_a_nested_object_as_a_whole() -> None:
    answer = run(step("set_fields", fields={"payload": {"b": 2}}), payload={"payload": {"a": 1, "deep": {"c": 3}}})
    assert answer["sample_data"]["payload"] == {"b": 2}


@pytest.mark.parametrize("key", ["sample_data", "input", "runtime_payload"])
def test_each_body_key_is_the_payload(key: str) -> None:
    assert sample_payload({key: {"a": 1}}) == {"a": 1}
    assert sample_payload({}) == {}
    with pytest.raises(InvalidSampleDataError, match=key):
        sample_payload({key: [1]})


def test_waits_do_not_wait_and_time_goes_on_from_them() -> None:
    answer = run(
        step("wait", duration=1, unit="days"),
        step("log", message="{{ 'x' }}"),
        step("wait", duration=2, unit="days"),
        step("email", subject="x", body="y", send_window={"start": "14:00", "end": "15:00", "timezone": "UTC"}),
    )
    assert answer["status"] == "completed"
    assert [line for line in answer["logs"] if line.startswith("[test]")] == [
        "[test] Would wait until 2026-03-03T12:00:00.000Z (wait)",
        "[test] Would wait until 2026-03-05T12:00:00.000Z (wait)",
        "[test] Would wait until 2026-03-05T14:00:00.000Z (send_window)",
        '[test] Would send email to ada@example.com with subject "x"',
    ]


def test_effects_are_logged_as_would_and_need_no_connection() -> None:
    answer = run(
        step("email", subject="Hi {{ first_name }}", body="y", integration_id="sendgrid"),
        step("webhook_callback", url="https://example.com/"),
        step("alert", message="m"),
        step("integration_action", integration_id="zendesk", action="create_ticket"),
    )
    assert [line.startswith("[test] Would ") for line in answer["logs"]] == [True] * 4
    assert [each["status"] for each in answer["steps"]] == ["completed"] * 4


def test_the_answer_names_every_step_with_its_duration() -> None:
    answer = run(step("log", "a", message="ok"), step("filter", "b", conditions=[condition("score", "gt", 99)]))
    assert set(answer) == {"status", "steps", "logs", "sample_data", "test_fixture_profile", "missing_variables"}
    first = answer["steps"][0]
    assert {**first, "duration_ms": 0} == {
        "step_index": 0,
        "id": "a",
        "type": "log",
        "name": "log",
        "status": "completed",
        "output": {},
        "logs": ["[info] ok"],
        "duration_ms": 0,
    }
    assert all(each["duration_ms"] >= 0 for each in answer["steps"])


def test_missing_variables_are_reported() -> None:
    answer = run(step("email", subject="{{ nick }}", html="{{ vars.hook }} {{ x | default: 'y' }} {{ first_name }}"))
    assert answer["missing_variables"] == ["nick", "vars.hook"]


def test_a_failing_step_fails_the_run() -> None:
    answer = run(step("log", message="{{ 1 | divided_by: 0 }}"), step("log", message="never"))
    assert answer["status"] == "failed"
    assert [each["status"] for each in answer["steps"]] == ["failed"]
    assert "divide" in answer["logs"][-1]


def test_an_invalid_recipient_is_skipped_as_it_would_be() -> None:
    answer = run(step("email", subject="x", body="y"), payload={"email": "nobody"})
    assert answer["steps"][0]["status"] == "skipped"


def test_a_loop_with_waits_comes_to_an_end() -> None:
    back = {"goto": "w", "conditions": [condition("score", "exists")]}
    answer = run(step("wait", "w", duration=1, unit="days"), step("branch", branches=[back]))
    assert answer["status"] == "completed"
    assert "goes round in a loop" in answer["logs"][-1]


def test_a_run_is_bounded_in_time() -> None:
    ticks = iter(range(0, 1000, 3))
    answer = run(*(step("log", message="x") for _ in range(20)), timer=lambda: float(next(ticks)))
    assert answer["status"] == "failed"
    assert "longer than" in answer["logs"][-1]


def test_the_graph_and_the_payload_stay_as_they_were() -> None:
    payload = {"tags": ["a"]}
    graph = compile_graph([step("set_fields", fields={"tags": ["b"]})])
    first = dry_run(graph, now=NOW, templates=TEMPLATES, payload=payload)
    assert payload == {"tags": ["a"]}
    assert dry_run(graph, now=NOW, templates=TEMPLATES, payload=payload)["sample_data"] == first["sample_data"]
