"""`extensions.plan` over server-sent events and WebSockets, as over HTTP: to whoever asks and may see it."""

import json
from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from drippulse.organizations.tables import MemberRole
from tests.support.live_app import asgi_socket, live_app, live_streams
from tests.support.organizations import TestOrganization

PLANNED = "{ workflows(first: 5) { nodes { id } } }"
RESOLVED = "{ workflows(first: 5) { nodes { id steps { id } } } }"
BROKEN = '{ viewer { role } node(id: "x") { id } }'


def asked(query: str, *, plan: bool = True) -> dict[str, Any]:
    return {"query": query, "extensions": {"plan": True}} if plan else {"query": query}


async def over_http(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    return (await client.post("/graphql", json=body)).json()


async def over_events(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post("/graphql", json=body, headers={"accept": "text/event-stream"})
    [told] = [line for line in answer.text.splitlines() if line.startswith('data: {"')]
    return json.loads(told.removeprefix("data: "))


async def over_socket(services: AppServices, token: str, body: dict[str, Any]) -> dict[str, Any]:
    async with asgi_socket(live_app(services, live_streams(services)), token) as socket:
        await socket.send(id="1", type="subscribe", payload=body)
        message = await socket.receive()
        assert message["type"] == "next", message
        return message["payload"]


@pytest.mark.parametrize("query", [PLANNED, RESOLVED, BROKEN])
@pytest.mark.parametrize("role", [MemberRole.ADMIN, MemberRole.EDITOR])
@pytest.mark.parametrize("plan", [True, False])
async def test_every_transport_tells_the_same(
    services: AppServices, organization: TestOrganization, query: str, role: MemberRole, plan: bool
) -> None:
    client, body = organization.as_role(role), asked(query, plan=plan)
    answers = [
        await over_http(client, body),
        await over_events(client, body),
        await over_socket(services, organization.keys[role], body),
    ]
    for answer in answers:
        told = answer.get("extensions", {}).get("plan")
        assert (told is not None) == (plan and role is MemberRole.ADMIN)
        assert told is None or told.pop("milliseconds") > 0
    assert answers[0] == answers[1] == answers[2]
