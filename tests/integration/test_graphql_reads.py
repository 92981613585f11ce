"""GraphQL reads: the facts of REST, in a fixed number of statements, and never another organization's."""

from collections.abc import Callable
from typing import Any, cast

import httpx
import orjson
from graphql import parse

from drippulse.kit.services import AppServices
from drippulse_graphql.execution import Executor
from drippulse_graphql.kit.documents import Documents
from drippulse_graphql.kit.http import Operation
from drippulse_graphql.schema import core_schema, schema
from tests.conftest import MakeOrganization
from tests.support.enrollment_states import in_every_state
from tests.support.graphql import error_code, graphql, raw_graphql
from tests.support.organizations import TestOrganization
from tests.support.workflows import create_workflow, enroll, webhook_step

ENROLLMENT = """
  databaseId workflowVersion agentId leadRef status currentStepIndex attempt timezone nextRunAt
  createdAt updatedAt finishedAt
  contact { email firstName lastName name } currentStep { index number name type }
  progress { completedSteps totalSteps percent } wait { waiting until secondsRemaining reason }
  lastError { code message stepIndex at } workflow { databaseId }
  timeline { id visit stepIndex stepId name type status attempt startedAt finishedAt durationMs input output error }
  deliveries { id visit stepIndex stepId to subject messageId status attempts response createdAt updatedAt sentAt
    feedback feedbackAt }
  nurtureEvents { id deliveryId type at url human }
  runtimeState { bag visits nextRunAt lease { held until fence } }
"""
FREE_FORM = {"bag", "visits", "input", "output", "error"}


