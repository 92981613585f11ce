"""Graphs that can never do what they say are refused at save with the place named, and nothing is stored."""

from typing import Any

import httpx
import pytest

from tests.support.workflows import SEED_WORKFLOW, create_workflow

WORKFLOWS = "/api/v1/workflows"


def step(kind: str, step_id: str, **config: Any) -> dict[str, Any]:
    return {"type": kind, "id": step_id, "config": config}


LOG = step("log", "log", message="x")
HALF_OFF = [{"id": "a", "weight": 0}, {"id": "b", "weight": 0}]
SAME = {"start": "09:00", "end": "09:00"}
NINE_TO_FIVE = {"start": "09:00", "end": "17:00"}
MAIL = {"subject": "x", "body": "y"}
BAD: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "a step that nobody reaches": ([step("exit", "end"), LOG], "steps.1", "never reached"),
    "a loop without a wait": ([LOG, step("goto", "back", step="log")], "steps.1", "cycle without a wait"),
    "a jump into nothing": ([step("goto", "jump", step="nowhere")], "steps.0.config.step", "does not exist"),
    "weights of 0": ([step("ab_test", "split", variants=HALF_OFF), LOG], "steps.0.config.variants", "weights of 0"),
    "30 February": ([step("trigger", "t", frequency="cron", cron="0 0 30 2 *")], "steps.0.config.cron", "never fires"),
    "31 April": ([step("trigger", "t", frequency="cron", cron="0 0 31 4,6 *")], "steps.0.config.cron", "never fires"),
    "no cron": ([step("trigger", "t", frequency="cron", cron="61 * * * *")], "steps.0.config", "five fields"),
    "an empty window": ([step("wait_until", "w", window=SAME)], "steps.0.config.window", "never opens"),
    "a time outside of the window": (
        [step("wait_until", "w", window=NINE_TO_FIVE, time_of_day="18:00")],
        "steps.0.config.time_of_day",
        "never inside",
    ),
    "an empty send window": ([step("email", "m", send_window=SAME, **MAIL)], "steps.0.config.send_window", "the same"),
    "an approval by a Viewer": ([step("approval", "a", role="Viewer")], "steps.0.config.role", "may not decide"),
    "a timeout into nothing": (
        [step("approval", "a", timeout={"duration": 1, "unit": "day"}, on_timeout="nowhere")],
        "steps.0.config.on_timeout",
        "does not exist",
    ),
    "a timeout that is missing": ([step("approval", "a", on_timeout="continue")], "steps.0.config.on_timeout", "needs"),
    "a timeout of nothing": ([step("approval", "a", timeout={"duration": 0, "unit": "day"})], "steps.0.config", "0"),
    "a message that does not parse": ([step("approval", "a", message="{{ x")], "steps.0.config.message", "Liquid"),
    "an unknown workflow": ([LOG, step("enroll", "e", workflow_id=999_999_999)], "steps.1.config.workflow_id", "exist"),
    "no agent": ([step("agent", "a")], "steps.0.config.agent_id", "needed"),
}


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_graph_is_refused_with_its_place(client: httpx.AsyncClient, case: str) -> None:
    steps, place, problem = BAD[case]
    answer = await client.post(WORKFLOWS, json={**SEED_WORKFLOW, "steps": steps})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_step_graph")
    found = {path: " ".join(texts) for path, texts in answer.json()["errors"].items() if path.startswith(place)}
    assert problem in " ".join(found.values()), answer.json()["errors"]
    assert (await client.get(WORKFLOWS)).json()["total_count"] == 0


async def test_a_bad_graph_leaves_the_stored_one_as_it_was(client: httpx.AsyncClient) -> None:
    stored = await create_workflow(client)
    for steps, _, _ in BAD.values():
        assert (await client.patch(f"{WORKFLOWS}/{stored['id']}", json={"steps": steps})).status_code == 400
    assert (await client.get(f"{WORKFLOWS}/{stored['id']}")).json() == stored


@pytest.mark.parametrize("status", ["active", "paused"])
async def test_a_workflow_with_an_agent_stays_a_draft(client: httpx.AsyncClient, status: str) -> None:
    steps = [step("agent", "a", agent_id=3, input="Look at {{ email }}"), LOG]
    answer = await client.post(WORKFLOWS, json={**SEED_WORKFLOW, "steps": steps, "status": status})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["steps.0.type"])
    assert "agents are not available yet" in answer.json()["message"]
    draft = await create_workflow(client, steps=steps)
    for changes in ({"status": status}, {"status": status, "steps": steps[:1]}):
        refused = await client.patch(f"{WORKFLOWS}/{draft['id']}", json=changes)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_step_graph")
    assert (await client.get(f"{WORKFLOWS}/{draft['id']}")).json() == draft
    published = await client.patch(f"{WORKFLOWS}/{draft['id']}", json={"status": status, "steps": steps[1:]})
    assert (published.status_code, published.json()["status"]) == (200, status)


async def test_a_workflow_may_enroll_in_another_but_not_in_an_archived_one(client: httpx.AsyncClient) -> None:
    target = (await create_workflow(client))["id"]
    steps = [step("enroll", "e", workflow_id=target)]
    await create_workflow(client, steps=steps)
    await client.patch(f"{WORKFLOWS}/{target}", json={"status": "archived"})
    refused = await client.post(WORKFLOWS, json={**SEED_WORKFLOW, "steps": steps})
    assert refused.status_code == 400
    assert "archived" in refused.json()["errors"]["steps.0.config.workflow_id"][0]


async def test_a_dry_run_asks_and_enrolls_nobody_and_goes_on(client: httpx.AsyncClient) -> None:
    target = (await create_workflow(client))["id"]
    steps = [
        step("webhook", "in", source="crm", anything={"else": 1}),
        step("approval", "ask", message="Take {{ email }}?"),
    ]
    steps += [step("enroll", "e", workflow_id=target), step("log", "said", message="{{ approval.decision }}")]
    workflow = await create_workflow(client, steps=steps)
    result = (await client.post(f"{WORKFLOWS}/{workflow['id']}/test", json={"fixture_profile": "minimal"})).json()
    assert result["status"] == "completed"
    logs = " ".join(result["logs"])
    assert "[test] Would ask an Approver to approve" in logs
    assert f"in workflow {target}" in logs
    assert "[info] approved" in logs
    assert (await client.get("/api/v1/approvals")).json()["total_count"] == 0
    assert (await client.get(f"{WORKFLOWS}/{target}/enrollments")).json()["total"] == 0
