"""Mails of the engine carry the account's sender identity."""

from collections.abc import AsyncGenerator

import asyncpg
import pytest

from drippulse.kit.db import Database
from drippulse.organizations.account.identities import Identities
from tests.conftest import MakeDatabase
from tests.support.world import World, email, make_world

SET = "UPDATE organization SET sender = $2, branding = $3 WHERE id = $1"
SENDER = '{"from_name": "Acme", "from_address": "hello@acme.example", "reply_to": "answers@acme.example"}'


@pytest.fixture(scope="module")
async def world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("identity")) as made:
        yield made


async def test_a_step_without_a_sender_sends_as_the_account_says_and_one_with_a_sender_as_it_says(
    world: World,
) -> None:
    await world.sql(SET, world.organization_id, SENDER, '{"public_name": "Acme GmbH"}')
    plain, own = await world.workflow(email()), await world.workflow(email(**{"from": "step@acme.example"}))
    await world.enroll(plain, {"email": "plain@example.com"})
    await world.enroll(own, {"email": "own@example.com"})
    await world.drain()
    mails = {taken.recipients[0]: taken for taken in world.sink.ledger}
    first, second = mails["plain@example.com"], mails["own@example.com"]
    assert (first.sender, first.message["From"]) == ("hello@acme.example", "Acme <hello@acme.example>")
    assert first.message["Reply-To"] == second.message["Reply-To"] == "answers@acme.example"
    assert second.message["From"] == "step@acme.example"
    body = first.message.get_body(("plain",))
    assert body is not None
    assert "Acme GmbH" in body.get_content()


async def test_an_identity_is_asked_for_once_in_a_while_and_a_failure_is_not_remembered(world: World) -> None:
    database = Database(world.settings)
    identities = Identities(database, "a@b.com", seconds=3600)
    with pytest.raises(RuntimeError, match="not open"):
        await identities.of(world.organization_id)
    await database.open()
    try:
        before = await identities.of(world.organization_id)
        await world.sql(SET, world.organization_id, "{}", "{}")
        assert await identities.of(world.organization_id) == before
        fresh = Identities(database, "a@b.com", seconds=0)
        assert (await fresh.of(world.organization_id)).sender is None
        assert (await fresh.of(999_999_999)).sender is None
    finally:
        await database.close()
    with pytest.raises((asyncpg.InterfaceError, RuntimeError)):
        await fresh.of(world.organization_id)
