"""Connector calls as a worker makes them: a real provider on this machine, through the egress guard."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from drippulse.integrations import queries
from drippulse.integrations.calls import LiveConnectors
from drippulse.integrations.credentials import seal
from drippulse.integrations.registry import load_connectors
from drippulse.integrations.tables import ConnectionStatus
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database, Role
from drippulse.kit.http import OutboundHttp
from drippulse.settings import Settings
from drippulse.workflows.steps.base import Guarantee, Outcome, OutcomeKind
from drippulse_connector_sdk.testing import FakeProvider, RecordedRequest, Reply
from tests.conftest import MakeOrganization
from tests.support.connections import ACME_KEY, CANARY, SLACK_TOKEN, AcmeConnector, store, stored
from tests.support.organizations import TestOrganization

POSTED = Reply(body={"ok": True, "channel": "C1", "ts": "1.2"})
CONNECTORS = {**load_connectors(), "acme": AcmeConnector}


@dataclass(frozen=True)
class Calls:
    """What a call needs, for one organization."""

    database: Database
    vault: Vault
    live: LiveConnectors
    organization: int

    async def post(
        self,
        *,
        provider: str = "slack",
        key: str = "default",
        action: str = "post_message",
        payload: dict[str, Any] | None = None,
    ) -> Outcome:
        """Slack's post_message, or another call by name of its parts."""
        sent = {"text": "Hello", "channel": "#sales"} if payload is None else payload
        return await self.live.call(self.organization, provider, key, action, sent, "drippulse-1-2-3")

    async def acme(self, action: str) -> Outcome:
        return await self.post(provider="acme", action=action, payload={"text": "Hello"})

    async def store(self, provider: str = "slack", **changes: Any) -> int:
        values = {"bot_token": SLACK_TOKEN} if provider == "slack" else {"api_key": ACME_KEY}
        return await store(self.database, self.vault, self.organization, provider, values, **changes)

    async def status(self, connection_id: int) -> str:
        return (await stored(self.database, self.organization, connection_id))["status"]


@asynccontextmanager
async def calling(settings: Settings, organization: TestOrganization) -> AsyncGenerator[Calls]:
    """Connectors over a pool of one connection, so that a call that held one would block the test."""
    database, http = Database(settings), OutboundHttp(settings.egress_allow, development=settings.development)
    await database.open()
    vault = Vault.of(settings)
    try:
        yield Calls(database, vault, LiveConnectors(database, vault, http, settings, CONNECTORS), organization.id)
    finally:
        await http.aclose()
        await database.close()


@pytest.fixture
def provider() -> Generator[FakeProvider]:
    with FakeProvider(POSTED) as fake:
        yield fake


@pytest.fixture
def reaching(settings: Settings, provider: FakeProvider) -> Settings:
    """Settings that send every provider's calls to the fake one, which the guard lets pass."""
    return settings.model_copy(
        update={
            "egress_allow": frozenset({provider.url.removeprefix("http://")}),
            "connector_base_urls": {"slack": provider.url, "acme": provider.url},
            "database_pool_size": 1,
        }
    )


@pytest.fixture
async def calls(reaching: Settings, organization: TestOrganization) -> AsyncGenerator[Calls]:
    async with calling(reaching, organization) as made:
        yield made


async def test_a_message_is_posted_with_the_connections_credentials(calls: Calls, provider: FakeProvider) -> None:
    await calls.store()
    outcome = await calls.post()
    assert outcome == Outcome(
        OutcomeKind.DONE,
        output={"via": "bot_token", "channel": "C1", "ts": "1.2"},
        logs=("Called slack post_message",),
    )
    [request] = provider.requests
    assert (request.method, request.path) == ("POST", "/api/chat.postMessage")
    assert request.headers["authorization"] == f"Bearer {SLACK_TOKEN}"
    assert request.json() == {"text": "Hello", "channel": "#sales"}


async def test_the_connection_key_chooses_among_connections(calls: Calls, provider: FakeProvider) -> None:
    await calls.store()
    await store(calls.database, calls.vault, calls.organization, "slack", {"bot_token": "xoxb-second"}, key="second")
    await calls.post(key="second")
    assert provider.requests[0].headers["authorization"] == "Bearer xoxb-second"


async def test_the_idempotency_key_reaches_the_provider(calls: Calls, provider: FakeProvider) -> None:
    await calls.store("acme")
    assert (await calls.acme("keyed")).kind is OutcomeKind.DONE
    assert provider.requests[0].headers["idempotency-key"] == "drippulse-1-2-3"


async def test_no_transaction_is_open_while_the_provider_is_asked(calls: Calls, provider: FakeProvider) -> None:
    await calls.store()
    loop = asyncio.get_running_loop()

    async def use_the_only_connection() -> int:
        async with calls.database.session(Role.ENGINE) as session:
            return await session.fetchval("SELECT 42")

    found: list[int] = []

    def answer(_: RecordedRequest) -> Reply:
        found.append(asyncio.run_coroutine_threadsafe(use_the_only_connection(), loop).result(timeout=5))
        return POSTED

    provider.reply_with(answer)
    assert (await calls.post()).kind is OutcomeKind.DONE
    assert found == [42]


