"""A connection that the server has just ended is an outage like any other, at whatever moment it is used."""

import asyncio

import asyncpg
import pytest

from drippulse.enrollments.effects import DATABASE_AWAY
from drippulse.kit.db import Database, Role
from drippulse.settings import Settings
from tests.support.ending_proxy import EndingProxy


async def test_a_statement_between_the_servers_last_words_and_the_end_counts_as_an_outage(settings: Settings) -> None:
    async with EndingProxy(settings.database_url) as proxy:
        database = Database(settings.model_copy(update={"database_url": proxy.proxied, "database_pool_size": 1}))
        await database.open()
        async with database.session(Role.ENGINE) as session:
            assert await session.fetchval("SELECT 1") == 1
        await proxy.say_goodbye()
        await asyncio.sleep(0.05)
        with pytest.raises(DATABASE_AWAY):
            async with database.session(Role.ENGINE):
                pass
        async with database.session(Role.ENGINE) as session:
            assert await session.fetchval("SELECT 1") == 1, "the next one is a new connection"
        await database.close()


async def test_a_transaction_whose_connection_was_ended_counts_as_an_outage(settings: Settings) -> None:
    async with EndingProxy(settings.database_url) as proxy:
        database = Database(settings.model_copy(update={"database_url": proxy.proxied, "database_pool_size": 1}))
        await database.open()

        async def ended_on_the_way() -> None:
            async with database.session(Role.ENGINE) as session:
                await session.fetchval("SELECT 1")
                await proxy.say_goodbye()
                await asyncio.sleep(0.05)
                await session.fetchval("SELECT 1")

        with pytest.raises(asyncpg.PostgresError):
            await ended_on_the_way()
        await database.close()
