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
from tests.support.access import RANDOM, furnish, operations
from tests.support.lifespan import running
from tests.support.nets import drop_row_level_security, services_without_filters
from tests.support.organizations import TestOrganization, make_organization
from tests.support.v1 import Ref
from tests.support.workflows import SEED_WORKFLOW

SLACK = {"provider": "slack", "bot_token": "xoxb-0-canary"}
APPROVALS, STALLS = "/api/v1/approvals", "/api/v1/stalls"
WORKFLOWS, CONNECTIONS = "/api/v1/workflows", "/api/v1/integration_connections"
API = ("/api/v1/", "/v1/")
EXTRA: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", WORKFLOWS + "/{mine}/enrollments/{enrollment}", None),
    ("POST", WORKFLOWS + "/{mine}/enrollments/{enrollment}/cancel", {}),
    ("GET", WORKFLOWS + "/{mine}/enrollments/{enrollment}/explain", None),
    ("DELETE", WORKFLOWS + "/{mine}/enrollments/{enrollment}", None),
]
"""Somebody else's below one's own."""
WITH_IDS = [operation for operation in operations() if "{" in operation.path and operation.path.startswith(API)]
VOLATILE = (
    "/api/v1/health",
    "/api/v1/openapi.json",
    "/api/v1/admin/verify",
    "/api/v1/track/",
    "/api/v1/api_keys",
    "/api/v1/account/billing",
    "/api/v1/crm/export",
    "/api/v1/audit_log",
)
LISTS_OF_ALL = [
    operation.path
    for operation in operations()
    if operation.method == "GET" and "{" not in operation.path and operation.path.startswith(API)
    if not operation.path.startswith(VOLATILE)
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
    ids: dict[str, str]
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
        ids, own = [await furnish(organization, services.database) for organization in (theirs, mine)]
        yield Two(name, services.database, mine, theirs, ids, int(own["workflow"]), int(own["enrollment"]))


async def _snapshot(organization: TestOrganization) -> dict[str, Any]:
    """All lists of an organization, and its workflow's enrollments."""
    found = {path: (await organization.client.get(path)).json() for path in LISTS_OF_ALL}
    enrolled = f"{WORKFLOWS}/{found[WORKFLOWS]['workflows'][0]['id']}/enrollments"
    return {**found, "enrollments": (await organization.client.get(enrolled)).json()["enrollments"]}


async def test_foreign_ids_answer_as_random_ids_and_change_nothing(two: Two) -> None:
    before = await _snapshot(two.theirs)
    mine = {"mine": str(two.my_workflow)}
    calls = [(op.method, op.url(two.ids), op.url(RANDOM), op.full_body) for op in WITH_IDS]
    calls += [(method, p.format(**two.ids, **mine), p.format(**RANDOM, **mine), body) for method, p, body in EXTRA]
    wrong: list[str] = []
    for method, foreign, random, body in calls:
        answers = [await two.mine.client.request(method, url, json=body) for url in (foreign, random)]
        same = answers[0].content == answers[1].content
        if not same or [answer.status_code for answer in answers] != [404, 404]:
            wrong.append(f"{method} {foreign}: {[answer.status_code for answer in answers]} {answers[0].text[:200]}")
    assert wrong == []
    assert await _snapshot(two.theirs) == before


async def test_lists_and_totals_have_ones_own_rows_alone(two: Two) -> None:
    found = await _snapshot(two.mine)
    workflows, connections, approvals, stalls = (found[path] for path in (WORKFLOWS, CONNECTIONS, APPROVALS, STALLS))
    enrollments = found["enrollments"]
    assert (workflows["total_count"], [row["id"] for row in workflows["workflows"]]) == (1, [two.my_workflow])
    assert (connections["total_count"], len(connections["integration_connections"])) == (1, 1)
    assert [row["id"] for row in enrollments] == [two.my_enrollment]
    assert [row["enrollment_id"] for row in approvals["approvals"]] == [two.my_enrollment]
    assert (approvals["total_count"], stalls["total_count"]) == (1, 1)
    assert [row["enrollment_id"] for row in stalls["stalls"]] == [two.my_enrollment]
    verified = (await two.mine.client.get("/api/v1/admin/verify")).json()
    assert verified["organization_id"] == two.mine.id


async def test_foreign_ids_inside_crm_bodies_answer_as_random_ids(two: Two) -> None:
    before = await _snapshot(two.theirs)
    theirs = (await two.theirs.client.get("/api/v1/crm/export")).json()
    stages = (await two.mine.client.get("/api/v1/crm/opportunity_pipelines")).json()["pipelines"][0]["stages"]
    told: list[Any] = []
    foreign = (two.ids["opportunity"], theirs["accounts"][0]["public_id"])
    for deal, account in (foreign, (RANDOM["opportunity"], "acct_x")):
        wanted = {"pipeline_stage_id": stages[0]["id"], "ordered_ids": [deal]}
        answer = await two.mine.client.post("/api/v1/crm/opportunities/reorder", json=wanted)
        rows = {"contacts": [{"account_id": account}], "opportunities": [{"name": "D", "contact_id": deal}]}
        report = (await two.mine.client.post("/api/v1/crm/import", json=rows)).json()
        told.append((answer.status_code, answer.content, report["counts"], report["changeset_id"]))
    assert told[0] == told[1]
    assert (told[0][0], told[0][2]["invalid"]) == (404, 2)
    mine = (await two.mine.client.get("/api/v1/crm/export")).json()
    for plural in ("accounts", "contacts", "opportunities", "leads", "activities", "pipelines"):
        here, there = ({row["public_id"] for row in one[plural]} for one in (mine, theirs))
        assert here
        assert not here & there
    taken = {"accounts": [{**theirs["accounts"][0], "name": "taken over"}]}
    [result] = (await two.mine.client.post("/api/v1/crm/import", json={**taken, "dry_run": True})).json()["results"]
    assert (result["status"], result["public_id"]) == ("created", theirs["accounts"][0]["public_id"])
    assert await _snapshot(two.theirs) == before


async def test_records_and_tags_of_others_are_nothing_to_calls_about_many(two: Two) -> None:
    before = await _snapshot(two.theirs)
    for action, more in (("bulk_update", {"changes": {"title": "mine"}}), ("bulk_delete", {}), ("assign", {})):
        body = {**more, **({"owner_id": None} if action == "assign" else {})}
        told: list[Any] = []
        for ref in (two.ids["contact"], RANDOM["contact"]):
            answer = await two.mine.client.post(f"/api/v1/crm/contacts/{action}", json={"ids": [ref], **body})
            told.append((answer.status_code, answer.json()["changeset_id"], answer.json()["failed"][0]["error"]))
        assert told[0] == told[1] == (200, None, "contact_not_found")
        for found in ({"tags": two.ids["tag"]}, {"q": two.theirs.name}):
            answer = await two.mine.client.post(f"/api/v1/crm/contacts/{action}", json={"filter": found, **body})
            assert (answer.json()["failed"], answer.json()["changeset_id"]) == ([], None)
    mine = (await two.mine.client.get("/api/v1/crm/tags")).json()["tags"]
    assert two.ids["tag"] not in {tag["name"] for tag in mine}
    assert await _snapshot(two.theirs) == before


async def test_foreign_ids_inside_v1_bodies_answer_as_random_ids(two: Two) -> None:
    before = [(await two.theirs.client.get(path)).json() for path in V1_LISTS]
    mine = Ref(two.my_workflow)
    for ids in (two.ids, RANDOM):
        workflow, contact, template = ids["wf"], ids["con"], ids["tpl"]
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
        await two.mine.client.post(f"{STALLS}/repair", json={"ids": [number]})
        for number in (int(two.ids["stall"]), int(RANDOM["stall"]))
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert (await two.mine.client.post(f"{STALLS}/repair")).status_code == 200
    assert await _snapshot(two.theirs) == before


async def test_graphql_ids(two: Two) -> None:
    answers: list[Any] = []
    for ids in (two.ids, RANDOM):
        numbers = {"w": ids["workflow"], "e": ids["enrollment"]}
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
        (await two.mine.client.post("/graphql", json={"query": ENROLL, "variables": {"w": number}})).json()
        for number in (two.ids["workflow"], RANDOM["workflow"])
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


def _global_id(kind: str, number: str) -> str:
    return base64.b64encode(f"{kind}:{number}".encode()).decode()