async def test_the_guard_stops_calls_to_this_machine(
    reaching: Settings, organization: TestOrganization, provider: FakeProvider
) -> None:
    async with calling(reaching.model_copy(update={"egress_allow": frozenset[str]()}), organization) as calls:
        await calls.store()
        outcome = await calls.post()
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "egress_refused")
    assert provider.requests == []


@pytest.mark.parametrize(
    ("action", "reply", "kind", "code"),
    [
        ("once", Reply(429, headers={"Retry-After": "7"}), OutcomeKind.RETRY, "rate_limited"),
        ("once", Reply(503, headers={"Retry-After": "7"}), OutcomeKind.RETRY, "provider_unavailable"),
        ("once", Reply(500), OutcomeKind.UNKNOWN, "outcome_unknown"),
        ("once", Reply(drop=True), OutcomeKind.UNKNOWN, "outcome_unknown"),
        ("keyed", Reply(500), OutcomeKind.RETRY, "provider_unavailable"),
        ("keyed", Reply(drop=True), OutcomeKind.RETRY, "provider_unavailable"),
        ("read", Reply(500), OutcomeKind.RETRY, "provider_unavailable"),
        ("upsert", Reply(500), OutcomeKind.RETRY, "provider_unavailable"),
        ("once", Reply(400), OutcomeKind.FAILED, "rejected"),
        ("once", Reply(403), OutcomeKind.FAILED, "permission_denied"),
        ("once", Reply(404), OutcomeKind.FAILED, "not_found"),
    ],
)
async def test_what_the_provider_answers_becomes_the_outcome(
    calls: Calls, provider: FakeProvider, action: str, reply: Reply, kind: OutcomeKind, code: str
) -> None:
    provider.reply_with(reply)
    connection = await calls.store("acme")
    outcome = await calls.acme(action)
    assert (outcome.kind, outcome.code) == (kind, code)
    assert outcome.retry_after == (7.0 if "Retry-After" in reply.headers else None)
    assert await calls.status(connection) == "active"


async def test_a_provider_that_is_not_there_is_tried_again(reaching: Settings, organization: TestOrganization) -> None:
    nowhere = "127.0.0.1:9"
    settings = reaching.model_copy(
        update={"egress_allow": frozenset({nowhere}), "connector_base_urls": {"acme": f"http://{nowhere}"}}
    )
    async with calling(settings, organization) as calls:
        await calls.store("acme")
        outcome = await calls.acme("once")
    assert (outcome.kind, outcome.code) == (OutcomeKind.RETRY, "provider_unavailable")


async def test_refused_credentials_park_the_connection_once_with_an_event(calls: Calls, provider: FakeProvider) -> None:
    connection = await calls.store()
    provider.reply_with(Reply(body={"ok": False, "error": "token_revoked"}))
    outcome = await calls.post()
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "authentication_failed")
    assert await calls.status(connection) == "needs_reauth"
    again = await calls.post()
    assert (again.kind, again.code) == (OutcomeKind.FAILED, "connection_needs_reauth")
    assert len(provider.requests) == 1
    async with calls.database.tenant(calls.organization) as session:
        [event] = await session.fetch("SELECT record_id, actor_type, data FROM event WHERE type LIKE 'connection.%'")
    assert (event["record_id"], event["actor_type"]) == (str(connection), "system")
    assert CANARY not in event["data"]


async def test_a_refusal_of_earlier_credentials_does_not_park_new_ones(calls: Calls, provider: FakeProvider) -> None:
    connection = await calls.store()
    loop = asyncio.get_running_loop()

    async def rotate() -> None:
        fresh = seal({"bot_token": "xoxb-new"}, calls.vault, calls.organization, connection)
        async with calls.database.tenant(calls.organization) as session:
            await session.execute("UPDATE integration_connection SET secrets = $1 WHERE id = $2", fresh, connection)

    def refuse(_: RecordedRequest) -> Reply:
        asyncio.run_coroutine_threadsafe(rotate(), loop).result(timeout=5)
        return Reply(body={"ok": False, "error": "invalid_auth"})

    provider.reply_with(refuse)
    assert (await calls.post()).code == "authentication_failed"
    assert await calls.status(connection) == "active"


async def test_without_a_usable_connection_nothing_is_sent(calls: Calls, provider: FakeProvider) -> None:
    await calls.store(key="off", status=ConnectionStatus.DISABLED)
    missing, disabled = await calls.post(), await calls.post(key="off")
    assert [missing.code, disabled.code] == ["connection_missing", "connection_disabled"]
    assert {missing.kind, disabled.kind} == {OutcomeKind.FAILED}
    assert "/api/v1/integration_connections" in missing.message
    assert provider.requests == []


