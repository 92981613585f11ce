"""Connections: keyset cursors, filters and orders."""

from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from tests.support.graphql import error_code, graphql
from tests.support.organizations import TestOrganization
from tests.support.workflows import create_workflow, enroll

PAGE = """query ($first: Int, $after: String, $last: Int, $before: String,
    $filter: EnrollmentFilter, $orderBy: EnrollmentOrder) {
  enrollments(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { contact { email } } } } }"""


async def _page(client: httpx.AsyncClient, **variables: Any) -> dict[str, Any]:
    return (await graphql(client, PAGE, **variables))["enrollments"]


def _emails(page: dict[str, Any]) -> list[str]:
    return [edge["node"]["contact"]["email"].partition("@")[0] for edge in page["edges"]]


async def _seven(client: httpx.AsyncClient) -> int:
    workflow = await create_workflow(client)
    await enroll(client, workflow["id"], *[{"email": f"{name}@example.com", "lead_ref": name} for name in "abcdefg"])
    return workflow["id"]


async def test_pages_forward_newest_first_and_stays_right_while_rows_are_added(client: httpx.AsyncClient) -> None:
    workflow_id = await _seven(client)
    first = await _page(client, first=3)
    assert (_emails(first), first["totalCount"]) == (["g", "f", "e"], 7)
    assert first["pageInfo"]["hasNextPage"]
    assert not first["pageInfo"]["hasPreviousPage"]
    await enroll(client, workflow_id, {"email": "new@example.com"})
    second = await _page(client, first=3, after=first["pageInfo"]["endCursor"])
    assert _emails(second) == ["d", "c", "b"]
    third = await _page(client, first=3, after=second["pageInfo"]["endCursor"])
    assert (_emails(third), third["pageInfo"]["hasNextPage"], third["totalCount"]) == (["a"], False, 8)


async def test_pages_backward(client: httpx.AsyncClient) -> None:
    await _seven(client)
    end = await _page(client, last=2)
    assert (_emails(end), end["pageInfo"]["hasPreviousPage"], end["pageInfo"]["hasNextPage"]) == (
        ["b", "a"],
        True,
        False,
    )
    before = await _page(client, last=3, before=end["pageInfo"]["startCursor"])
    assert (_emails(before), before["pageInfo"]["hasNextPage"]) == (["e", "d", "c"], True)


@pytest.mark.parametrize("field", ["CREATED_AT", "UPDATED_AT", "NEXT_RUN_AT", "EMAIL"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_every_order_pages_through_all_rows_once(
    client: httpx.AsyncClient, services: AppServices, organization: TestOrganization, field: str, direction: str
) -> None:
    await _seven(client)
    async with services.database.tenant(organization.id) as session:
        await session.execute(
            "UPDATE enrollment SET next_run_at = NULL, status = 'completed' WHERE lead_ref IN ('b', 'f')"
        )
    order = {"field": field, "direction": direction}
    whole = _emails(await _page(client, orderBy=order))
    seen: list[str] = []
    after: str | None = None
    while True:
        page = await _page(client, first=2, after=after, orderBy=order)
        seen += _emails(page)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == whole
    assert sorted(seen) == list("abcdefg")
    if field == "EMAIL":
        assert seen == sorted(seen, reverse=direction == "DESC")


async def test_filters_narrow_rows_and_total(client: httpx.AsyncClient) -> None:
    workflow_id = await _seven(client)
    other = await create_workflow(client)
    await enroll(client, other["id"], {"email": "50%_off@example.com", "name": "Zoë Ångström", "lead_ref": "z"})
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"workflowId": str(other["id"])}, ["50%_off"]),
        ({"workflowId": str(workflow_id), "leadRef": "c"}, ["c"]),
        ({"status": "COMPLETED"}, []),
        ({"q": "ångström"}, ["50%_off"]),
        ({"q": "0%_O"}, ["50%_off"]),
        ({"q": "%"}, ["50%_off"]),
        ({"stepIndex": 1}, []),
        ({"status": "ACTIVE", "q": "b@example"}, ["b"]),
    ]
    for chosen, expected in cases:
        page = await _page(client, filter=chosen)
        assert (_emails(page), page["totalCount"]) == (expected, len(expected)), chosen


async def test_a_nested_connection_pages_within_its_parent(client: httpx.AsyncClient) -> None:
    await _seven(client)
    await _seven(client)
    query = """query ($after: String) { workflows(orderBy: { field: CREATED_AT, direction: ASC }) { nodes {
      enrollments(first: 4, after: $after) { totalCount pageInfo { endCursor } nodes { contact { email } } } } } }"""
    nodes = (await graphql(client, query))["workflows"]["nodes"]
    assert [[n["contact"]["email"][0] for n in w["enrollments"]["nodes"]] for w in nodes] == [list("gfed")] * 2
    assert [w["enrollments"]["totalCount"] for w in nodes] == [7, 7]
    assert await error_code(client, query, after=nodes[0]["enrollments"]["pageInfo"]["endCursor"]) == "bad_cursor"


async def test_a_cursor_belongs_to_the_list_that_made_it(client: httpx.AsyncClient) -> None:
    await _seven(client)
    cursor = (await _page(client, first=1))["pageInfo"]["endCursor"]
    assert await error_code(client, PAGE, after=cursor, filter={"status": "ACTIVE"}) == "bad_cursor"
    assert await error_code(client, PAGE, after=cursor, orderBy={"field": "EMAIL"}) == "bad_cursor"
    assert (
        await error_code(client, "query ($c: String) { workflows(after: $c) { totalCount } }", c=cursor) == "bad_cursor"
    )
    for bad in ("", "x", "é", "W10", "====", cursor[:-2], "A" * 5000):
        assert await error_code(client, PAGE, after=bad) == "bad_cursor", bad


@pytest.mark.parametrize(
    "variables",
    [{"first": 0}, {"first": 201}, {"first": -1}, {"last": 0}, {"first": 1, "last": 1}, {"filter": {"q": "\x00"}},
     {"filter": {"leadRef": "a\x00"}}],
)  # fmt: skip
async def test_arguments_out_of_range_are_named(client: httpx.AsyncClient, variables: dict[str, Any]) -> None:
    assert await error_code(client, PAGE, **variables) == "validation_failed"


async def test_fifty_rows_unless_told_otherwise(client: httpx.AsyncClient) -> None:
    workflow = await create_workflow(client)
    await enroll(client, workflow["id"], *[{"email": f"{i}@example.com"} for i in range(60)])
    assert len((await _page(client))["edges"]) == 50
    assert len((await _page(client, first=200))["edges"]) == 60
