"""What one operation may read."""

import time
from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from tests.support.graphql import graphql, raw_graphql
from tests.support.organizations import TestOrganization
from tests.support.timeline import write_timeline
from tests.support.workflows import create_workflow, enroll

NESTED = "workflows(first: 200) { nodes { enrollments(first: 200) { nodes { id } } } }"
BY_VARIABLE = "query ($n: Int%s) { workflows(first: $n) { nodes { enrollments(first: $n) { nodes { id } } } } }"
BY_DEFAULT = "{ workflows { nodes { enrollments { nodes { workflow { enrollments { nodes { id } } } } } } } }"
BY_FRAGMENTS = """{ workflows(first: 200) { ...a } } fragment a on WorkflowConnection { nodes { ...b } }
  fragment b on Workflow { ... on Workflow { enrollments(first: 200) { nodes { id } } } }"""
BELOW_A_NODE = """{ node(id: "x") { ... on Workflow { enrollments(first: 200) { nodes { workflow {
  enrollments(first: 200) { nodes { id } } } } } } } }"""
REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "nested": ("{ " + NESTED + " }", {}),
    "by edges": ("{ workflows(first: 200) { edges { node { enrollments(last: 200) { edges { cursor } } } } } }", {}),
    "by default sizes": (BY_DEFAULT, {}),
    "by a variable": (BY_VARIABLE % "", {"n": 200}),
    "by a variable's default": (BY_VARIABLE % " = 200", {}),
    "by aliases": ("{ " + " ".join(f"a{i}: {NESTED.replace('200', '80')}" for i in range(2)) + " }", {}),
    "by fragments": (BY_FRAGMENTS, {}),
    "below a node": (BELOW_A_NODE, {}),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_products_of_nested_lists_are_refused_at_once(name: str, client: httpx.AsyncClient) -> None:
    query, variables = REFUSED[name]
    seconds: list[float] = []
    for _ in range(3):
        began = time.thread_time()  # the machine may be busy with other tests
        answer = await raw_graphql(client, query, **variables)
        seconds.append(time.thread_time() - began)
        assert answer["errors"][0]["extensions"]["code"] == "cost_too_high"
        assert "data" not in answer
    assert min(seconds) < 0.1


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ workflows(first: 49) { nodes { enrollments(first: 200) { nodes { id } } } } }", {}),
        (BY_VARIABLE % " = 200", {"n": 99}),
        ("{ enrollments(first: 200) { nodes { workflow { name } timeline { id } deliveries { id } } } }", {}),
    ],
)
async def test_what_a_page_needs_is_answered(query: str, variables: dict[str, Any], client: httpx.AsyncClient) -> None:
    await graphql(client, query, **variables)


async def test_entries_below_enrollments_have_a_budget(organization: TestOrganization, services: AppServices) -> None:
    workflow = (await create_workflow(organization.client))["id"]
    ids = (await enroll(organization.client, workflow, *({"email": f"{i}@x.org"} for i in range(11))))["enrollment_ids"]
    async with services.database.tenant(organization.id) as session:
        entries = (
            """(SELECT jsonb_agg(jsonb_build_array(n, 0, 'completed', 1, now())) FROM generate_series(1, 500) n)"""
        )
        for _ in range(4):
            await write_timeline(session, ids, entries)
    query = "{ enrollments { nodes { timeline(last: %d) { id } } } }"
    answer = await raw_graphql(organization.client, query % 2000)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"too_many_rows"}
    assert len((await graphql(organization.client, query % 1000))["enrollments"]["nodes"][0]["timeline"]) == 1000