@pytest.mark.parametrize(
    ("name", "action", "said"), [("zendesk", "create_ticket", "No connector for zendesk"), ("slack", "dance", "dance")]
)
async def test_unknown_pairs_are_unsupported_integration_actions(
    calls: Calls, provider: FakeProvider, name: str, action: str, said: str
) -> None:
    await calls.store()
    outcome = await calls.post(provider=name, action=action)
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "unsupported_integration_action")
    assert said in outcome.message
    assert calls.live.guarantee(name, action) is Guarantee.AT_MOST_ONCE
    assert provider.requests == []


async def test_a_payload_that_does_not_fit_is_refused_by_field(calls: Calls, provider: FakeProvider) -> None:
    await calls.store()
    outcome = await calls.post(payload={"text": "x", "chanel": "#a"})
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "invalid_input")
    assert "chanel" in outcome.message
    assert provider.requests == []


async def test_another_organizations_connection_is_not_there(
    calls: Calls, provider: FakeProvider, new_organization: MakeOrganization
) -> None:
    await calls.store()
    stranger = replace(calls, organization=(await new_organization()).id)
    assert (await stranger.post()).code == "connection_missing"
    assert provider.requests == []


async def test_ciphertext_moved_to_another_row_or_organization_does_not_decrypt(
    calls: Calls, provider: FakeProvider, new_organization: MakeOrganization
) -> None:
    first = await calls.store()
    second = await calls.store(key="second")
    stranger = replace(calls, organization=(await new_organization()).id)
    foreign = await stranger.store()
    blob = (await stored(calls.database, calls.organization, first))["secrets"]
    for place, connection in ((calls, second), (stranger, foreign)):
        async with place.database.tenant(place.organization) as session:
            await session.execute("UPDATE integration_connection SET secrets = $1 WHERE id = $2", blob, connection)
    for outcome in (await calls.post(key="second"), await stranger.post()):
        assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "secrets_unreadable")
    assert provider.requests == []


async def test_a_connector_that_breaks_leaves_the_outcome_unknown_and_no_secret_in_the_log(calls: Calls) -> None:
    await calls.store("acme")
    with capture_logs() as logs:
        outcome = await calls.acme("broken")
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNKNOWN, "connector_error")
    assert "ZeroDivisionError" in outcome.message
    [entry] = [entry for entry in logs if entry["event"] == "connector_broke"]
    assert "broken broke with [redacted]" in entry["traceback"]
    assert CANARY not in repr((outcome, logs))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body={"ok": False, "error": SLACK_TOKEN.replace("-", "_")}),
        Reply(body={"ok": False, "error": "invalid_auth", "needed": SLACK_TOKEN}),
        Reply(400, body=f"no such token {SLACK_TOKEN}"),
        Reply(500, body=SLACK_TOKEN),
        Reply(body=f"<html>{SLACK_TOKEN}</html>"),
        Reply(302, headers={"Location": f"https://evil.example/{SLACK_TOKEN}"}),
    ],
)
async def test_a_provider_that_echoes_the_secret_gets_it_nowhere(
    calls: Calls, provider: FakeProvider, reply: Reply
) -> None:
    await calls.store()
    provider.reply_with(reply)
    with capture_logs() as logs:
        outcome = await calls.post()
    assert outcome.kind is not OutcomeKind.DONE
    assert SLACK_TOKEN not in repr((outcome, logs))


async def test_without_the_database_the_call_is_tried_again(calls: Calls, provider: FakeProvider) -> None:
    await calls.store()
    await calls.database.pool.close()
    outcome = await calls.post()
    assert (outcome.kind, outcome.code) == (OutcomeKind.RETRY, "connection_not_loaded")
    assert provider.requests == []


@pytest.mark.parametrize(
    ("name", "action", "guarantee"),
    [
        ("acme", "read", Guarantee.AT_LEAST_ONCE),
        ("acme", "upsert", Guarantee.KEYED),
        ("acme", "keyed", Guarantee.KEYED),
        ("acme", "once", Guarantee.AT_MOST_ONCE),
        ("slack", "post_message", Guarantee.AT_MOST_ONCE),
        ("slack", "list_channels", Guarantee.AT_LEAST_ONCE),
    ],
)
async def test_the_guarantee_follows_the_actions_idempotency(
    calls: Calls, name: str, action: str, guarantee: Guarantee
) -> None:
    assert calls.live.guarantee(name, action) is guarantee


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE integration_connection SET secrets = ''",
        "UPDATE integration_connection SET provider = 'x'",
        "DELETE FROM integration_connection",
        "INSERT INTO integration_connection (provider) VALUES ('x')",
    ],
)
async def test_the_engine_may_change_a_connections_status_and_nothing_else(calls: Calls, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with calls.database.session(Role.ENGINE) as session:
            await session.execute(statement)


async def test_rows_are_found_by_their_own_organization_alone(calls: Calls, organization: TestOrganization) -> None:
    connection = await calls.store()
    async with calls.database.session(Role.APP) as session:
        assert await queries.by_id(session, organization.id, connection) is None
    async with calls.database.tenant(organization.id + 1) as session:
        assert await queries.by_id(session, organization.id, connection) is None
