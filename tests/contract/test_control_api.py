"""Pause, resume, cancel, retry, resolve and actions over REST: answers, errors, and nothing changed by a refusal."""

from typing import Any

import httpx
import orjson
import pytest

from drippulse.kit.services import AppServices
from tests.support.organizations import TestOrganization
from tests.support.workflows import create_workflow, enroll

STEPS = [
    {"id": "rest", "type": "wait", "name": "Rest", "config": {"duration": 1, "unit": "days"}},
    {"id": "bye", "type": "log", "name": "Bye", "config": {"message": "x"}},
]


async def furnish(client: httpx.AsyncClient, people: int = 1, **changes: Any) -> tuple[str, list[int]]:
    """The path of an active workflow's runs, and their ids."""
    workflow = (await create_workflow(client, status="active", steps=STEPS, **changes))["id"]
    contacts = [{"email": f"p{n}@example.com", "lead_ref": f"r{n}"} for n in range(people)]
    made = await enroll(client, workflow, *contacts)
    return f"/api/v1/workflows/{workflow}", made["enrollment_ids"]


async def change(services: AppServices, organization: TestOrganization, statement: str, *args: Any) -> None:
    async with services.database.tenant(organization.id) as session:
        await session.execute(statement, *args)


async def events(services: AppServices, organization: TestOrganization) -> list[tuple[str, Any]]:
    async with services.database.tenant(organization.id) as session:
        rows = await session.fetch("SELECT type, data FROM event ORDER BY id")
    return [(row["type"], orjson.loads(row["data"]).get("reason")) for row in rows]


async def test_pausing_and_resuming_one_run(
    client: httpx.AsyncClient, services: AppServices, organization: TestOrganization
) -> None:
    path, [one] = await furnish(client)
    for _ in range(2):
        paused = await client.post(f"{path}/enrollments/{one}/pause")
        assert (paused.status_code, paused.json()["status"], paused.json()["wait"]["reason"]) == (
            200,
            "paused",
            "paused",
        )
    for _ in range(2):
        resumed = await client.post(f"{path}/enrollments/{one}/resume", json={"clock": "freeze"})
        assert (resumed.status_code, resumed.json()["status"]) == (200, "active")
    told = [kind for kind, _ in await events(services, organization) if kind.startswith("enrollment.")]
    assert told == ["enrollment.created", "enrollment.paused", "enrollment.resumed"]


@pytest.mark.parametrize("action", ["pause", "resume", "cancel", "retry", "resolve"])
@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
async def test_a_finished_run_is_refused_with_a_code_and_stays_as_it_is(
    action: str, status: str, client: httpx.AsyncClient, services: AppServices, organization: TestOrganization
) -> None:
    if (action, status) in {("retry", "failed"), ("cancel", "cancelled")}:
        return
    path, [one] = await furnish(client)
    ended = "UPDATE enrollment SET status = $1, claimable_at = NULL, finished_at = now() WHERE id = $2"
    await change(services, organization, ended, status, one)
    before = (await client.get(f"{path}/enrollments/{one}")).json()
    body = {"action": "skip"} if action == "resolve" else {}
    response = await client.post(f"{path}/enrollments/{one}/{action}", json=body)
    code = {"retry": "enrollment_not_failed", "resolve": "outcome_not_open"}.get(action, "enrollment_finished")
    assert (response.status_code, response.json()["error"]) == (409, code)
    assert (await client.get(f"{path}/enrollments/{one}")).json() == before
    assert not any(
        kind in {"enrollment.paused", "enrollment.resumed"} for kind, _ in await events(services, organization)
    )


