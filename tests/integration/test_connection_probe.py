"""`POST /integration_connections/:id/test_connection` against a real provider on this machine."""

from collections.abc import AsyncGenerator, Generator
from typing import Any

import httpx
import pytest

from drippulse.integrations.errors import ConnectionTestFailedError
from drippulse.integrations.probe import probe_connection
from drippulse.kit.services import AppServices
from drippulse.settings import Settings
from drippulse_connector_sdk.testing import FakeProvider, Reply
from drippulse_server.asgi import create_app_of
from drippulse_server.services import build_services
from tests.support.connections import ACME_KEY, CANARY, SLACK_TOKEN, AcmeConnector, store
from tests.support.lifespan import running
from tests.support.organizations import TestOrganization

PATH = "/api/v1/integration_connections"
REFUSED = Reply(body={"ok": False, "error": "invalid_auth"})
ACCEPTED = Reply(body={"ok": True})


@pytest.fixture(scope="module")
def provider() -> Generator[FakeProvider]:
    with FakeProvider() as fake:
        yield fake


@pytest.fixture(scope="module")
def reaching(settings: Settings, provider: FakeProvider) -> Settings:
    return settings.model_copy(
        update={
            "egress_allow": frozenset({provider.url.removeprefix("http://")}),
            "connector_base_urls": {"slack": provider.url, "acme": provider.url},
        }
    )


@pytest.fixture(scope="module")
async def services_reaching(reaching: Settings) -> AppServices:
    return build_services(reaching)


@pytest.fixture(scope="module")
async def transport(services_reaching: AppServices) -> AsyncGenerator[httpx.ASGITransport]:
    """A second web application, whose connectors reach the fake provider."""
    app = create_app_of(services_reaching)
    async with running(app):
        yield httpx.ASGITransport(app)  # pyright: ignore[reportArgumentType] - Litestar types ASGI more narrowly than httpx


@pytest.fixture
async def reaching_client(
    transport: httpx.ASGITransport, organization: TestOrganization
) -> AsyncGenerator[httpx.AsyncClient]:
    headers = {"authorization": organization.client.headers["authorization"]}
    async with httpx.AsyncClient(transport=transport, base_url="http://drippulse.test", headers=headers) as client:
        yield client


@pytest.fixture
async def path(reaching_client: httpx.AsyncClient) -> str:
    """A Slack connection's."""
    made = await reaching_client.post(PATH, json={"provider": "slack", "bot_token": SLACK_TOKEN})
    return f"{PATH}/{made.json()['id']}"


async def status_of(client: httpx.AsyncClient, path: str) -> str:
    return (await client.get(path)).json()["status"]


async def test_accepted_credentials_answer_ok(
    reaching_client: httpx.AsyncClient, path: str, provider: FakeProvider
) -> None:
    provider.reply_with(ACCEPTED)
    response = await reaching_client.post(f"{path}/test_connection")
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    assert answer["ok"] is True
    assert answer["integration_connection"] == (await reaching_client.get(path)).json()
    assert provider.requests[-1].path == "/api/auth.test"
    assert CANARY not in response.text


async def test_refused_credentials_need_new_ones_and_new_ones_work_again(
    reaching_client: httpx.AsyncClient, path: str, provider: FakeProvider
) -> None:
    provider.reply_with(REFUSED)
    response = await reaching_client.post(f"{path}/test_connection")
    answer = response.json()
    assert response.status_code == 422
    assert (answer["error"], answer["reason"]) == ("connection_test_failed", "authentication_failed")
    assert answer["status"] == await status_of(reaching_client, path) == "needs_reauth"
    assert CANARY not in response.text
    renewed = await reaching_client.patch(path, json={"bot_token": f"{SLACK_TOKEN}-2"})
    assert renewed.json()["status"] == "active"


async def test_the_same_credentials_accepted_again_are_active_again(
    reaching_client: httpx.AsyncClient, path: str, provider: FakeProvider
) -> None:
    provider.reply_with(REFUSED)
    await reaching_client.post(f"{path}/test_connection")
    provider.reply_with(ACCEPTED)
    response = await reaching_client.post(f"{path}/test_connection")
    assert response.json()["integration_connection"]["status"] == "active"


@pytest.mark.parametrize("reply", [ACCEPTED, REFUSED])
async def test_a_disabled_connection_can_be_tested_and_stays_disabled(
    reaching_client: httpx.AsyncClient, path: str, provider: FakeProvider, reply: Reply
) -> None:
    await reaching_client.patch(path, json={"status": "disabled"})
    provider.reply_with(reply)
    await reaching_client.post(f"{path}/test_connection")
    assert await status_of(reaching_client, path) == "disabled"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(429, headers={"Retry-After": "7"}), "rate_limited"),
        (Reply(500), "provider_unavailable"),
        (Reply(drop=True), "provider_unavailable"),
        (Reply(body=SLACK_TOKEN), "unexpected_response"),
    ],
)
async def test_a_provider_that_cannot_say_leaves_the_connection_as_it_is(
    reaching_client: httpx.AsyncClient, path: str, provider: FakeProvider, reply: Reply, reason: str
) -> None:
    provider.reply_with(reply)
    response = await reaching_client.post(f"{path}/test_connection")
    assert response.status_code == 422
    assert response.json()["reason"] == reason
    assert response.json().get("retry_after") == (7.0 if "Retry-After" in reply.headers else None)
    assert await status_of(reaching_client, path) == "active"
    assert CANARY not in response.text


async def test_ciphertext_of_another_row_is_a_conflict_with_a_way_out(
    reaching_client: httpx.AsyncClient, path: str, services_reaching: AppServices, organization: TestOrganization
) -> None:
    async with services_reaching.database.tenant(organization.id) as session:
        await session.execute("UPDATE integration_connection SET secrets = secrets || ''::bytea, note = 'moved'")
        await session.execute("UPDATE integration_connection SET id = id + 1000000000")
    moved = f"{PATH}/{int(path.rpartition('/')[2]) + 1_000_000_000}"
    for response in (
        await reaching_client.post(f"{moved}/test_connection"),
        await reaching_client.patch(moved, json={"bot_token": "xoxb-new"}),
    ):
        assert response.status_code == 409
        assert response.json()["error"] == "secrets_unreadable"
    assert (await reaching_client.patch(moved, json={"note": "x"})).status_code == 200


async def test_a_connector_that_breaks_is_a_failed_test_without_secrets(
    services_reaching: AppServices, transport: httpx.ASGITransport, organization: TestOrganization
) -> None:
    class Breaking(AcmeConnector):
        async def check(self, call: object) -> None:
            raise KeyError(self.credentials["api_key"])

    services = services_reaching
    connection = await store(services.database, services.vault, organization.id, "acme", {"api_key": ACME_KEY})
    with pytest.raises(ConnectionTestFailedError) as failed:
        await probe_connection(
            services.database,
            services.vault,
            services.settings,
            organization.principal,
            connection,
            {"acme": Breaking},
        )
    assert failed.value.extra["reason"] == "connector_error"
    assert "KeyError" in failed.value.message
    assert CANARY not in repr(vars(failed.value))
