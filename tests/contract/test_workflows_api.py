"""Workflows over REST, as the API reference documents them."""

from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from drippulse.organizations.tables import MemberRole
from tests.support.organizations import TestOrganization
from tests.support.workflows import SEED_WORKFLOW, WEBHOOK_SECRET, create_workflow, enroll, webhook_step

WORKFLOWS = "/api/v1/workflows"
VIP = {"field": "tier", "operator": "equals", "value": "vip"}
BRANCH_INTO_NOTHING = {"branches": [{"name": "VIP", "conditions": [VIP], "goto": "nowhere"}]}


async def test_creating_answers_201_with_canonical_steps(client: httpx.AsyncClient) -> None:
    response = await client.post(WORKFLOWS, json=SEED_WORKFLOW)
    assert response.status_code == 201
    body = response.json()
    assert body["version"] == 1
    assert body["status"] == "draft"
    assert body["integrations"] == []
    assert [step["type"] for step in body["steps"]] == ["trigger", "log"]
    assert all(set(step) == {"id", "type", "name", "position", "config"} for step in body["steps"])
    assert body["steps"][1]["config"] == {"message": "ok", "level": "info"}
    assert (await client.get(f"{WORKFLOWS}/{body['id']}")).json() == body


async def test_wrapped_and_top_level_bodies_mean_the_same(client: httpx.AsyncClient) -> None:
    top_level = await create_workflow(client)
    wrapped = (await client.post(WORKFLOWS, json={"workflow": SEED_WORKFLOW})).json()
    ignored = {"id", "created_at", "updated_at"}
    assert {k: v for k, v in wrapped.items() if k not in ignored} == {
        k: v for k, v in top_level.items() if k not in ignored
    }


async def test_top_level_step_fields_move_into_config(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client, steps=[{"type": "wait", "name": "Pause", "duration": 1, "unit": "hours"}])
    assert made["steps"][0]["config"] == {"duration": 1, "unit": "hours"}


@pytest.mark.parametrize(
    ("body", "status", "error", "field"),
    [
        ({}, 400, "missing_parameter", "name"),
        ({"description": "x"}, 400, "missing_parameter", "name"),
        ({"name": ""}, 422, "validation_failed", "name"),
        ({"name": "   "}, 422, "validation_failed", "name"),
        ({"name": "x" * 201}, 422, "validation_failed", "name"),
        ({"name": 5}, 422, "validation_failed", "name"),
        ({"name": None}, 422, "validation_failed", "name"),
        ({"name": "x", "status": "running"}, 422, "validation_failed", "status"),
        ({"name": "x", "integrations": {}}, 422, "validation_failed", "integrations"),
        ({"name": "x", "descripton": "typo"}, 422, "validation_failed", "descripton"),
        ({"workflow": 5}, 422, "validation_failed", "workflow"),
        ({"name": "x", "steps": "none"}, 400, "invalid_step_graph", "steps"),
        ({"name": "x", "steps": [5]}, 400, "invalid_step_graph", "steps.0"),
        ({"name": "x", "steps": [{"type": "emial"}]}, 400, "invalid_step_graph", "steps.0.type"),
        (
            {"name": "x", "steps": [{"type": "wait", "config": {"duraton": 1, "unit": "hours"}}]},
            400,
            "invalid_step_graph",
            "steps.0.config.duraton",
        ),
        (
            {"name": "x", "steps": [{"type": "log", "config": {"message": "{% if %}"}}]},
            400,
            "invalid_step_graph",
            "steps.0.config.message",
        ),
        (
            {"name": "x", "steps": [{"type": "branch", "config": BRANCH_INTO_NOTHING}]},
            400,
            "invalid_step_graph",
            "steps.0.config.branches.0.goto",
        ),
    ],
)
async def test_what_is_wrong_is_refused_by_name(
    body: dict[str, Any], status: int, error: str, field: str, client: httpx.AsyncClient
) -> None:
    response = await client.post(WORKFLOWS, json=body)
    assert (response.status_code, response.json()["error"]) == (status, error), response.text
    assert field in response.json()["errors"]
    assert len(response.json()["message"]) > 10


async def test_unknown_fields_name_the_nearest_known_one(client: httpx.AsyncClient) -> None:
    response = await client.post(WORKFLOWS, json={"name": "x", "descripton": "typo"})
    assert 'Did you mean "description"?' in response.json()["errors"]["descripton"][0]


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(
    "column", ["organization_id", "id", "version", "created_at", "updated_at", "deleted_at", "role", "secret", "fence"]
)
async def test_no_column_is_assigned_by_a_caller(column: str, wrapped: bool, organization: TestOrganization) -> None:
    client = organization.client
    made = await create_workflow(client)
    change: dict[str, Any] = {"name": "Renamed", column: 999_999}
    response = await client.patch(f"{WORKFLOWS}/{made['id']}", json={"workflow": change} if wrapped else change)
    after = (await client.get(f"{WORKFLOWS}/{made['id']}")).json()
    read_only = column in made or column == "organization_id"
    assert response.status_code == (200 if read_only else 422)
    assert after["id"] == made["id"]
    assert (after["version"], after["created_at"]) == (made["version"], made["created_at"])
    assert after["name"] == ("Renamed" if read_only else made["name"])