async def test_cancelling_keeps_the_reason(
    client: httpx.AsyncClient, services: AppServices, organization: TestOrganization
) -> None:
    path, [one] = await furnish(client)
    for _ in range(2):
        response = await client.post(f"{path}/enrollments/{one}/cancel", json={"reason": "signed up"})
        assert (response.status_code, response.json()["status"]) == (200, "cancelled")
    assert (await events(services, organization))[-1] == ("enrollment.cancelled", "signed up")
    assert (await client.get(f"{path}/enrollments/{one}/explain")).json()["exit_reason"] == "signed up"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"clock": "stop"}, "clock"),
        ({"late": "never"}, "late"),
        ({"late": "respread"}, "body"),
        ({"late": "skip", "late_hours": -1}, "late_hours"),
        ({"rate": 5}, "rate"),
    ],
)
async def test_a_policy_that_makes_no_sense_is_refused(
    body: dict[str, Any], field: str, client: httpx.AsyncClient
) -> None:
    path, [one] = await furnish(client)
    await client.post(f"{path}/enrollments/{one}/pause")
    for target in (f"{path}/enrollments/{one}/resume", f"{path}/resume", "/api/v1/organization/resume"):
        response = await client.post(target, json=body)
        assert (response.status_code, list(response.json()["errors"])) == (422, [field]), response.text
    assert (await client.get(f"{path}/enrollments/{one}")).json()["status"] == "paused"


async def test_pausing_a_workflow_and_its_steps(client: httpx.AsyncClient) -> None:
    path, _ = await furnish(client, 3)
    step = (await client.post(f"{path}/steps/rest/pause")).json()
    assert (step["paused_steps"], step["changed"], step["held"]["step_paused"]) == (["rest"], 3, 3)
    workflow = (await client.post(f"{path}/pause")).json()
    assert (workflow["status"], workflow["changed"], workflow["held"]["workflow_paused"]) == ("paused", 3, 3)
    rows = (await client.get(f"{path}/enrollments")).json()
    assert {row["wait"]["reason"] for row in rows["enrollments"]} == {"workflow_paused"}
    assert rows["step_funnel"]["steps"][0]["waiting_leads"] == 3
    assert (await client.post(f"{path}/resume", json={"late": "respread", "rate_per_minute": 60})).json()[
        "changed"
    ] == 3
    left = (await client.get(f"{path}/holds")).json()
    assert (left["status"], left["held"]["workflow_paused"], left["held"]["step_paused"]) == ("active", 0, 3)
    assert (await client.post(f"{path}/steps/rest/resume")).json()["changed"] == 3
    assert (await client.post(f"{path}/steps/nowhere/pause")).json()["error"] == "step_not_found"


@pytest.mark.parametrize("status", ["draft", "archived"])
async def test_only_active_workflows_are_paused(status: str, client: httpx.AsyncClient) -> None:
    workflow = (await create_workflow(client, status=status))["id"]
    for action in ("pause", "resume"):
        response = await client.post(f"/api/v1/workflows/{workflow}/{action}")
        assert (response.status_code, response.json()["error"]) == (409, "workflow_not_active")


async def test_pausing_the_organization_holds_everything_that_is_and_comes(client: httpx.AsyncClient) -> None:
    path, _ = await furnish(client, 2)
    paused = (await client.post("/api/v1/organization/pause")).json()
    assert (paused["paused"], paused["changed"]) == (True, 2)
    await enroll(client, int(path.rsplit("/", 1)[1]), {"email": "late@example.com"})
    shown = (await client.get("/api/v1/organization/holds")).json()
    assert (shown["held"]["organization_paused"], shown["paused_at"]) == (3, paused["paused_at"])
    resumed = (await client.post("/api/v1/organization/resume")).json()
    assert (resumed["paused"], resumed["changed"], resumed["held"]["organization_paused"]) == (False, 3, 0)


