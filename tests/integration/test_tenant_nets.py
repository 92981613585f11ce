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
from tests.support.planted import APPROVAL, STALL, plant
from tests.support.v1 import Ref, make_contact, make_template, ref
from tests.support.workflows import SEED_WORKFLOW, create_workflow, enroll

UNKNOWN = 999_999_999
SLACK = {"provider": "slack", "bot_token": "xoxb-0-canary"}
APPROVALS, STALLS = "/api/v1/approvals", "/api/v1/stalls"
WORKFLOWS, CONNECTIONS = "/api/v1/workflows", "/api/v1/integration_connections"
CASES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", WORKFLOWS + "/{workflow}", None),
    ("PATCH", WORKFLOWS + "/{workflow}", {"name": "taken over", "status": "archived", "steps": []}),
    ("DELETE", WORKFLOWS + "/{workflow}", None),
    ("POST", WORKFLOWS + "/{workflow}/test", {}),
    ("POST", WORKFLOWS + "/{workflow}/simulate", {"contacts": [{"email": "a@b.com"}]}),
    ("GET", WORKFLOWS + "/{workflow}/draft", None),
    ("PUT", WORKFLOWS + "/{workflow}/draft", {"steps": []}),
    ("DELETE", WORKFLOWS + "/{workflow}/draft", None),
    ("POST", WORKFLOWS + "/{workflow}/publish/preview", {"strategy": "exit"}),
    ("POST", WORKFLOWS + "/{workflow}/publish", {}),
    ("GET", WORKFLOWS + "/{workflow}/moves", None),
    ("GET", WORKFLOWS + "/{workflow}/versions", None),
    ("GET", WORKFLOWS + "/{workflow}/versions/1", None),
    ("GET", WORKFLOWS + "/{workflow}/versions/diff?from=1&to=1", None),
    ("POST", WORKFLOWS + "/{workflow}/versions/1/restore", None),
    ("GET", WORKFLOWS + "/{workflow}/enrollments", None),
    ("POST", WORKFLOWS + "/{workflow}/enrollments/bulk", {"contacts": [{"email": "a@b.com"}]}),
    ("GET", WORKFLOWS + "/{workflow}/enrollments/{enrollment}", None),
    ("DELETE", WORKFLOWS + "/{workflow}/enrollments/{enrollment}", None),
    ("GET", WORKFLOWS + "/{mine}/enrollments/{enrollment}", None),
    ("POST", WORKFLOWS + "/{workflow}/enrollments/{enrollment}/pause", {}),
    ("POST", WORKFLOWS + "/{workflow}/enrollments/{enrollment}/resume", {}),
    ("POST", WORKFLOWS + "/{workflow}/enrollments/{enrollment}/cancel", {}),
    ("POST", WORKFLOWS + "/{workflow}/enrollments/{enrollment}/retry", {}),
    ("POST", WORKFLOWS + "/{workflow}/enrollments/{enrollment}/resolve", {"action": "skip"}),
    ("POST", WORKFLOWS + "/{mine}/enrollments/{enrollment}/cancel", {}),
    ("GET", WORKFLOWS + "/{workflow}/enrollments/{enrollment}/explain", None),
    ("GET", WORKFLOWS + "/{mine}/enrollments/{enrollment}/explain", None),
    ("POST", WORKFLOWS + "/{workflow}/enrollments/actions", {"action": "cancel", "all": True}),
    ("GET", WORKFLOWS + "/{workflow}/unknown_sends", None),
    ("POST", WORKFLOWS + "/{workflow}/unknown_sends/resolve", {"action": "dismiss", "all": True}),
    ("GET", WORKFLOWS + "/{workflow}/holds", None),
    ("POST", WORKFLOWS + "/{workflow}/pause", {}),
    ("POST", WORKFLOWS + "/{workflow}/resume", {}),
    ("POST", WORKFLOWS + "/{workflow}/steps/s1/pause", {}),
    ("POST", WORKFLOWS + "/{workflow}/steps/s1/resume", {}),
    ("DELETE", WORKFLOWS + "/{mine}/enrollments/{enrollment}", None),
    ("GET", APPROVALS + "/{approval}", None),
    ("POST", APPROVALS + "/{approval}/decide", {"decision": "approve"}),
    ("GET", CONNECTIONS + "/{connection}", None),
    ("PATCH", CONNECTIONS + "/{connection}", {"note": "taken over", "bot_token": "xoxb-1-mine"}),
    ("DELETE", CONNECTIONS + "/{connection}", None),
    ("POST", CONNECTIONS + "/{connection}/test_connection", {}),
    ("GET", "/v1/workflows/{workflow:wf}", None),
    ("PATCH", "/v1/workflows/{workflow:wf}", {"name": "taken over", "nodes": []}),
    ("DELETE", "/v1/workflows/{workflow:wf}", None),
    ("GET", "/v1/contacts/{contact:con}", None),
    ("PATCH", "/v1/contacts/{contact:con}", {"firstName": "taken over"}),
    ("DELETE", "/v1/contacts/{contact:con}", None),
    ("GET", "/v1/templates/{template:tpl}", None),
    ("PATCH", "/v1/templates/{template:tpl}", {"subject": "taken over"}),
    ("DELETE", "/v1/templates/{template:tpl}", None),
    ("GET", "/v1/enrollments/{enrollment:enr}", None),
    ("GET", "/v1/enrollments/{enrollment:enr}/logs", None),
]
V1_LISTS = ("/v1/workflows", "/v1/contacts", "/v1/templates", "/v1/enrollments")
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
        ids, own = [await _furnish(organization, services.database) for organization in (theirs, mine)]
        yield Two(name, services.database, mine, theirs, ids, own["workflow"], own["enrollment"])


