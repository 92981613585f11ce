"""Listing, showing and removing enrollments, as the API reference documents them."""

from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from tests.support.organizations import TestOrganization
from tests.support.timeline import write_timeline
from tests.support.workflows import create_workflow, enroll

CORE = {
    "id",
    "workflow_id",
    "agent_id",
    "lead_ref",
    "current_step_index",
    "status",
    "next_run_at",
    "timezone",
    "created_at",
    "updated_at",
}
SUMMARY = {"contact", "current_step", "progress", "wait", "last_error", "workflow_version", "attempt"}
STEPS: list[dict[str, Any]] = [
    {"type": "trigger", "name": "Start", "config": {}},
    {"type": "wait", "name": "Wait 30m", "config": {"duration": 30, "unit": "minutes"}},
    {"type": "log", "name": "Done", "config": {"message": "ok"}},
]


async def _listed(client: httpx.AsyncClient, workflow_id: int, **params: Any) -> dict[str, Any]:
    response = await client.get(f"/api/v1/workflows/{workflow_id}/enrollments", params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def _set(services: AppServices, organization: TestOrganization, enrollment_id: int, assignments: str) -> None:
    async with services.database.tenant(organization.id) as session:
        await session.execute(f"UPDATE enrollment SET {assignments} WHERE id = $1", enrollment_id)


async def test_rows_have_the_core_fields_and_the_summary(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client, steps=STEPS)
    await enroll(client, made["id"], {"email": "a@b.com", "first_name": "Ada", "last_name": "L", "lead_ref": "crm-1"})
    body = await _listed(client, made["id"])
    row = body["enrollments"][0]
    assert set(row) >= CORE | SUMMARY
    assert row["contact"] == {"email": "a@b.com", "first_name": "Ada", "last_name": "L", "name": "Ada L"}
    assert row["current_step"] == {"index": 0, "number": 1, "name": "Start", "type": "trigger"}
    assert row["progress"] == {"completed_steps": 0, "total_steps": 3, "percent": 0}
    assert row["wait"] == {"waiting": False, "until": None, "seconds_remaining": 0, "reason": None}
    assert (row["status"], row["last_error"], row["agent_id"], row["attempt"]) == ("active", None, None, 0)
    assert row["created_at"].endswith("Z")
    assert (body["total"], body["total_count"]) == (1, 1)


async def test_a_waiting_row_says_until_when(organization: TestOrganization, services: AppServices) -> None:
    client = organization.client
    made = await create_workflow(client, steps=STEPS)
    ids = (await enroll(client, made["id"], {"name": "Ada Lovelace"}))["enrollment_ids"]
    await _set(
        services,
        organization,
        ids[0],
        "current_step_index = 1, next_run_at = now() + interval '30 min', claimable_at = now() + interval '30 min', "
        "wait_reason = 'wait'",
    )
    row = (await _listed(client, made["id"]))["enrollments"][0]
    assert row["wait"]["waiting"] is True
    assert 1790 <= row["wait"]["seconds_remaining"] <= 1800
    assert row["wait"]["reason"] == "wait"
    assert row["progress"] == {"completed_steps": 1, "total_steps": 3, "percent": 33}
    assert row["contact"]["name"] == "Ada Lovelace"


async def test_the_step_funnel_counts_active_waiting_and_running(
    organization: TestOrganization, services: AppServices
) -> None:
    client = organization.client
    made = await create_workflow(client, steps=STEPS)
    ids = (await enroll(client, made["id"], *[{"n": n} for n in range(7)]))["enrollment_ids"]
    waiting = "current_step_index = 1, next_run_at = now() + interval '1 h'"
    await _set(services, organization, ids[0], waiting)
    await _set(services, organization, ids[1], waiting)
    await _set(services, organization, ids[2], "current_step_index = 1")
    await _set(services, organization, ids[3], "status = 'completed', current_step_index = 3")
    await _set(services, organization, ids[4], "status = 'failed'")
    await _set(services, organization, ids[5], "status = 'paused'")
    funnel = (await _listed(client, made["id"]))["step_funnel"]
    assert [
        (s["step_index"], s["step_number"], s["name"], s["type"], s["active_leads"], s["waiting_leads"])
        for s in funnel["steps"]
    ] == [(0, 1, "Start", "trigger", 1, 0), (1, 2, "Wait 30m", "wait", 3, 2), (2, 3, "Done", "log", 0, 0)]
    assert [s["running_leads"] for s in funnel["steps"]] == [1, 1, 0]
    assert funnel["totals"] == {
        "active": 4,
        "paused": 1,
        "completed": 1,
        "failed": 1,
        "cancelled": 0,
        "total_enrollments": 7,
    }


async def test_the_list_holds_the_500_newest(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client)
    ids = (await enroll(client, made["id"], *[{"n": n} for n in range(510)]))["enrollment_ids"]
    body = await _listed(client, made["id"])
    assert [row["id"] for row in body["enrollments"]] == ids[:9:-1]
    assert (body["total"], body["total_count"]) == (510, 510)


async def test_filters_change_total_count_and_not_total(organization: TestOrganization, services: AppServices) -> None:
    client = organization.client
    made = await create_workflow(client, steps=STEPS)
    ids = (
        await enroll(
            client,
            made["id"],
            {"email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace", "lead_ref": "crm-1"},
            {"email": "grace_h@example.com", "name": "Grace Hopper", "lead_ref": "crm-2"},
            {"email": "100%@example.com"},
        )
    )["enrollment_ids"]
    await _set(services, organization, ids[1], "status = 'completed', current_step_index = 2")

    async def found(**params: Any) -> list[int]:
        body = await _listed(client, made["id"], **params)
        assert body["total"] == 3
        assert body["total_count"] == len(body["enrollments"])
        return [row["id"] for row in body["enrollments"]]

    assert await found(status="completed") == [ids[1]]
    assert await found(step_index=0) == [ids[2], ids[0]]
    assert await found(lead_ref="crm-1") == [ids[0]]
    assert await found(q="LOVELACE") == [ids[0]]
    assert await found(q="ada love") == [ids[0]]
    assert await found(q="hopper") == [ids[1]]
    assert await found(q="CRM-2") == [ids[1]]
    assert await found(q="%") == [ids[2]]
    assert await found(q="e_h@") == [ids[1]]
    assert await found(q="nobody") == []
    assert await found(status="completed", lead_ref="crm-1") == []


async def test_pages_and_cursors(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client)
    ids = (await enroll(client, made["id"], *[{"n": n} for n in range(5)]))["enrollment_ids"][::-1]
    path = f"/api/v1/workflows/{made['id']}/enrollments"
    page = await client.get(path, params={"page": 3, "per_page": 2, "status": "active"})
    assert [row["id"] for row in page.json()["enrollments"]] == ids[4:]
    assert f'<{path}?status=active&per_page=2&page=2>; rel="prev"' in page.headers["link"]
    assert 'rel="next"' not in page.headers["link"]
    first = await _listed(client, made["id"], cursor="", per_page=3)
    await enroll(client, made["id"], {"late": True})
    rest = await _listed(client, made["id"], cursor=first["next_cursor"], per_page=3)
    assert [row["id"] for row in first["enrollments"] + rest["enrollments"]] == ids
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    "params",
    [
        {"status": "activ"},
        {"step_index": "x"},
        {"step_index": -1},
        {"step_index": 2**31},
        {"step_index": 10**30},
        {"per_page": 201},
        {"page": 0},
        {"cursor": "x"},
        {"sort": "x"},
    ],
)
async def test_bad_list_parameters_are_422(params: dict[str, Any], client: httpx.AsyncClient) -> None:
    made = await create_workflow(client)
    response = await client.get(f"/api/v1/workflows/{made['id']}/enrollments", params=params)
    assert response.status_code == 422, response.text
    assert set(response.json()["errors"]) == set(params)


