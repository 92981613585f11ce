"""`idempotencyKey`: a mutation that is sent again is done once, with the rules of REST's Idempotency-Key."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.conftest import MakeOrganization
from tests.support.graphql import done, error_code, mutate, raw_graphql, refused
from tests.support.workflows import create_workflow

CREATE = "project { id databaseId name }"


async def projects(client: httpx.AsyncClient) -> list[str]:
    return [one["name"] for one in (await client.get("/api/v1/projects")).json()["projects"]]


async def test_the_same_key_answers_the_same_and_does_it_once(client: httpx.AsyncClient) -> None:
    said = {"name": "Onboarding", "idempotencyKey": "k-1"}
    made = [await done(client, "createProject", CREATE, **said) for _ in range(3)]
    assert made[0] == made[1] == made[2]
    assert await projects(client) == ["Onboarding"]


async def test_the_second_call_may_select_other_fields(client: httpx.AsyncClient) -> None:
    first = await done(client, "createProject", CREATE, name="A", idempotencyKey="k")
    again = await done(client, "createProject", "project { databaseId color archived }", name="A", idempotencyKey="k")
    assert again == {"databaseId": first["databaseId"], "color": None, "archived": False}


async def test_another_input_with_the_key_is_refused(client: httpx.AsyncClient) -> None:
    await done(client, "createProject", CREATE, name="A", idempotencyKey="k")
    assert await refused(client, "createProject", name="B", idempotencyKey="k") == [(None, "idempotency_mismatch")]
    assert await projects(client) == ["A"]


async def test_the_id_counts_as_input_however_it_is_written(client: httpx.AsyncClient) -> None:
    one, other = [await done(client, "createProject", CREATE, name=name) for name in "AB"]
    said = {"name": "C", "idempotencyKey": "k"}
    first = await done(client, "updateProject", CREATE, id=one["id"], **said)
    assert await done(client, "updateProject", CREATE, id=one["databaseId"], **said) == first
    assert await refused(client, "updateProject", id=other["id"], **said) == [(None, "idempotency_mismatch")]


async def test_an_error_is_not_kept(client: httpx.AsyncClient) -> None:
    said = {"name": "", "idempotencyKey": "k"}
    assert await refused(client, "createProject", **said) == [("name", "validation_failed")]
    assert (await done(client, "createProject", CREATE, **{**said, "name": "A"}))["name"] == "A"


async def test_a_key_counts_for_one_mutation_in_one_organization(
    client: httpx.AsyncClient, new_organization: MakeOrganization
) -> None:
    other = await new_organization()
    for one in (client, other.client):
        await done(one, "createProject", CREATE, name="A", idempotencyKey="k")
        await done(one, "createSuppression", "suppression { email }", email="a@example.com", idempotencyKey="k")
        rest = await one.post("/api/v1/projects", json={"name": "B"}, headers={"idempotency-key": "k"})
        assert rest.status_code == 201
    assert await projects(client) == await projects(other.client) == ["B", "A"]


@pytest.mark.parametrize("key", ["", " ", "ä", "x" * 256])
async def test_what_is_no_key_is_refused(client: httpx.AsyncClient, key: str) -> None:
    assert await refused(client, "createProject", name="A", idempotencyKey=key) == [(None, "invalid_idempotency_key")]


async def test_an_operation_that_fails_keeps_no_key(client: httpx.AsyncClient) -> None:
    query = """mutation ($input: CreateProjectInput!, $workflow: EnrollContactsInput!) {
      createProject(input: $input) { project { id } }
      enrollContacts(input: $workflow) { enrollments(first: 0) { id } } }"""
    workflow = {"workflowId": str((await create_workflow(client))["id"]), "contacts": [{"email": "a@b.com"}]}
    said = {"name": "A", "idempotencyKey": "k"}
    assert await error_code(client, query, input=said, workflow=workflow) == "validation_failed"
    assert await projects(client) == []
    assert (await done(client, "createProject", CREATE, **said))["name"] == "A"


async def test_of_many_at_once_one_is_done(client: httpx.AsyncClient) -> None:
    said = {"name": "A", "idempotencyKey": "k"}
    answers = await asyncio.gather(*(mutate(client, "createProject", CREATE, **said) for _ in range(8)))
    codes = {error["code"] for answer in answers for error in answer["userErrors"]}
    assert codes <= {"idempotency_in_flight"}
    assert len({answer["project"]["id"] for answer in answers if answer["project"]}) == 1
    assert await projects(client) == ["A"]


async def test_enrolling_takes_a_key(client: httpx.AsyncClient) -> None:
    workflow = await create_workflow(client)
    said = {"workflowId": str(workflow["id"]), "contacts": [{"email": "a@b.com"}], "idempotencyKey": "k"}
    shown = "enrollmentIds enrollments { id }"
    first, again = [await mutate(client, "enrollContacts", shown, **said) for _ in range(2)]
    assert first == again
    assert len(first["enrollmentIds"]) == 1
    assert (await client.get(f"/api/v1/workflows/{workflow['id']}/enrollments")).json()["total"] == 1


async def test_a_secret_that_is_told_once_is_told_again_to_the_same_key(client: httpx.AsyncClient) -> None:
    said = {"name": "ci", "idempotencyKey": "k"}
    first, again = [await done(client, "createApiKey", "apiKey { id key }", **said) for _ in range(2)]
    assert first == again
    assert first["key"].startswith("adcrm_")


async def test_what_runs_apart_takes_a_key_too(client: httpx.AsyncClient) -> None:
    workflow = await create_workflow(client)
    said: dict[str, Any] = {"id": str(workflow["id"]), "sampleData": {"first_name": "Ada"}, "idempotencyKey": "k"}
    shown = "dryRun { status sampleData steps { durationMs } }"
    first, again = [await done(client, "testWorkflow", shown, **said) for _ in range(2)]
    assert first == again
    told = await refused(client, "testWorkflow", **{**said, "sampleData": {}})
    assert told == [(None, "idempotency_mismatch")]


async def test_what_runs_apart_is_alone_in_its_operation(client: httpx.AsyncClient) -> None:
    query = """mutation ($a: TestWorkflowInput!, $b: CreateProjectInput!) {
      testWorkflow(input: $a) { dryRun { status } } ...more }
      fragment more on Mutation { createProject(input: $b) { project { id } } }"""
    answer = await raw_graphql(client, query, a={"id": "1"}, b={"name": "A"})
    assert answer["errors"][0]["extensions"]["code"] == "mutation_not_alone"
    assert await projects(client) == []