async def act(client: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    response = await client.post(f"{path}/enrollments/actions", json=body)
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_bulk_action_says_what_it_changed_and_why_not_the_rest(
    client: httpx.AsyncClient, services: AppServices, organization: TestOrganization
) -> None:
    path, ids = await furnish(client, 4)
    await change(services, organization, "UPDATE enrollment SET status = 'completed' WHERE id = $1", ids[0])
    await client.post(f"{path}/enrollments/{ids[1]}/pause")
    rehearsed = await act(client, path, action="pause", all=True, dry_run=True)
    done = await act(client, path, action="pause", all=True)
    assert {**rehearsed, "dry_run": False} == done
    assert (done["matched"], done["changed"]) == (4, 2)
    assert sorted((one["reason"], one["count"]) for one in done["skipped"]) == [
        ("already_paused", 1),
        ("enrollment_finished", 1),
    ]
    assert [(one["enrollment_id"], one["status"]) for one in done["results"]] == list(
        zip(ids, ["skipped", "skipped", "changed", "changed"], strict=True)
    )


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        ({"status": "paused"}, [1]),
        ({"step_index": 1}, [2]),
        ({"step_id": "bye"}, [2]),
        ({"lead_ref": "r3"}, [3]),
        ({"q": "p0@"}, [0]),
        ({"wait_reason": "send_window"}, [0]),
        ({"wait_reason": "paused"}, [1]),
        ({"error_code": "smtp"}, [3]),
        ({"version": 2}, [2]),
        ({"status": "active", "step_index": 0}, [0, 3]),
    ],
)
async def test_what_a_filter_lets_through(
    wanted: dict[str, Any],
    places: list[int],
    client: httpx.AsyncClient,
    services: AppServices,
    organization: TestOrganization,
) -> None:
    path, ids = await furnish(client, 4)
    await client.post(f"{path}/enrollments/{ids[1]}/pause")
    window = "UPDATE enrollment SET wait_reason = 'send_window', next_run_at = now() + interval '1 hour' WHERE id = $1"
    await change(services, organization, window, ids[0])
    there = "UPDATE enrollment SET current_step_index = 1, step_id = 'bye', workflow_version = 2 WHERE id = $1"
    await change(services, organization, there, ids[2])
    await change(
        services, organization, 'UPDATE enrollment SET last_error = \'{"code": "smtp"}\' WHERE id = $1', ids[3]
    )
    done = await act(client, path, action="cancel", filter=wanted, dry_run=True)
    assert [one["enrollment_id"] for one in done["results"]] == [ids[place] for place in places]
    by_ids = await act(
        client, path, action="cancel", filter={**wanted, "ids": [ids[places[0]], 999_999_999]}, dry_run=True
    )
    assert by_ids["matched"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {"action": "cancel"},
        {"action": "cancel", "filter": {}},
        {"action": "destroy", "all": True},
        {"action": "cancel", "filter": {"stauts": "active"}},
        {"action": "cancel", "filter": {"status": "alive"}},
        {"action": "resume", "all": True, "late": "respread"},
    ],
)
async def test_a_bulk_action_that_is_not_clear_changes_nothing(body: dict[str, Any], client: httpx.AsyncClient) -> None:
    path, _ = await furnish(client, 2)
    response = await client.post(f"{path}/enrollments/actions", json=body)
    assert (response.status_code, response.json()["error"]) == (422, "validation_failed")
    assert (await client.get(f"{path}/enrollments")).json()["step_funnel"]["totals"]["active"] == 2


async def test_more_runs_than_go_into_one_transaction(client: httpx.AsyncClient) -> None:
    path, ids = await furnish(client, 11_000)
    done = await act(client, path, action="cancel", filter={"status": "active"})
    assert (done["matched"], done["changed"], len(done["results"]), done["skipped"]) == (11_000, 11_000, 1_000, [])
    totals = (await client.get(f"{path}/enrollments?page=1&per_page=1")).json()["step_funnel"]["totals"]
    assert (totals["cancelled"], totals["active"], len(ids)) == (11_000, 0, 11_000)


async def test_re_entry_rules_in_the_bulk_answer(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client, status="active", steps=STEPS, settings={"re_entry": {"mode": "never"}})
    people = [{"email": "a@x.org"}, "nobody", {"email": "A@x.org"}]
    answer = await enroll(client, made["id"], *people)
    assert (answer["created_count"], answer["skipped_invalid_rows"], answer["skipped_rows"]) == (1, 1, 1)
    assert [result["status"] for result in answer["results"]] == ["enrolled", "invalid", "skipped"]
    again = await client.post(f"/api/v1/workflows/{made['id']}/enrollments/bulk", json={"contacts": people})
    assert (again.status_code, again.json()["error"], again.json()["created_count"]) == (
        422,
        "no_enrollments_created",
        0,
    )
    assert [result["status"] for result in again.json()["results"]] == ["skipped", "invalid", "skipped"]