async def test_the_detail_shows_timeline_deliveries_events_and_state(
    organization: TestOrganization, services: AppServices
) -> None:
    client = organization.client
    made = await create_workflow(client, steps=STEPS)
    enrollment_id = (await enroll(client, made["id"], {"email": "a@b.com"}))["enrollment_ids"][0]
    async with services.database.tenant(organization.id) as session:
        entry = """jsonb_build_array(jsonb_build_array(1, 0, 'completed', 1, now() + interval '20 ms', now(), NULL,
            '{"a": 1}'::jsonb))"""
        await write_timeline(session, [enrollment_id], entry)
        delivery = await session.fetchval(
            """INSERT INTO delivery (organization_id, enrollment_id, workflow_id, visit, step_id, step_index, recipient,
               subject, message_id, status, links) VALUES ($1, $2, $3, 1, 's', 0, 'a@b.com', 'Hi', '<m>', 'sent', '{}')
               RETURNING id""",
            organization.id,
            enrollment_id,
            made["id"],
        )
        await session.execute(
            "INSERT INTO nurture_event (organization_id, enrollment_id, delivery_id, type) VALUES ($1, $2, $3, 'open')",
            organization.id,
            enrollment_id,
            delivery,
        )
    await _set(services, organization, enrollment_id, "current_step_index = 1, step_id = 'step_2', visit = 2")
    body = (await client.get(f"/api/v1/workflows/{made['id']}/enrollments/{enrollment_id}")).json()
    assert set(body) >= CORE | SUMMARY | {"timeline", "deliveries", "nurture_events", "runtime_state"}
    assert [(entry["status"], entry["name"]) for entry in body["timeline"]] == [
        ("completed", "Start"),
        ("due", "Wait 30m"),
    ]
    assert (body["timeline"][0]["duration_ms"], body["timeline"][0]["output"]) == (20, {"a": 1})
    assert body["timeline"][1]["id"] is None
    assert [(mail["to"], mail["status"]) for mail in body["deliveries"]] == [("a@b.com", "sent")]
    assert [(event["type"], event["human"]) for event in body["nurture_events"]] == [("open", True)]
    state = body["runtime_state"]
    assert state["bag"] == {"email": "a@b.com"}
    assert state["lease"] == {"held": False, "until": None, "fence": 0}


