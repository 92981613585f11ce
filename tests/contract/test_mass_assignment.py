"""Columns that callers have no business with: refused by name, or ignored as echoes, and unchanged either way."""

from typing import Any

import httpx
import pytest
from piccolo.table import Table

from drippulse.enrollments.tables import Enrollment
from drippulse.integrations.tables import IntegrationConnection
from drippulse.kit.services import AppServices
from drippulse.workflows.tables import Workflow
from tests.support.connections import SLACK_TOKEN
from tests.support.organizations import TestOrganization
from tests.support.workflows import create_workflow, enroll

WORKFLOWS, CONNECTIONS = "/api/v1/workflows", "/api/v1/integration_connections"
ALWAYS = ("organization_id", "id", "role", "secret", "secrets_key", "next_run_at", "fence", "deleted_at", "__class__")
OPEN = {
    "workflow": {"name", "description", "status", "integrations", "project_id"},
    "integration_connection": {"provider", "connection_key", "status", "note", "secrets"},
}
RESOURCES = [
    ("workflow", WORKFLOWS, Workflow, {"name": "Mine"}),
    ("integration_connection", CONNECTIONS, IntegrationConnection, {"provider": "slack", "bot_token": SLACK_TOKEN}),
]
FORGED: list[Any] = [1, "2020-01-01T00:00:00Z", "Admin", None]


def columns_of(table: type[Table]) -> list[str]:
    return [column._meta.name for column in table.all_columns()]  # pyright: ignore[reportPrivateUsage] - Piccolo's way


def _cases() -> list[Any]:
    return [
        pytest.param(singular, path, body, column, wrapped, id=f"{singular}-{column}-{'wrapped' if wrapped else 'top'}")
        for singular, path, table, body in RESOURCES
        for column in dict.fromkeys((*columns_of(table), *ALWAYS))
        if column not in OPEN[singular]
        for wrapped in (False, True)
    ]


async def _row(services: AppServices, organization: TestOrganization, table: str, number: int) -> dict[str, Any]:
    async with services.database.tenant(organization.id) as session:
        row = await session.fetchrow(f"SELECT * FROM {table} WHERE id = $1", number)
    assert row is not None
    return {name: value for name, value in dict(row).items() if name not in {"created_at", "updated_at"}}


@pytest.mark.parametrize(("singular", "path", "body", "column", "wrapped"), _cases())
async def test_a_column_that_is_not_the_callers_stays_as_it_is(
    singular: str,
    path: str,
    body: dict[str, Any],
    column: str,
    wrapped: bool,
    organization: TestOrganization,
    services: AppServices,
) -> None:
    client = organization.client
    plain = (await client.post(path, json={**body, **_apart(singular, "plain")})).json()
    before = await _row(services, organization, singular, plain["id"])
    for turn, forged in enumerate(FORGED):
        change = {column: forged}
        updated = await client.patch(f"{path}/{plain['id']}", json={singular: change} if wrapped else change)
        assert updated.status_code in {200, 422}, updated.text
        if updated.status_code == 422:
            assert column in str(updated.json()["errors"])
        assert await _row(services, organization, singular, plain["id"]) == before
        fields = {**body, **_apart(singular, f"forged-{turn}"), **change}
        made = await client.post(path, json={singular: fields} if wrapped else fields)
        assert made.status_code in {201, 422}, made.text
        if made.status_code == 201:
            row = await _row(services, organization, singular, made.json()["id"])
            same = {name for name in before if name not in {"id", "connection_key", "secrets", "name"}}
            assert {name: row[name] for name in same} == {name: before[name] for name in same}


def _apart(singular: str, key: str) -> dict[str, str]:
    return {"connection_key": key} if singular == "integration_connection" else {}


async def test_a_contacts_fields_never_become_columns(organization: TestOrganization, services: AppServices) -> None:
    """They are free-form and go into the bag, whatever they are called."""
    client = organization.client
    workflow = (await create_workflow(client))["id"]
    names = columns_of(Enrollment)
    own = {"email", "first_name", "last_name", "timezone", "lead_ref", "id"}
    forged = dict.fromkeys((name for name in names if name not in own), "7")
    [plain] = (await enroll(client, workflow, {"email": "a@b.com"}))["enrollment_ids"]
    [made] = (await enroll(client, workflow, {"email": "a@b.com", **forged}))["enrollment_ids"]
    before, after = [await _row(services, organization, "enrollment", number) for number in (plain, made)]
    volatile = {"id", "bag", "next_run_at", "claimable_at", "step_entered_at"}
    assert {n: v for n, v in after.items() if n not in volatile} == {
        n: v for n, v in before.items() if n not in volatile
    }


@pytest.mark.parametrize("column", ["organization_id", "workflow_id", "status", "fence", "next_run_at", "id"])
@pytest.mark.parametrize("wrapped", [False, True])
async def test_a_bulk_enrollment_has_its_own_fields_alone(
    column: str, wrapped: bool, client: httpx.AsyncClient
) -> None:
    workflow = (await create_workflow(client))["id"]
    body = {"contacts": [{"email": "a@b.com"}], column: 1}
    response = await client.post(
        f"{WORKFLOWS}/{workflow}/enrollments/bulk", json={"enrollment": body} if wrapped else body
    )
    assert (response.status_code, list(response.json()["errors"])) == (422, [column])
