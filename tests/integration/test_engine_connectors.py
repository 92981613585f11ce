"""`alert` and `integration_action` through the engine: from a stored connection to a provider on this machine."""

from collections.abc import AsyncGenerator, Generator

import orjson
import pytest

from drippulse.integrations import service
from drippulse.integrations.schemas import ConnectionCreate
from drippulse.kit.crypto import Vault
from drippulse_connector_sdk.testing import FakeProvider, Reply
from tests.conftest import MakeDatabase
from tests.support.connections import CANARY, SLACK_TOKEN
from tests.support.world import World, make_world, step

POSTED = Reply(body={"ok": True, "channel": "C1", "ts": "1.2"})
ALERT = step("alert", message="New: {{ first_name }}", channel="#sales")
DONE = step("log", message="done")
LOOKUP = step(
    "integration_action", integration_id="slack", action="lookup_user_by_email", payload={"email": "{{ email }}"}
)
ADA = {"email": "ada@example.com", "first_name": "Ada", "channel": "web"}


@pytest.fixture(scope="module")
def provider() -> Generator[FakeProvider]:
    with FakeProvider() as fake:
        yield fake


@pytest.fixture(scope="module")
async def shared_world(make_database: MakeDatabase, provider: FakeProvider) -> AsyncGenerator[World]:
    settings = await make_database("engine_connectors")
    changes = {
        "egress_allow": frozenset({provider.url.removeprefix("http://")}),
        "connector_base_urls": {"slack": provider.url},
    }
    async with make_world(settings.model_copy(update=changes)) as made:
        yield made


@pytest.fixture
async def world(shared_world: World, provider: FakeProvider) -> World:
    """A fresh Slack connection, and a provider that takes messages."""
    provider.reply_with(POSTED)
    provider.requests.clear()
    await shared_world.cancel_all()
    data = ConnectionCreate.model_validate({"provider": "slack", "bot_token": SLACK_TOKEN})
    async with shared_world.database.tenant(shared_world.organization_id) as session:
        await session.execute("DELETE FROM integration_connection")
        await service.create_connection(session, shared_world.principal, Vault.of(shared_world.settings), data)
    return shared_world


async def test_an_alert_is_posted_once_and_leaves_the_contact_as_it_is(world: World, provider: FakeProvider) -> None:
    [one] = await world.enroll(await world.workflow(ALERT, DONE), ADA)
    await world.drain()
    assert [request.json() for request in provider.requests] == [{"text": "New: Ada", "channel": "#sales"}]
    row = await world.row(one)
    assert row["status"] == "completed"
    assert orjson.loads(row["bag"])["channel"] == "web"


async def test_what_an_action_answers_is_in_the_bag(world: World, provider: FakeProvider) -> None:
    provider.reply_with(Reply(body={"ok": True, "user": {"id": "U1", "name": "ada", "tz": "Europe/Berlin"}}))
    [one] = await world.enroll(await world.workflow(LOOKUP), ADA)
    await world.drain()
    bag = orjson.loads((await world.row(one))["bag"])
    assert (bag["id"], bag["tz"], bag["email"]) == ("U1", "Europe/Berlin", "ada@example.com")


async def test_a_lost_answer_is_asked_again_when_the_action_only_reads(world: World, provider: FakeProvider) -> None:
    provider.reply_with(Reply(drop=True))
    [one] = await world.enroll(await world.workflow(LOOKUP), ADA)
    await world.work_until_rest(one)
    assert len(provider.requests) == 5
    assert (await world.row(one))["status"] == "failed"


async def test_a_lost_answer_to_a_message_is_never_asked_again(world: World, provider: FakeProvider) -> None:
    provider.reply_with(Reply(drop=True))
    [one] = await world.enroll(await world.workflow(ALERT), ADA)
    await world.work_until_rest(one)
    assert await world.timeline(one) == [("alert", "unknown")]
    assert len(provider.requests) == 1


async def test_refused_credentials_fail_the_step_and_park_the_connection(world: World, provider: FakeProvider) -> None:
    provider.reply_with(Reply(body={"ok": False, "error": "invalid_auth"}))
    [one] = await world.enroll(await world.workflow(ALERT), ADA)
    await world.drain()
    assert (await world.error(one))["code"] == "authentication_failed"
    [row] = await world.sql("SELECT status FROM integration_connection")
    assert row["status"] == "needs_reauth"


async def test_no_secret_is_in_what_the_engine_keeps(world: World, provider: FakeProvider) -> None:
    for reply in (POSTED, Reply(400, body=SLACK_TOKEN), Reply(body={"ok": False, "error": "invalid_auth"})):
        provider.reply_with(reply)
        await world.enroll(await world.workflow(ALERT), ADA)
        await world.drain()
    for table in ("enrollment", "enrollment_step", "event", "workflow_version", "integration_connection"):
        rows = await world.sql(f"SELECT to_jsonb({table})::text AS row FROM {table}")
        assert rows
        assert all(CANARY not in row["row"] for row in rows)