async def test_echoing_a_workflow_back_changes_nothing_but_its_update_time(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client)
    response = await client.patch(f"{WORKFLOWS}/{made['id']}", json=made)
    assert response.status_code == 200
    assert {**response.json(), "updated_at": ""} == {**made, "updated_at": ""}


async def test_the_version_rises_when_steps_change_and_only_then(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client)
    path = f"{WORKFLOWS}/{made['id']}"
    renamed = (await client.patch(path, json={"name": "Other", "description": "d"})).json()
    assert (renamed["version"], renamed["name"], renamed["description"]) == (1, "Other", "d")
    changed = (await client.patch(path, json={"steps": made["steps"][:1]})).json()
    assert changed["version"] == 2
    assert changed["steps"] == made["steps"][:1]
    assert (await client.patch(path, json={"steps": made["steps"][:1]})).json()["version"] == 2


async def test_a_running_enrollment_stays_on_its_version(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client)
    await enroll(client, made["id"], {"email": "a@example.com"})
    await client.patch(f"{WORKFLOWS}/{made['id']}", json={"steps": made["steps"][:1]})
    await enroll(client, made["id"], {"email": "b@example.com"})
    rows = (await client.get(f"{WORKFLOWS}/{made['id']}/enrollments")).json()["enrollments"]
    assert [(row["workflow_version"], row["progress"]["total_steps"]) for row in rows] == [(2, 1), (1, 2)]


@pytest.mark.parametrize("status", ["active", "paused", "archived"])
async def test_status_changes_are_logged_as_events(
    status: str, organization: TestOrganization, services: AppServices
) -> None:
    made = await create_workflow(organization.client)
    await organization.client.patch(f"{WORKFLOWS}/{made['id']}", json={"status": status})
    async with services.database.tenant(organization.id) as session:
        rows = await session.fetch("SELECT type, actor_type, record_id FROM event ORDER BY id")
    name = "published" if status == "active" else status
    assert [row["type"] for row in rows] == ["workflow.created", "workflow.updated", f"workflow.{name}"]
    assert {(row["actor_type"], row["record_id"]) for row in rows} == {("api_key", str(made["id"]))}


async def test_listing_is_newest_first_with_a_count(client: httpx.AsyncClient) -> None:
    ids = [(await create_workflow(client, name=f"W{number}"))["id"] for number in range(3)]
    body = (await client.get(WORKFLOWS)).json()
    assert [row["id"] for row in body["workflows"]] == ids[::-1]
    assert body["total_count"] == 3
    assert "next_cursor" not in body


async def test_listing_filters_searches_and_sorts(client: httpx.AsyncClient) -> None:
    await create_workflow(client, name="b 100%")
    await create_workflow(client, name="A_plain", status="active")
    named = (await client.get(WORKFLOWS, params={"q": "100%"})).json()["workflows"]
    assert [row["name"] for row in named] == ["b 100%"]
    assert (await client.get(WORKFLOWS, params={"q": "%"})).json()["total_count"] == 1
    assert [row["name"] for row in (await client.get(WORKFLOWS, params={"status": "active"})).json()["workflows"]] == [
        "A_plain"
    ]
    assert [row["name"] for row in (await client.get(WORKFLOWS, params={"sort": "name"})).json()["workflows"]] == [
        "A_plain",
        "b 100%",
    ]
    refused = await client.get(WORKFLOWS, params={"status": "actve"})
    assert refused.status_code == 422
    assert 'Did you mean "active"?' in refused.json()["message"]


async def test_pages_and_cursors_walk_the_whole_list(client: httpx.AsyncClient) -> None:
    ids = [(await create_workflow(client, name=f"W{number}"))["id"] for number in range(5)][::-1]
    second = await client.get(WORKFLOWS, params={"page": 2, "per_page": 2})
    assert [row["id"] for row in second.json()["workflows"]] == ids[2:4]
    assert second.json()["total_count"] == 5
    assert second.headers["link"] == (
        '</api/v1/workflows?per_page=2&page=1>; rel="first", </api/v1/workflows?per_page=2&page=1>; rel="prev", '
        '</api/v1/workflows?per_page=2&page=3>; rel="next", </api/v1/workflows?per_page=2&page=3>; rel="last"'
    )
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        body = (await client.get(WORKFLOWS, params={"cursor": cursor, "per_page": 2})).json()
        seen += [row["id"] for row in body["workflows"]]
        cursor = body["next_cursor"]
    assert seen == ids


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"page": "0"}, "page"),
        ({"page": "x"}, "page"),
        ({"per_page": "0"}, "per_page"),
        ({"per_page": "201"}, "per_page"),
        ({"per_page": "1000000000"}, "per_page"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "", "sort": "name"}, "cursor"),
        ({"sort": "nme"}, "sort"),
    ],
)
async def test_paging_parameters_out_of_range_are_refused(
    params: dict[str, str], field: str, client: httpx.AsyncClient
) -> None:
    response = await client.get(WORKFLOWS, params=params)
    assert response.status_code == 422, response.text
    assert field in response.json()["errors"]


