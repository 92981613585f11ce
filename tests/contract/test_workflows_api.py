"""Workflows over REST, as the API reference documents them."""

import httpx

from tests.support.workflows import SEED_WORKFLOW, create_workflow, enroll


async def test_thin_line(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client)
    got = await enroll(client, made["id"])
    assert got["created_count"] == 1
    listed = await client.get(f"/api/v1/workflows/{made['id']}/enrollments")
    assert listed.status_code == 200, listed.text
    print(listed.json(), listed.headers)
    assert SEED_WORKFLOW
