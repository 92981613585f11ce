"""Another organization's ids and rows over REST and GraphQL: with both nets, without filters, without row-level
security. There is no leak in any of the three."""

import base64
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, cast

import httpx
import pytest

from drippulse.kit.db import Database
from drippulse_server.asgi import create_app_of
from drippulse_server.services import build_services
from tests.conftest import MakeDatabase
from tests.support.lifespan import running
from tests.support.nets import drop_row_level_security, services_without_filters
from tests.support.organizations import TestOrganization, make_organization
from tests.support.workflows import SEED_WORKFLOW, create_workflow, enroll

UNKNOWN = 999_999_999
SLACK = {"provider": "slack", "bot_token": "xoxb-0-canary"}
WORKFLOWS, CONNECTIONS = "/api/v1/workflows", "/api/v1/integration_connections"
CASES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", WORKFLOWS + "/{workflow}", None),
    ("PATCH", WORKFLOWS + "/{workflow}", {"name": "taken over", "status": "archived", "steps": []}),
    ("DELETE", WORKFLOWS + "/{workflow}", None),
    ("POST", WORKFLOWS + "/{workflow}/test", {}),
    ("GET", WORKFLOWS + "/{workflow}/enrollments", None),
    ("POST", WORKFLOWS + "/{workflow}/enrollments/bulk", {"contacts": [{"email": "a@b.com"}]}),
    ("GET", WORKFLOWS + "/{workflow}/enrollments/{enrollment}", None),
    ("DELETE", WORKFLOWS + "/{workflow}/enrollments/{enrollment}", None),
    ("GET", WORKFLOWS + "/{mine}/enrollments/{enrollment}", None),
    ("DELETE", WORKFLOWS + "/{mine}/enrollments/{enrollment}", None),
    ("GET", CONNECTIONS + "/{connection}", None),
    ("PATCH", CONNECTIONS + "/{connection}", {"note": "taken over", "bot_token": "xoxb-1-mine"}),
    ("DELETE", CONNECTIONS + "/{connection}", None),
    ("POST", CONNECTIONS + "/{connection}/test_connection", {}),
]
OBJECT = "timeline { id } deliveries { id } nurtureEvents { id } runtimeState { bag } workflow { name }"
BY_ID = f"""query ($w: ID!, $e: ID!, $nw: ID!, $ne: ID!) {{
  workflow(id: $w) {{ name stepFunnel {{ totals {{ totalEnrollments }} }} enrollments {{ totalCount }} }}
  enrollment(id: $e) {{ {OBJECT} }} nodeW: node(id: $nw) {{ id }} nodeE: node(id: $ne) {{ id }}
  enrollments(filter: {{ workflowId: $w }}) {{ totalCount nodes {{ id }} }} }}"""
LISTS = """{ workflows { totalCount nodes { databaseId stepFunnel { totals { totalEnrollments } }
    enrollments { totalCount nodes { databaseId } } } }
  enrollments { totalCount nodes { databaseId workflow { databaseId } timeline { id } runtimeState { bag } } }
  viewer { organization { name } } }"""
ENROLL = """mutation ($w: ID!) { enrollContacts(input: { workflowId: $w, contacts: [{ email: "x@y.org" }] }) {
  createdCount userErrors { code message field } } }"""


@dataclass(frozen=True)
class Two:
    """`mine` asks for what is `theirs`."""

    nets: str
    database: Database
    mine: TestOrganization
    theirs: TestOrganization
    ids: dict[str, int]
    my_workflow: int
    my_enrollment: int


@pytest.fixture(scope="module", params=["both nets", "filter off", "row-level security off"])
async def two(request: pytest.FixtureRequest, make_database: MakeDatabase) -> AsyncGenerator[Two]:
    name = str(request.param)
    settings = await make_database(f"nets_{name.replace(' ', '_').replace('-', '_')}")
    if name == "row-level security off":
        await drop_row_level_security(settings)
    services = services_without_filters(settings) if name == "filter off" else build_services(settings)
    app = create_app_of(services)
    async with running(app):

        def client(token: str | None = None) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
            headers = {"authorization": f"Bearer {token}"}
            return httpx.AsyncClient(transport=transport, base_url="http://drippulse.test", headers=headers)

        mine, theirs = await make_organization(services, client), await make_organization(services, client)
        ids, own = [await _furnish(organization) for organization in (theirs, mine)]
        yield Two(name, services.database, mine, theirs, ids, own["workflow"], own["enrollment"])


async def _furnish(organization: TestOrganization) -> dict[str, int]:
    workflow = (await create_workflow(organization.client, name=organization.name))["id"]
    made = await enroll(organization.client, workflow, {"email": f"{organization.id}@example.com"})
    connection = await organization.client.post(CONNECTIONS, json=SLACK)
    return {
        "workflow": workflow,
        "enrollment": made["enrollment_ids"][0],
        "connection": connection.json()["id"],
    }