async def test_deleting_hides_it_and_cancels_its_enrollments(
    organization: TestOrganization, services: AppServices
) -> None:
    client = organization.client
    made = await create_workflow(client)
    await enroll(client, made["id"], {"email": "a@example.com"}, {"email": "b@example.com"})
    assert (await client.delete(f"{WORKFLOWS}/{made['id']}")).status_code == 204
    assert (await client.get(f"{WORKFLOWS}/{made['id']}")).status_code == 404
    assert (await client.get(f"{WORKFLOWS}/{made['id']}/enrollments")).status_code == 404
    assert (await client.delete(f"{WORKFLOWS}/{made['id']}")).status_code == 404
    assert (await client.get(WORKFLOWS)).json()["total_count"] == 0
    async with services.database.tenant(organization.id) as session:
        rows = await session.fetch("SELECT status, claimable_at, next_run_at, finished_at, fence FROM enrollment")
        cancelled = await session.fetchval("SELECT count(*) FROM event WHERE type = 'enrollment.cancelled'")
    assert {row["status"] for row in rows} == {"cancelled"}
    assert all(row["claimable_at"] is None and row["next_run_at"] is None for row in rows)
    assert all(row["finished_at"] is not None and row["fence"] == 1 for row in rows)
    assert cancelled == 2


async def test_step_types_describe_every_type(client: httpx.AsyncClient) -> None:
    body = (await client.get(f"{WORKFLOWS}/step_types")).json()
    assert body["total_count"] == len(body["step_types"])
    types = {entry["type"] for entry in body["step_types"]}
    assert types >= {"trigger", "wait", "filter", "branch", "set_fields", "email", "webhook_callback", "log", "exit"}
    email = next(entry for entry in body["step_types"] if entry["type"] == "email")
    assert {"subject", "body", "to", "integration_id"} <= {field["name"] for field in email["fields"]}


async def test_step_secrets_are_stored_encrypted_and_shown_masked(
    organization: TestOrganization, services: AppServices
) -> None:
    client = organization.client
    made = await create_workflow(client, steps=[webhook_step()])
    assert made["steps"][0]["config"]["secret"] == "********"
    assert WEBHOOK_SECRET not in (await client.get(WORKFLOWS)).text
    async with services.database.tenant(organization.id) as session:
        stored = await session.fetchval("SELECT string_agg(steps::text, '') FROM workflow_version")
        logged = await session.fetchval("SELECT string_agg(data::text, '') FROM event")
    assert WEBHOOK_SECRET not in stored + logged
    assert "$secret" in stored


async def test_an_echoed_mask_keeps_the_stored_secret(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client, steps=[webhook_step()])
    path = f"{WORKFLOWS}/{made['id']}"
    same = (await client.patch(path, json={"steps": made["steps"]})).json()
    assert same["version"] == 1
    step = made["steps"][0]
    slower = {**step, "config": {**step["config"], "timeout_seconds": 5}}
    changed = (await client.patch(path, json={"steps": [slower]})).json()
    assert (changed["version"], changed["steps"][0]["config"]["secret"]) == (2, "********")


async def test_a_stored_secret_does_not_move_to_another_host(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client, steps=[webhook_step()])
    elsewhere = webhook_step(secret="********", url="https://attacker.example/hook")
    response = await client.patch(f"{WORKFLOWS}/{made['id']}", json={"steps": [elsewhere]})
    assert response.status_code == 400
    assert "another host" in response.json()["errors"]["steps.0.config.secret"][0]


async def test_a_mask_without_a_stored_secret_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post(WORKFLOWS, json={"name": "x", "steps": [webhook_step(secret="********")]})
    assert response.status_code == 400
    assert "steps.0.config.secret" in response.json()["errors"]


@pytest.mark.parametrize("path", ["/999999999", "/9223372036854775807", "/9223372036854775808", "/0", "/" + "9" * 40])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_unknown_ids_are_404(method: str, path: str, client: httpx.AsyncClient) -> None:
    response = await client.request(method, WORKFLOWS + path, json={} if method == "PATCH" else None)
    assert response.status_code == 404, response.text
    assert response.json()["error"] in {"workflow_not_found", "not_found"}


async def test_viewers_read_and_do_not_write(organization: TestOrganization) -> None:
    made = await create_workflow(organization.client)
    viewer = organization.as_role(MemberRole.VIEWER)
    assert (await viewer.get(f"{WORKFLOWS}/{made['id']}")).status_code == 200
    for request in (
        viewer.post(WORKFLOWS, json=SEED_WORKFLOW),
        viewer.patch(f"{WORKFLOWS}/{made['id']}", json={"name": "x"}),
        viewer.delete(f"{WORKFLOWS}/{made['id']}"),
        viewer.post(f"{WORKFLOWS}/{made['id']}/enrollments/bulk", json={"contacts": [{"email": "a@b.com"}]}),
    ):
        response = await request
        assert (response.status_code, response.json()["error"]) == (403, "forbidden")
        assert "Editor or Admin" in response.json()["message"]
