"""People of an organization: invited, joined, logged in."""

import secrets
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.organizations import PASSWORD, ClientFactory, TestOrganization

TEAM = "/api/v1/team_members"
ACCEPT = f"{TEAM}/accept"


@dataclass(frozen=True)
class Person:
    """A member with a session of their own."""

    member_id: int
    user_id: int
    username: str
    client: httpx.AsyncClient


def somebody() -> str:
    return f"somebody-{secrets.token_hex(6)}"


async def invite(client: httpx.AsyncClient, role: str = "Viewer", email: str | None = None) -> dict[str, Any]:
    answer = await client.post(TEAM, json={"email": email or f"{somebody()}@example.com", "role": role})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def accept(anonymous: httpx.AsyncClient, token: str, username: str, password: str = PASSWORD) -> httpx.Response:
    return await anonymous.post(ACCEPT, json={"token": token, "username": username, "password": password})


async def logged_in(make_client: ClientFactory, username: str, password: str = PASSWORD) -> httpx.AsyncClient:
    answer = await make_client().post("/api/v1/auth/login", json={"username": username, "password": password})
    assert answer.status_code == 200, answer.text
    return make_client(answer.json()["token"])


async def join(organization: TestOrganization, role: str = "Viewer") -> Person:
    """Somebody new with this role, logged in."""
    invited, username = await invite(organization.client, role), somebody()
    joined = await accept(organization.make_client(), invited["invitation"]["token"], username)
    assert joined.status_code == 201, joined.text
    client = await logged_in(organization.make_client, username)
    return Person(invited["id"], joined.json()["user_id"], username, client)


async def admin_session(organization: TestOrganization) -> httpx.AsyncClient:
    """The Admin whom every test organization has, logged in."""
    return await logged_in(organization.make_client, organization.username)