def _camel(value: Any) -> Any:
    """A REST answer in the names and id types of GraphQL."""
    if isinstance(value, list):
        return [_camel(element) for element in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for name, member in cast("dict[str, Any]", value).items():
        head, *rest = name.split("_")
        made[head + "".join(part.title() for part in rest)] = member if name in FREE_FORM else _camel(member)
    return made


def _as_graphql(detail: dict[str, Any]) -> dict[str, Any]:
    expected = _camel(detail)
    expected["databaseId"] = str(expected.pop("id"))
    expected["workflow"] = {"databaseId": str(expected.pop("workflowId"))}
    expected["status"] = expected["status"].upper()
    for name in ("timeline", "deliveries", "nurtureEvents"):
        for entry in expected[name]:
            entry["id"] = None if entry["id"] is None else str(entry["id"])
            if "deliveryId" in entry:
                entry["deliveryId"] = str(entry["deliveryId"])
    return expected


async def test_an_enrollment_has_the_facts_of_restin_every_state(
    services: AppServices, organization: TestOrganization, client: httpx.AsyncClient
) -> None:
    workflow = await create_workflow(client)
    for number in await in_every_state(services, organization, workflow["id"]):
        query = f"query ($id: ID!) {{ enrollment(id: $id) {{ {ENROLLMENT} }} }}"
        found = (await graphql(client, query, id=str(number)))["enrollment"]
        rest = await client.get(f"/api/v1/workflows/{workflow['id']}/enrollments/{number}")
        expected = _as_graphql(rest.json())
        assert abs(found["wait"].pop("secondsRemaining") - expected["wait"].pop("secondsRemaining")) <= 1
        assert found == expected


async def test_a_workflow_has_the_facts_of_rest(
    services: AppServices, organization: TestOrganization, client: httpx.AsyncClient
) -> None:
    workflow = await create_workflow(client, integrations=[{"provider": "slack"}])
    await in_every_state(services, organization, workflow["id"])
    query = """query ($id: ID!) { workflow(id: $id) {
      databaseId name description status version integrations projectId settings hasDraft createdAt updatedAt
      steps { id type name position config }
      stepFunnel { steps { stepIndex stepNumber name type activeLeads waitingLeads runningLeads }
        otherVersions { version stepId }
        totals { active paused completed failed cancelled totalEnrollments } } } }"""
    found = (await graphql(client, query, id=str(workflow["id"])))["workflow"]
    assert found.pop("stepFunnel") == _camel(
        (await client.get(f"/api/v1/workflows/{workflow['id']}/enrollments")).json()["step_funnel"]
    )
    expected = _camel({name: value for name, value in workflow.items() if name not in {"steps", "integrations"}})
    expected |= {"databaseId": str(expected.pop("id")), "status": expected["status"].upper()}
    assert found == expected | {"steps": workflow["steps"], "integrations": workflow["integrations"]}


async def test_secrets_of_steps_are_shown_as_stars(client: httpx.AsyncClient) -> None:
    await create_workflow(client, steps=[webhook_step()])
    [node] = (await graphql(client, "{ workflows { nodes { steps { config } } } }"))["workflows"]["nodes"]
    assert node["steps"][0]["config"]["secret"] == "********"


async def test_viewer_says_who_asks(organization: TestOrganization, client: httpx.AsyncClient) -> None:
    viewer = (await graphql(client, "{ viewer { role actorType organization { name timezone } } }"))["viewer"]
    assert viewer == {
        "role": "ADMIN",
        "actorType": "api_key",
        "organization": {"name": organization.name, "timezone": "UTC"},
    }


async def test_step_types_are_those_of_rest(client: httpx.AsyncClient) -> None:
    query = """{ stepTypes { type label category description configSchema outputs guarantee testBehaviour
      fields { name type required default help } } }"""
    found = (await graphql(client, query))["stepTypes"]
    rest = (await client.get("/api/v1/workflows/step_types")).json()["step_types"]
    renamed = [
        {
            "configSchema" if k == "config_schema" else "testBehaviour" if k == "test_behaviour" else k: v
            for k, v in t.items()
        }
        for t in rest
    ]
    assert found == renamed


async def test_node_answers_every_type_by_its_global_id(client: httpx.AsyncClient) -> None:
    workflow = await create_workflow(client)
    await enroll(client, workflow["id"])
    found = await graphql(client, "{ enrollments { nodes { id workflow { id } } } viewer { organization { id } } }")
    node = found["enrollments"]["nodes"][0]
    wanted = {
        "Enrollment": node["id"],
        "Workflow": node["workflow"]["id"],
        "Organization": found["viewer"]["organization"]["id"],
    }
    for name, global_id in wanted.items():
        answer = await graphql(client, "query ($id: ID!) { node(id: $id) { __typename id } }", id=global_id)
        assert answer["node"] == {"__typename": name, "id": global_id}
    assert await error_code(client, '{ node(id: "nonsense") { id } }') == "invalid_id"
    assert await error_code(client, "query ($id: ID!) { workflow(id: $id) { id } }", id=node["id"]) == "invalid_id"


async def test_foreign_and_unknown_ids_answer_alike(
    client: httpx.AsyncClient, new_organization: MakeOrganization
) -> None:
    other = await new_organization()
    workflow = await create_workflow(other.client)
    made = await enroll(other.client, workflow["id"])
    foreign = {"workflow": str(workflow["id"]), "enrollment": str(made["enrollment_ids"][0])}
    query = "query ($w: ID!, $e: ID!) { workflow(id: $w) { id } enrollment(id: $e) { id } }"
    theirs = await raw_graphql(client, query, w=foreign["workflow"], e=foreign["enrollment"])
    nobodys = await raw_graphql(client, query, w="999999999", e="999999999")
    assert theirs == nobodys == {"data": {"workflow": None, "enrollment": None}}
    lists = "{ workflows { totalCount nodes { id } } enrollments { totalCount nodes { id } } }"
    assert await graphql(client, lists) == {
        "workflows": {"totalCount": 0, "nodes": []},
        "enrollments": {"totalCount": 0, "nodes": []},
    }
    by_workflow = "query ($w: ID!) { enrollments(filter: { workflowId: $w }) { totalCount nodes { id } } }"
    assert (await graphql(client, by_workflow, w=foreign["workflow"]))["enrollments"] == {"totalCount": 0, "nodes": []}


async def test_an_enrollment_of_a_deleted_workflow_is_gone(client: httpx.AsyncClient) -> None:
    workflow = await create_workflow(client)
    made = await enroll(client, workflow["id"])
    assert (await client.delete(f"/api/v1/workflows/{workflow['id']}")).status_code == 204
    query = "query ($id: ID!) { enrollment(id: $id) { id } enrollments { totalCount } }"
    found = await graphql(client, query, id=str(made["enrollment_ids"][0]))
    assert found == {"enrollment": None, "enrollments": {"totalCount": 0}}


async def _statements(services: AppServices, organization: TestOrganization, query: str) -> tuple[int, dict[str, Any]]:
    executor = Executor(schema, core_schema(), Documents(core_schema()), services)
    async with services.database.tenant(organization.id) as session:
        answer = await executor.run(session, organization.principal, parse(query), Operation(query))
        assert not answer.errors, answer.errors
        return session.statements, orjson.loads(orjson.dumps(answer.data))


async def test_nested_reads_take_a_fixed_number_of_statements(
    services: AppServices, organization: TestOrganization, client: httpx.AsyncClient
) -> None:
    first, second = await create_workflow(client), await create_workflow(client)
    query = """{ enrollments(first: 200) { totalCount nodes { contact { email } workflow { name } timeline { status }
      deliveries { status } nurtureEvents { type } runtimeState { bag } } } }"""
    nested = """{ workflows { nodes { stepFunnel { totals { active } } enrollments(first: 5) { totalCount nodes { id
      workflow { name } } } } } }"""
    counts: Callable[[int], list[dict[str, str]]] = lambda n: [{"email": f"{i}@example.com"} for i in range(n)]  # noqa: E731
    seen: list[tuple[int, int]] = []
    for size in (1, 50):
        await enroll(client, first["id"], *counts(size))
        await enroll(client, second["id"], *counts(size))
        flat, data = await _statements(services, organization, query)
        deep, _ = await _statements(services, organization, nested)
        seen.append((flat, deep))
    assert len(data["enrollments"]["nodes"]) == 102
    assert seen[0] == seen[1] == (6, 5)