async def test_a_held_lease_shows_in_the_detail(organization: TestOrganization, services: AppServices) -> None:
    client = organization.client
    made = await create_workflow(client)
    enrollment_id = (await enroll(client, made["id"], {}))["enrollment_ids"][0]
    await _set(services, organization, enrollment_id, "claimable_at = now() + interval '30 s', fence = 4")
    body = (await client.get(f"/api/v1/workflows/{made['id']}/enrollments/{enrollment_id}")).json()
    assert (body["runtime_state"]["lease"]["held"], body["runtime_state"]["lease"]["fence"]) == (True, 4)
    assert body["timeline"][-1]["status"] == "running"


async def test_delete_is_204_stops_the_run_and_hides_it(organization: TestOrganization, services: AppServices) -> None:
    client = organization.client
    made = await create_workflow(client)
    ids = (await enroll(client, made["id"], {}, {}))["enrollment_ids"]
    path = f"/api/v1/workflows/{made['id']}/enrollments/{ids[0]}"
    response = await client.delete(path)
    assert (response.status_code, response.content) == (204, b"")
    assert (await client.delete(path)).status_code == 404
    assert (await client.get(path)).status_code == 404
    assert [row["id"] for row in (await _listed(client, made["id"]))["enrollments"]] == [ids[1]]
    async with services.database.tenant(organization.id) as session:
        row = await session.fetchrow("SELECT status, claimable_at, fence FROM enrollment WHERE id = $1", ids[0])
        event = await session.fetchval("SELECT record_id FROM event WHERE type = 'enrollment.cancelled'")
    assert row is not None
    assert (row["status"], row["claimable_at"], row["fence"]) == ("cancelled", None, 1)
    assert event == str(ids[0])


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_unknown_enrollments_and_those_of_other_workflows_are_404(method: str, client: httpx.AsyncClient) -> None:
    one, other = await create_workflow(client), await create_workflow(client)
    enrollment_id = (await enroll(client, one["id"], {}))["enrollment_ids"][0]
    wrong = await client.request(method, f"/api/v1/workflows/{other['id']}/enrollments/{enrollment_id}")
    unknown = await client.request(method, f"/api/v1/workflows/{other['id']}/enrollments/999999999")
    assert wrong.status_code == unknown.status_code == 404
    assert wrong.json() == unknown.json()
    assert wrong.json()["error"] == "enrollment_not_found"


async def test_a_workflow_without_steps_lists_its_enrollments(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client, steps=[])
    await enroll(client, made["id"], {})
    body = await _listed(client, made["id"])
    assert body["enrollments"][0]["current_step"] is None
    assert body["step_funnel"]["steps"] == []
