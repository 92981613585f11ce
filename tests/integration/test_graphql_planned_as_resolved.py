"""What the planner answers is what the resolvers answer, over operations made at random from the schema."""

import json
import os
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from drippulse.kit.services import AppServices
from drippulse.organizations.policy import Principal
from drippulse.organizations.tables import MemberRole
from drippulse_graphql.execution import Executor
from drippulse_graphql.kit.documents import Documents
from drippulse_graphql.kit.http import Operation
from drippulse_graphql.kit.ids import encode_id
from drippulse_graphql.kit.planning.planner import Planner, complete
from drippulse_graphql.schema import core_schema, schema
from tests.conftest import MakeOrganization
from tests.support.enrollment_states import STATES, in_every_state
from tests.support.graphql_operations import Made, Operations, Values
from tests.support.organizations import TestOrganization
from tests.support.workflows import create_workflow, enroll

OPERATIONS = int(os.environ.get("DRIPPULSE_TEST_OPERATIONS", "2000"))
ROOTS = ("viewer", "workflow", "workflows", "enrollment", "enrollments")
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
        """The data of both; fails where they differ, or where the planner has none."""
        document, _ = self.documents.prepare(made.text, None, made.variables)
        planned = self.planner.plan(made.text, None, document, made.variables, principal)
        assert planned is not None, f"not planned: {made}"
        async with self.services.database.tenant(self.organization.id) as session:
            before = session.statements
            text = await session.fetchval(planned.sql, *planned.values)
            assert session.statements - before == 1
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
    ids = {
        "Workflow": [encode_id("Workflow", first["id"]), str(first["id"])],
        "Enrollment": [encode_id("Enrollment", number) for number in numbers],
        "workflowId": [str(first["id"])],
    }
    texts = {"q": ["a", "é", "%", "Wölk", "nobody"], "leadRef": list(STATES)}
    operations = Operations(core_schema(), Values(ids, texts), ROOTS, RESOLVED)
    documents = Documents(core_schema())
    executor = Executor(schema, core_schema(), documents, services)
    return Place(services, other, operations, executor, Planner(schema, core_schema()), documents)


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