async def _furnish(organization: TestOrganization, database: Database) -> dict[str, int]:
    workflow = (await create_workflow(organization.client, name=organization.name))["id"]
    made = await enroll(organization.client, workflow, {"email": f"{organization.id}@example.com"})
    connection = await organization.client.post(CONNECTIONS, json=SLACK)
    ids: dict[str, int] = {
        "workflow": workflow,
        "enrollment": made["enrollment_ids"][0],
        "approval": await plant(database, APPROVAL, organization.id, made["enrollment_ids"][0]),
        "stall": await plant(database, STALL, organization.id, made["enrollment_ids"][0]),
        "connection": connection.json()["id"],
    }
    contact, template = await make_contact(organization.client), await make_template(organization.client)
    more = {"contact": ref(contact["id"]), "template": ref(template["id"])}
    return {**{name: Ref(number) for name, number in ids.items()}, **more}


async def _snapshot(organization: TestOrganization) -> list[Any]:
    paths = (WORKFLOWS + "?page=1", CONNECTIONS + "?page=1", APPROVALS, STALLS)
    found = [(await organization.client.get(path)).json() for path in paths]
    enrolled = await organization.client.get(f"{WORKFLOWS}/{found[0]['workflows'][0]['id']}/enrollments")
    return [*found, enrolled.json()["enrollments"]]


@pytest.mark.parametrize(("method", "path", "body"), CASES)
async def test_foreign_ids_answer_as_random_ids_and_change_nothing(
    method: str, path: str, body: dict[str, Any] | None, two: Two
) -> None:
    before = await _snapshot(two.theirs)
    random = dict.fromkeys(two.ids, Ref(UNKNOWN))
    urls = [path.format(**ids, mine=two.my_workflow) for ids in (two.ids, random)]
    answers = [await two.mine.client.request(method, url, json=body) for url in urls]
    assert [answer.status_code for answer in answers] == [404, 404], answers[0].text
    assert answers[0].content == answers[1].content
    assert await _snapshot(two.theirs) == before


async def test_lists_and_totals_have_ones_own_rows_alone(two: Two) -> None:
    workflows, connections, approvals, stalls, enrollments = await _snapshot(two.mine)
    assert (workflows["total_count"], [row["id"] for row in workflows["workflows"]]) == (1, [two.my_workflow])
    assert (connections["total_count"], len(connections["integration_connections"])) == (1, 1)
    assert [row["id"] for row in enrollments] == [two.my_enrollment]
    assert [row["enrollment_id"] for row in approvals["approvals"]] == [two.my_enrollment]
    assert (approvals["total_count"], stalls["total_count"]) == (1, 1)
    assert [row["enrollment_id"] for row in stalls["stalls"]] == [two.my_enrollment]
    verified = (await two.mine.client.get("/api/v1/admin/verify")).json()
    assert verified["organization_id"] == two.mine.id


async def test_foreign_ids_inside_v1_bodies_answer_as_random_ids(two: Two) -> None:
    before = [(await two.theirs.client.get(path)).json() for path in V1_LISTS]
    mine, random = Ref(two.my_workflow), dict.fromkeys(two.ids, Ref(UNKNOWN))
    for ids in (two.ids, random):
        workflow, contact, template = f"{ids['workflow']:wf}", f"{ids['contact']:con}", f"{ids['template']:tpl}"
        answers = [
            await two.mine.client.post("/v1/enrollments", json={"workflowId": workflow, "contactId": contact}),
            await two.mine.client.post("/v1/enrollments", json={"workflowId": f"{mine:wf}", "contactId": contact}),
            await two.mine.client.post("/v1/enrollments/bulk", json={"workflowId": workflow, "contactIds": [contact]}),
        ]
        assert [answer.status_code for answer in answers] == [404, 404, 404]
        found = await two.mine.client.get("/v1/enrollments", params={"contactId": contact, "workflowId": workflow})
        assert found.json()["items"] == []
        node = {"id": "m", "type": "send_email", "templateId": template}
        saved = await two.mine.client.post("/v1/workflows", json={"name": "W", "nodes": [node]})
        assert (saved.status_code, saved.json()["error"]["code"]) == (400, "invalid_workflow")
    assert [(await two.theirs.client.get(path)).json() for path in V1_LISTS] == before
    totals = [(await two.mine.client.get(path)).json()["total"] for path in V1_LISTS]
    assert totals == [1, 1, 1, 1]


async def test_foreign_stalls_answer_as_random_ones_and_all_means_ones_own(two: Two) -> None:
    before = await _snapshot(two.theirs)
    answers = [
        await two.mine.client.post(f"{STALLS}/repair", json={"ids": [number]}) for number in (two.ids["stall"], UNKNOWN)
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert (await two.mine.client.post(f"{STALLS}/repair")).status_code == 200
    assert await _snapshot(two.theirs) == before


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
