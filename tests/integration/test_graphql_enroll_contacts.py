"""`enrollContacts`: the same service as REST's bulk enrollment, with what can be mended as userErrors."""

from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from tests.conftest import MakeOrganization
from tests.support.graphql import graphql, raw_graphql
from tests.support.organizations import TestOrganization
from tests.support.workflows import create_workflow, enroll

ENROLL = """mutation ($input: EnrollContactsInput!) { enrollContacts(input: $input) {
  createdCount skippedInvalidRows enrollmentIds results { index status enrollmentId reason }
  enrollments { id databaseId leadRef timezone contact { email firstName name } runtimeState { bag } }
  userErrors { field code message } } }"""
CONTACTS: list[Any] = [
    {"email": "Ada@Example.com", "first_name": "Ada", "lead_ref": "crm-1", "custom": {"plan": ["pro"]}},
    "not an object",
    {"email": "nonsense", "id": 7},
    {"name": "Zoë", "timezone": "Asia/Tokyo"},
    {"email": "nul\x00@example.com"},
]


async def _enroll(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    return (await graphql(client, ENROLL, input=fields))["enrollContacts"]


async def test_it_enrolls_exactly_as_rest_does(client: httpx.AsyncClient) -> None:
    workflow = await create_workflow(client)
    path = f"/api/v1/workflows/{workflow['id']}/enrollments"
    rest = await enroll(client, workflow["id"], *CONTACTS, timezone="Europe/Berlin")
    made = await _enroll(client, workflowId=str(workflow["id"]), contacts=CONTACTS, timezone="Europe/Berlin")
    assert made["userErrors"] == []
    assert (made["createdCount"], made["skippedInvalidRows"]) == (rest["created_count"], rest["skipped_invalid_rows"])
    assert [(r["index"], r["status"].lower(), r["reason"]) for r in made["results"]] == [
        (r["index"], r["status"], r["reason"]) for r in rest["results"]
    ]
    pairs = zip(rest["enrollment_ids"], [one["databaseId"] for one in made["enrollments"]], strict=True)
    volatile = {"id", "created_at", "updated_at", "next_run_at", "timeline", "runtime_state"}
    for first, second in pairs:
        ours, theirs = [(await client.get(f"{path}/{number}")).json() for number in (first, second)]
        assert ours["runtime_state"]["bag"] == theirs["runtime_state"]["bag"]
        assert {k: v for k, v in ours.items() if k not in volatile} == {
            k: v for k, v in theirs.items() if k not in volatile
        }


async def test_it_takes_global_ids_and_answers_them(client: httpx.AsyncClient) -> None:
    workflow = await create_workflow(client)
    [node] = (await graphql(client, "{ workflows { nodes { id } } }"))["workflows"]["nodes"]
    made = await _enroll(client, workflowId=node["id"], contacts=[{"email": "a@b.com"}])
    assert made["enrollmentIds"] == [made["enrollments"][0]["id"]] == [made["results"][0]["enrollmentId"]]
    rest = (await client.get(f"/api/v1/workflows/{workflow['id']}/enrollments")).json()
    assert rest["total"] == 1


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"contacts": []}, "contacts", "contacts_empty"),
        ({"contacts": [1, "x"]}, None, "no_enrollments_created"),
        ({"timezone": "Mars/Base"}, "timezone", "invalid_timezone"),
        ({"agentId": "9"}, None, "agent_not_found"),
        ({"workflowId": "999999999"}, None, "workflow_not_found"),
        ({"workflowId": "nonsense"}, "workflowId", "invalid_id"),
        ({"workflowId": "RW5yb2xsbWVudDox"}, "workflowId", "invalid_id"),
    ],
)
async def test_what_the_caller_can_mend_is_a_user_error(
    client: httpx.AsyncClient, change: dict[str, Any], field: str | None, code: str
) -> None:
    workflow = await create_workflow(client)
    fields = {"workflowId": str(workflow["id"]), "contacts": [{"email": "a@b.com"}], **change}
    made = await _enroll(client, **fields)
    assert [(error["field"], error["code"]) for error in made["userErrors"]] == [(field, code)]
    assert made["userErrors"][0]["message"]
    assert (made["createdCount"], made["enrollmentIds"]) == (0, [])
    assert (await client.get(f"/api/v1/workflows/{workflow['id']}/enrollments")).json()["total"] == 0


async def test_an_archived_workflow_refuses(client: httpx.AsyncClient) -> None:
    workflow = await create_workflow(client, status="archived")
    made = await _enroll(client, workflowId=str(workflow["id"]), contacts=[{"email": "a@b.com"}])
    assert made["userErrors"][0]["code"] == "workflow_archived"


async def test_another_organizations_workflow_is_not_found(
    client: httpx.AsyncClient, new_organization: MakeOrganization
) -> None:
    other = await new_organization()
    workflow = await create_workflow(other.client)
    made = await _enroll(client, workflowId=str(workflow["id"]), contacts=[{"email": "a@b.com"}])
    assert made["userErrors"][0]["code"] == "workflow_not_found"
    assert (await other.client.get(f"/api/v1/workflows/{workflow['id']}/enrollments")).json()["total"] == 0


async def test_a_mutation_with_an_error_leaves_nothing_behind(
    client: httpx.AsyncClient, services: AppServices, organization: TestOrganization
) -> None:
    workflow = await create_workflow(client)
    query = """mutation ($input: EnrollContactsInput!) { one: enrollContacts(input: $input) { createdCount }
      two: enrollContacts(input: $input) { enrollments(first: 0) { id } } }"""
    fields = {"workflowId": str(workflow["id"]), "contacts": [{"email": "a@b.com"}]}
    answer = await raw_graphql(client, query, input=fields)
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] == "validation_failed"
    async with services.database.tenant(organization.id) as session:
        assert (
            await session.fetchval("SELECT count(*) FROM enrollment WHERE organization_id = $1", organization.id) == 0
        )


async def test_a_refused_mutation_does_not_undo_the_one_before_it(client: httpx.AsyncClient) -> None:
    workflow = await create_workflow(client)
    query = """mutation ($good: EnrollContactsInput!, $bad: EnrollContactsInput!) {
      good: enrollContacts(input: $good) { createdCount } bad: enrollContacts(input: $bad) { userErrors { code } } }"""
    good = {"workflowId": str(workflow["id"]), "contacts": [{"email": "a@b.com"}]}
    data = await graphql(client, query, good=good, bad={**good, "timezone": "nowhere"})
    assert data == {"good": {"createdCount": 1}, "bad": {"userErrors": [{"code": "invalid_timezone"}]}}
    assert (await client.get(f"/api/v1/workflows/{workflow['id']}/enrollments")).json()["total"] == 1
