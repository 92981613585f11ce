"""CRM records over REST, and a member who is signed in."""

from typing import Any

import httpx

from tests.support.organizations import PASSWORD, TestOrganization

CRM = "/api/v1/crm"
PIPELINES = f"{CRM}/opportunity_pipelines"
OPPORTUNITIES = f"{CRM}/opportunities"


async def signed_in(organization: TestOrganization) -> httpx.AsyncClient:
    """A client with a session of the organization's Admin; its API keys belong to nobody."""
    credentials = {"username": organization.username, "password": PASSWORD}
    answer = await organization.make_client().post("/api/v1/auth/login", json=credentials)
    return organization.make_client(answer.json()["token"])


async def make_record(client: httpx.AsyncClient, plural: str, **fields: Any) -> dict[str, Any]:
    """A record of this collection."""
    answer = await client.post(f"{CRM}/{plural}", json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def make_deal(client: httpx.AsyncClient, name: str = "Deal", **fields: Any) -> dict[str, Any]:
    return await make_record(client, "opportunities", name=name, **fields)


async def default_pipeline(client: httpx.AsyncClient) -> dict[str, Any]:
    """The organization's default pipeline."""
    listed = (await client.get(PIPELINES)).json()
    return next(pipeline for pipeline in listed["pipelines"] if pipeline["is_default"])


async def cards_of(client: httpx.AsyncClient, pipeline_id: str, stage_id: str) -> list[str]:
    """Ids of the opportunities in a stage, in their order."""
    board = (await client.get(f"{PIPELINES}/{pipeline_id}/board", params={"per_stage": 200})).json()
    stage = next(stage for stage in board["stages"] if stage["id"] == stage_id)
    return [card["id"] for card in stage["opportunities"]]
