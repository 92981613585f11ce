"""`POST /workflows/:id/test`, as the API reference documents it. The semantics themselves are unit-tested."""

from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from tests.support.organizations import TestOrganization
from tests.support.workflows import create_workflow, webhook_step

STEPS: list[dict[str, Any]] = [
    {"type": "trigger", "name": "Start", "config": {}},
    {"type": "wait", "name": "Pause", "config": {"duration": 3, "unit": "days"}},
    {"type": "email", "name": "Hello", "config": {"subject": "Hi {{ first_name }}", "body": "From {{ company_name }}"}},
    webhook_step(),
]


async def _test(client: httpx.AsyncClient, body: object) -> httpx.Response:
    made = await create_workflow(client, steps=STEPS)
    return await client.post(f"/api/v1/workflows/{made['id']}/test", json=body)


async def test_a_dry_run_reports_steps_logs_and_data(client: httpx.AsyncClient) -> None:
    body = (await _test(client, {"fixture_profile": "demo"})).json()
    assert (body["status"], body["test_fixture_profile"]) == ("completed", "demo")
    assert [step["type"] for step in body["steps"]] == ["trigger", "wait", "email", "webhook_callback"]
    assert {"step_index", "id", "type", "name", "status", "output", "logs", "duration_ms"} <= set(body["steps"][0])
    assert any(line.startswith("[test] Would send") for line in body["logs"])
    assert body["missing_variables"] == []


async def test_the_default_profile_is_minimal_and_names_missing_variables(client: httpx.AsyncClient) -> None:
    body = (await _test(client, {})).json()
    assert body["test_fixture_profile"] == "minimal"
    assert set(body["sample_data"]) >= {"first_name", "last_name", "email", "score"}
    assert "company_name" in body["missing_variables"]


@pytest.mark.parametrize("key", ["sample_data", "input", "runtime_payload"])
async def test_each_payload_key_is_merged_over_the_fixture(key: str, client: httpx.AsyncClient) -> None:
    body = (await _test(client, {key: {"first_name": "Grace"}})).json()
    assert body["sample_data"]["first_name"] == "Grace"
    assert body["sample_data"]["email"]


async def test_an_empty_body_is_a_dry_run_too(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client, steps=STEPS)
    assert (await client.post(f"/api/v1/workflows/{made['id']}/test")).status_code == 200


async def test_nothing_is_written_or_sent(organization: TestOrganization, services: AppServices) -> None:
    assert (await _test(organization.client, {})).status_code == 200
    async with services.database.tenant(organization.id) as session:
        for table in ("enrollment", "enrollment_step", "delivery"):
            assert await session.fetchval(f"SELECT count(*) FROM {table}") == 0
        assert await session.fetchval("SELECT count(*) FROM event WHERE type <> 'workflow.created'") == 0


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"fixture_profile": "dmo"}, "unknown_fixture_profile"),
        ({"fixture_profile": 5}, "validation_failed"),
        ({"sample_data": "text"}, "invalid_sample_data"),
        ({"sample_dat": {}}, "validation_failed"),
    ],
)
async def test_bad_bodies_are_422(body: object, error: str, client: httpx.AsyncClient) -> None:
    response = await _test(client, body)
    assert (response.status_code, response.json()["error"]) == (422, error)


async def test_an_unknown_workflow_is_404(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/v1/workflows/999999999/test", json={})
    assert (response.status_code, response.json()["error"]) == (404, "workflow_not_found")
