"""What is taken away in one process stops working in every other within 5 seconds."""

import time
from collections.abc import AsyncGenerator
from typing import Any, cast

import anyio
import httpx
import pytest

from drippulse.kit.services import AppServices
from drippulse.organizations.tables import MemberRole
from drippulse.settings import Settings
from drippulse_server.asgi import create_app
from tests.conftest import MakeClient
from tests.support.lifespan import running
from tests.support.organizations import PASSWORD, TestOrganization

WITHIN_SECONDS = 5.0
PATH = "/api/v1/workflows"
TAKEN = {
    "key": "UPDATE api_key SET revoked_at = now() WHERE role = 'Editor'",
    "expired key": "UPDATE api_key SET expires_at = now() WHERE role = 'Viewer'",
    "session": "UPDATE app_user SET session_epoch = session_epoch + 1",
}


@pytest.fixture
async def other_process(settings: Settings) -> AsyncGenerator[httpx.AsyncClient]:
    """An application with a cache of its own."""
    app = create_app(settings)
    async with running(app):
        transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://drippulse.test") as client:
            yield client


async def test_credentials_stop_working_within_five_seconds(
    organization: TestOrganization, make_client: MakeClient, services: AppServices, other_process: httpx.AsyncClient
) -> None:
    credentials = {"username": organization.username, "password": PASSWORD}
    tokens = {
        "key": organization.keys[MemberRole.EDITOR],
        "expired key": organization.keys[MemberRole.VIEWER],
        "session": (await make_client().post("/api/v1/auth/login", json=credentials)).json()["token"],
    }

    async def status(name: str) -> int:
        headers = {"authorization": f"Bearer {tokens[name]}"}
        return (await other_process.get(PATH, headers=headers)).status_code

    assert [await status(name) for name in TAKEN] == [200, 200, 200]
    async with services.database.tenant(organization.id) as session:
        for statement in TAKEN.values():
            await session.execute(statement)
    taken = time.monotonic()
    working = set(TAKEN)
    while working and time.monotonic() - taken < WITHIN_SECONDS:
        working = {name for name in working if await status(name) == 200}
        await anyio.sleep(0.1)
    assert working == set()
