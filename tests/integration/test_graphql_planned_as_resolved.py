"""What the planner answers is what the resolvers answer, over operations made at random from the schema."""

import json
import os
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from drippulse.kit.services import AppServices
from drippulse.organizations.policy import Principal
from drippulse.organizations.tables import MemberRole
from drippulse_graphql.execution import Executor
from drippulse_graphql.kit.documents import Documents
from drippulse_graphql.kit.http import Operation
from drippulse_graphql.kit.ids import encode_id
from drippulse_graphql.kit.planning.planner import MAX_PLANS, Planner, complete
from drippulse_graphql.schema import core_schema, schema
from tests.conftest import MakeOrganization
from tests.support.enrollment_states import STATES, in_every_state
from tests.support.graphql_operations import Made, Operations, Values
from tests.support.organizations import TestOrganization
from tests.support.workflows import create_workflow, enroll

OPERATIONS = int(os.environ.get("DRIPPULSE_TEST_OPERATIONS", "2000"))
ROOTS = (
    *("viewer", "workflow", "workflows", "enrollment", "enrollments", "pipeline"),
    *("account", "accounts", "contact", "contacts", "lead", "leads"),
    *("opportunity", "opportunities", "activity", "activities"),
)
NAMES = ("Account", "Contact", "Lead", "Opportunity", "Activity")
RESOLVED = frozenset({("Workflow", "steps"), ("Workflow", "stepFunnel")})
"""Fields made in Python: an operation with one of them is the resolvers', which is what a test below is about."""


@dataclass(frozen=True)
class Place:
    """An organization full of everything, and both ways to answer about it."""

    services: AppServices
    organization: TestOrganization
    operations: Operations
    executor: Executor
    planner: Planner
    documents: Documents

    async def compare(self, made: Made, principal: Principal) -> Any:
        """The data of both, in one transaction: what is left to wait depends on when it began. Fails where they differ,
        or where the planner has none."""
        document, _ = self.documents.prepare(made.text, None, made.variables)
        planned = self.planner.plan(made.text, None, document, made.variables, principal)
        assert planned is not None, f"not planned: {made}"
        async with self.services.database.tenant(self.organization.id) as session:
            text = await session.fetchval(planned.sql, *planned.values)
            assert complete(text)
            answer = await self.executor.run(session, principal, document, Operation(made.text, None, made.variables))
        assert not answer.errors, (made, answer.errors)
        ours, theirs = _ordered(text), _ordered(orjson.dumps(answer.data).decode())
        assert ours == theirs, made
        return answer.data


def _ordered(text: str) -> Any:
    """With the order of the keys."""
    return json.loads(text, object_pairs_hook=list)


@pytest.fixture
async def place(services: AppServices, new_organization: MakeOrganization) -> Place:
    organization, other = await new_organization(), await new_organization()
    for one in (organization, other):
        first = await create_workflow(one.client, name='Wölkchen "quoted" \\ \n')
        await create_workflow(one.client, name="b", description="100 % é")
        numbers = await in_every_state(services, one, first["id"])
        await enroll(one.client, first["id"], {"email": "nobody@example.com"})
        gone = await create_workflow(one.client, name="gone")
        await enroll(one.client, gone["id"], {"email": "gone@example.com"})
        assert (await one.client.delete(f"/api/v1/workflows/{gone['id']}")).is_success
        records = await _records(one.client)
    ids = {
        "Workflow": [encode_id("Workflow", first["id"]), str(first["id"])],
        "Enrollment": [encode_id("Enrollment", number) for number in numbers],
        "workflowId": [str(first["id"])],
        **{
            name: [*ids, *(encode_id(name.removeprefix("Converted"), UUID(one)) for one in ids)]
            for name, ids in records.items()
        },
    }
    words = ["a", "é", "%", "Wölk", "nobody", "ada", "Ada Lövelace", "p1@example.com", "hello"]
    texts = dict.fromkeys(("q", "eq", "ne", "contains", "startsWith", "tags", "in"), words) | {"leadRef": list(STATES)}
    operations = Operations(core_schema(), Values(ids, texts), ROOTS, RESOLVED)
    documents = Documents(core_schema())
    executor = Executor(schema, core_schema(), documents, services)
    return Place(services, other, operations, executor, Planner(schema, core_schema()), documents)


