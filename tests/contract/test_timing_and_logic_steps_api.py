"""wait_until, goto, ab_test and score over REST: described, saved, refused with the place named, and dry run."""

from typing import Any

import httpx
import pytest

from tests.support.workflows import create_workflow

WORKFLOWS = "/api/v1/workflows"
HIGH = {"conditions": [{"field": "score", "operator": "gte", "value": 50}], "points": 30}
SENIOR = {"conditions": [{"field": "title", "operator": "contains", "value": "head"}], "points": 10}
STEPS: list[dict[str, Any]] = [
    {"id": "fit", "type": "score", "rules": [HIGH, SENIOR], "output_key": "fit", "tiers": [{"name": "hot", "min": 20}]},
    {"id": "test", "type": "ab_test", "config": {"variants": [{"id": "a", "weight": 3}, {"id": "b", "goto": "ask"}]}},
    {"id": "morning", "type": "wait_until", "time_of_day": "09:00", "weekdays": ["mon", "tue"], "holidays": "DE"},
    {"id": "ask", "type": "log", "message": "{{ variant }} {{ tier }} {{ fit }}"},
    {"id": "again", "type": "goto", "step": "ask", "max_visits": 1},
]


async def test_the_catalog_describes_them_from_their_models(client: httpx.AsyncClient) -> None:
    catalog = {entry["type"]: entry for entry in (await client.get(f"{WORKFLOWS}/step_types")).json()["step_types"]}
    shown = {name: [field["name"] for field in catalog[name]["fields"]] for name in ("goto", "ab_test", "score")}
    assert shown == {
        "goto": ["step", "max_visits"],
        "ab_test": ["variants"],
        "score": ["rules", "tiers", "min_score_threshold", "output_key"],
    }
    until = catalog["wait_until"]
    assert until["guarantee"] == "once_never_early"
    assert set(until["config_schema"]["properties"]) == {
        *("at", "date_field", "offset", "time_of_day", "weekdays", "window", "timezone", "holidays")
    }
    assert "wait_until" in until["outputs"]
    assert all(catalog[name]["guarantee"] == "exactly_once" for name in ("goto", "ab_test", "score"))


async def test_a_workflow_of_them_is_saved_as_sent_and_dry_run(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client, steps=STEPS)
    morning = made["steps"][2]["config"]
    assert morning == {"time_of_day": "09:00", "weekdays": ["mon", "tue"], "holidays": "DE"}
    answer = await client.post(f"{WORKFLOWS}/{made['id']}/test", json={"sample_data": {"email": "p0@example.com"}})
    body = answer.json()
    assert (answer.status_code, body["status"]) == (200, "completed")
    assert body["steps"][0]["output"] == {"fit": 30, "fit_normalized": 0.75, "tier": "hot", "qualified": True}
    variant = body["sample_data"]["variant"]
    ids = [step["id"] for step in body["steps"]]
    assert ids == ["fit", "test", *(["morning"] if variant == "a" else []), "ask", "again", "ask", "again"]
    assert f"[info] {variant} hot 30" in body["logs"]
    assert body["missing_variables"] == []


async def test_a_wait_until_is_told_and_not_waited_for(client: httpx.AsyncClient) -> None:
    steps = [
        {"type": "wait_until", "date_field": "renewal", "offset": {"duration": -3, "unit": "days"}},
        {"type": "wait_until", "date_field": "birthday"},
        {"type": "wait_until", "at": "2001-01-01"},
    ]
    made = await create_workflow(client, steps=steps)
    sample = {"renewal": "2199-05-04T09:00:00Z", "birthday": "unknown"}
    body = (await client.post(f"{WORKFLOWS}/{made['id']}/test", json={"sample_data": sample})).json()
    assert [step["status"] for step in body["steps"]] == ["completed", "skipped", "completed"]
    assert "[test] Would wait until 2199-05-01T09:00:00.000Z (wait_until)" in body["logs"]
    assert any("`birthday` is not an ISO 8601 date" in line for line in body["logs"])
    assert body["steps"][2]["output"]["wait_until"]["already_past"] is True


@pytest.mark.parametrize(
    ("steps", "path", "words"),
    [
        ([{"type": "exit"}, {"id": "late", "type": "log", "message": "x"}], "steps.1", "never reached"),
        (
            [{"id": "a", "type": "log", "message": "x"}, {"type": "goto", "step": "a"}],
            "steps.1",
            "cycle without a wait",
        ),
        ([{"type": "ab_test", "variants": [{"id": "a", "weight": 0}]}], "steps.0.config.variants", "weights of 0"),
        (
            [{"type": "wait_until", "time_of_day": "20:00", "window": {"start": "09:00", "end": "17:00"}}],
            "steps.0.config.time_of_day",
            "never inside of the window",
        ),
        ([{"type": "wait_until", "holidays": "ZZ"}], "steps.0.config.holidays", "no holidays are known"),
        (
            [{"type": "score", "rules": [SENIOR], "tiers": [{"name": "x", "min": 99}]}],
            "steps.0.config.tiers.0.min",
            "10",
        ),
    ],
)
async def test_what_cannot_work_is_refused_at_save_with_the_place_named(
    client: httpx.AsyncClient, steps: list[dict[str, Any]], path: str, words: str
) -> None:
    response = await client.post(WORKFLOWS, json={"name": "Broken", "steps": steps})
    body = response.json()
    assert (response.status_code, body["error"]) == (400, "invalid_step_graph")
    assert words in body["errors"][path][0]
    assert body["message"].startswith(f"Step {int(path.split('.')[1]) + 1} ")