async def _snapshot(organization: TestOrganization) -> list[Any]:
    paths = (WORKFLOWS + "?page=1", CONNECTIONS + "?page=1")
    found = [(await organization.client.get(path)).json() for path in paths]
    enrolled = await organization.client.get(f"{WORKFLOWS}/{found[0]['workflows'][0]['id']}/enrollments")
    return [*found, enrolled.json()["enrollments"]]


@pytest.mark.parametrize(("method", "path", "body"), CASES)
async def test_foreign_ids_answer_as_random_ids_and_change_nothing(
    method: str, path: str, body: dict[str, Any] | None, two: Two
) -> None:
    before = await _snapshot(two.theirs)
    random = dict.fromkeys(two.ids, UNKNOWN)
    urls = [path.format(**ids, mine=two.my_workflow) for ids in (two.ids, random)]
    answers = [await two.mine.client.request(method, url, json=body) for url in urls]
    assert [answer.status_code for answer in answers] == [404, 404], answers[0].text
    assert answers[0].content == answers[1].content
    assert await _snapshot(two.theirs) == before


async def test_lists_and_totals_have_ones_own_rows_alone(two: Two) -> None:
    workflows, connections, enrollments = await _snapshot(two.mine)
    assert (workflows["total_count"], [row["id"] for row in workflows["workflows"]]) == (1, [two.my_workflow])
    assert (connections["total_count"], len(connections["integration_connections"])) == (1, 1)
    assert [row["id"] for row in enrollments] == [two.my_enrollment]
    verified = (await two.mine.client.get("/api/v1/admin/verify")).json()
    assert verified["organization_id"] == two.mine.id


async def test_graphql_ids(two: Two) -> None:
    answers: list[Any] = []
    for ids in (two.ids, dict.fromkeys(two.ids, UNKNOWN)):
        numbers = {"w": str(ids["workflow"]), "e": str(ids["enrollment"])}
        nodes = {"nw": _global_id("Workflow", ids["workflow"]), "ne": _global_id("Enrollment", ids["enrollment"])}
        body = {"query": BY_ID, "variables": {**numbers, **nodes}}
        answers.append((await two.mine.client.post("/graphql", json=body)).json())
    assert answers[0] == answers[1]
    assert answers[0]["data"]["enrollments"] == {"totalCount": 0, "nodes": []}
    assert {answers[0]["data"][name] for name in ("workflow", "enrollment", "nodeW", "nodeE")} == {None}


async def test_graphql_lists_and_loaders(two: Two) -> None:
    data = (await two.mine.client.post("/graphql", json={"query": LISTS})).json()["data"]
    assert data["viewer"]["organization"]["name"] == two.mine.name
    [workflow] = data["workflows"]["nodes"]
    assert (workflow["databaseId"], data["workflows"]["totalCount"]) == (str(two.my_workflow), 1)
    assert workflow["stepFunnel"]["totals"]["totalEnrollments"] == workflow["enrollments"]["totalCount"] == 1
    [enrollment] = data["enrollments"]["nodes"]
    assert (enrollment["databaseId"], data["enrollments"]["totalCount"]) == (str(two.my_enrollment), 1)
    assert enrollment["runtimeState"]["bag"] == {"email": f"{two.mine.id}@example.com"}


async def test_graphql_mutations(two: Two) -> None:
    answers = [
        (await two.mine.client.post("/graphql", json={"query": ENROLL, "variables": {"w": str(number)}})).json()
        for number in (two.ids["workflow"], UNKNOWN)
    ]
    assert answers[0] == answers[1]
    assert answers[0]["data"]["enrollContacts"]["userErrors"][0]["code"] == "workflow_not_found"


async def test_one_may_have_what_another_organization_has(two: Two) -> None:
    """Unique keys are led by the organization: that something exists elsewhere is not to be learned."""
    key = {**SLACK, "connection_key": "shared"}
    for organization in (two.theirs, two.mine):
        made = await organization.client.post(CONNECTIONS, json=key)
        assert made.status_code == 201
        copy = await organization.client.post(WORKFLOWS, json=SEED_WORKFLOW)
        assert copy.status_code == 201
        assert (await organization.client.delete(f"{CONNECTIONS}/{made.json()['id']}")).status_code == 204
        assert (await organization.client.delete(f"{WORKFLOWS}/{copy.json()['id']}")).status_code == 204


async def test_the_nets_are_what_the_test_says(two: Two) -> None:
    async with two.database.tenant(two.mine.id) as session:
        seen = await session.fetchval("SELECT count(DISTINCT organization_id) FROM workflow")
        filtered = await session.fetchval(
            "SELECT count(DISTINCT organization_id) FROM workflow WHERE organization_id = $1", two.theirs.id
        )
    secured = {"both nets": (1, 0), "filter off": (1, 1), "row-level security off": (2, 1)}
    assert (seen, filtered) == secured[two.nets]


def _global_id(kind: str, number: int) -> str:
    return base64.b64encode(f"{kind}:{number}".encode()).decode()