async def _records(client: httpx.AsyncClient) -> dict[str, list[str]]:
    """Records of every type, full and empty, live and deleted: UUIDs of the live ones by type."""
    found: dict[str, list[str]] = {}

    async def make(plural: str, **fields: Any) -> str:
        made = await client.post(f"/api/v1/crm/{plural}", json=fields)
        assert made.is_success, made.text
        return made.json()["id"]

    for number in range(3):
        account = await make("accounts", name=f'A{number} "q" \\', annual_revenue=[None, 10, 12.5][number], tags=["a"])
        person = {"email": f"p{number}@example.com", "first_name": "Ada", "last_name": "Lövelace", "tags": ["ada", "é"]}
        contact = await make("contacts", account_id=account, attributes={"a": [1, {"b": None}]}, **person)
        lead = await make("leads", contact_id=contact, score=[None, 0, 1.25][number], **person)
        about = {"account_id": account, "contact_id": contact}
        opportunity = await make(
            "opportunities", name="Deal", amount=[None, 5, 7.25][number], expected_close_date="2030-02-28", **about
        )
        activity = await make("activities", subject="hello", lead_id=lead, opportunity_id=opportunity, **about)
        for name, one in zip(NAMES, (account, contact, lead, opportunity, activity), strict=True):
            found.setdefault(name, []).append(one)
    for plural in ("accounts", "contacts", "leads", "opportunities", "activities"):
        needed = {"name": "Bare"} if plural in {"accounts", "opportunities"} else {}
        await make(plural, **needed)
        gone = await make(plural, **needed)
        assert (await client.delete(f"/api/v1/crm/{plural}/{gone}")).is_success
    pipelines = (await client.get("/api/v1/crm/opportunity_pipelines")).json()["opportunity_pipelines"]
    stages = [stage["id"] for one in pipelines for stage in one["stages"]]
    converted = {f"Converted{name}": found[name] for name in ("Account", "Contact", "Opportunity")}
    return {**found, **converted, "Pipeline": [one["id"] for one in pipelines], "PipelineStage": stages}


def _cursors(data: Any) -> list[str]:
    """The cursors of the only connection of the root."""
    root: Any = data.get("r0") or {}
    page: dict[str, Any] = root.get("pageInfo") or {}
    edges: list[dict[str, Any]] = root.get("edges") or []
    found = [page.get("endCursor"), page.get("startCursor"), *(edge.get("cursor") for edge in edges)]
    return [cursor for cursor in found if isinstance(cursor, str)]


async def test_generated_operations_answer_the_same(place: Place) -> None:
    roles = list(MemberRole)
    beyond = 0
    for seed in range(OPERATIONS):
        made = place.operations.make(seed)
        actor = place.organization.principal
        principal = Principal(
            actor.organization_id, roles[seed % len(roles)], actor.actor_type, actor.actor_id, actor.credential
        )
        data = await place.compare(made, principal)
        if made.after is not None:
            for cursor in _cursors(data)[:1]:
                beyond += 1
                await place.compare(Made(made.text, {**made.variables, made.after: cursor}), principal)
    assert beyond > OPERATIONS / 50, "cursors were hardly tried"


async def test_a_record_has_any_name_and_may_be_empty(place: Place) -> None:
    longest, too_long = "m" * 63, "m" * 64  # what PostgreSQL cuts off of the name of a column
    text = f"""{{ contacts(first: 5) {{
        nodes {{ {longest}: email {too_long}: email account {{ {too_long}: name {longest}: domain }} }}
        edges {{ node {{ account {{ name @skip(if: true) }} email @skip(if: true) }} {too_long}: cursor }} }} }}"""
    data = await place.compare(Made(text, {}), place.organization.principal)
    nodes, edges = data["contacts"]["nodes"], data["contacts"]["edges"]
    assert {longest, too_long, "account"} == set(nodes[0])
    assert [edge["node"] for edge in edges] == [{"account": node["account"] and {}} for node in nodes]
    assert None in [node["account"] for node in nodes] != [None] * len(nodes), "some have none, not all"


async def test_whoever_may_see_it_is_told_how_an_operation_ran(organization: TestOrganization) -> None:
    asked = {"query": "{ workflows(first: 5) { nodes { id } } }", "extensions": {"plan": True}}
    answer = (await organization.client.post("/graphql", json=asked)).json()
    plan = answer["extensions"]["plan"]
    assert plan.pop("milliseconds") > 0
    assert plan == {"mode": "planned", "statements": 1, "cost": 5}
    resolved = {**asked, "query": "{ workflows(first: 5) { nodes { id steps { id } } } }"}
    otherwise = (await organization.client.post("/graphql", json=resolved)).json()
    assert otherwise["extensions"]["plan"]["mode"] == "resolved"
    told = (await organization.as_role(MemberRole.EDITOR).post("/graphql", json=asked)).json()
    assert told == {"data": answer["data"]}
    unasked = (await organization.client.post("/graphql", json={"query": asked["query"]})).json()
    assert unasked == {"data": answer["data"]}


async def test_what_lacks_something_that_the_schema_promises_is_for_the_resolvers(
    services: AppServices, organization: TestOrganization
) -> None:
    workflow = await create_workflow(organization.client)
    await enroll(organization.client, workflow["id"], {"email": "ada@example.com"})
    async with services.database.tenant(organization.id) as session:
        await session.execute("UPDATE workflow SET version = 99")  # which nobody has saved
    asked = {"query": "{ enrollments { nodes { id workflow { name } } } }", "extensions": {"plan": True}}
    answer = (await organization.client.post("/graphql", json=asked)).json()
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["internal_error"]
    plan = answer["extensions"]["plan"]
    assert plan["mode"] == "resolved"
    assert plan["statements"] >= 3, "the one that was planned counts too"


async def test_plans_are_kept_up_to_a_number(place: Place) -> None:
    for number in range(MAX_PLANS + 50):
        text = f"query Q{number} {{ viewer {{ role }} }}"
        document, _ = place.documents.prepare(text, None)
        assert place.planner.plan(text, None, document, {}, place.organization.principal) is not None
    assert len(place.planner) == MAX_PLANS
