"""Cursors that were tampered with."""

import base64

import httpx
import orjson
import pytest

from tests.support.graphql import error_code, graphql, raw_graphql
from tests.support.workflows import create_workflow, enroll

PAGE = (
    "query ($after: String) { enrollments(first: 1, after: $after, orderBy: { field: %s }) { pageInfo { endCursor } } }"
)


async def forged(client: httpx.AsyncClient, query: str, value: object, key: object = 1) -> str:
    """A cursor of this very list with another position in it."""
    cursor = (await graphql(client, query))["enrollments"]["pageInfo"]["endCursor"]
    scope, _, _ = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return base64.urlsafe_b64encode(orjson.dumps([scope, value, key])).decode()


@pytest.mark.parametrize("field", ["UPDATED_AT", "NEXT_RUN_AT", "CREATED_AT", "EMAIL"])
@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        "2026-02-30 10:00:00+00",
        "2026-W01-1",
        "2026-01-01 10:00:00+99",
        "'; DROP TABLE workflow --",
        "99999-01-01",
        "1e999",
        7,
        None,
        "a\x00b",
    ],
)
async def test_a_forged_cursor_is_refused_or_read_and_never_an_error_of_ours(
    field: str, value: object, client: httpx.AsyncClient
) -> None:
    await enroll(client, (await create_workflow(client))["id"])
    query = PAGE % field
    answer = await raw_graphql(client, query, after=await forged(client, query, value))
    codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
    assert codes <= {"bad_cursor"}, answer


@pytest.mark.parametrize("key", [0, -1, 2**63, "1", 1.5, None, True])
async def test_a_cursor_with_a_key_that_is_no_id_is_refused(key: object, client: httpx.AsyncClient) -> None:
    await enroll(client, (await create_workflow(client))["id"])
    query = PAGE % "EMAIL"
    after = await forged(client, query, "a@b.com", key)
    assert await error_code(client, query, after=after) == "bad_cursor"
