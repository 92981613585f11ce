"""Workers and schedulers that start while PostgreSQL is not there."""

import asyncio
import signal
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import pytest

from drippulse.kit.db import Database
from drippulse_server.embedded.postgres import EmbeddedPostgres
from drippulse_workers.starting import opened
from tests.conftest import MakeDatabase
from tests.support.processes import process
from tests.support.waiting import eventually
from tests.support.world import World, make_world, step

LONG_ENOUGH_TO_TRY = 4.0  # seconds until a process has been loaded and has found nobody there


@asynccontextmanager
async def away(postgres: EmbeddedPostgres) -> AsyncGenerator[None]:
    await asyncio.to_thread(postgres.stop)
    try:
        yield
    finally:
        await asyncio.to_thread(postgres.start)


@pytest.fixture
async def world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("worker_starts")) as made:
        yield made


async def test_a_worker_and_a_scheduler_wait_for_postgres_and_then_do_their_work(
    world: World, postgres: EmbeddedPostgres
) -> None:
    [run] = await world.enroll(await world.workflow(step("log", message="on")))

    async def done() -> bool:
        return (await world.row(run))["status"] == "completed"

    async with AsyncExitStack() as started:
        async with away(postgres):
            both = [
                await started.enter_async_context(process(world.settings, name)) for name in ("worker", "scheduler")
            ]
            await asyncio.sleep(LONG_ENOUGH_TO_TRY)
            assert [one.returncode for one in both] == [None, None]
        await eventually(done, within=20)
        for one in both:
            one.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(one.wait(), 10) == 0


@pytest.mark.parametrize("command", ["worker", "scheduler"])
async def test_what_waits_for_postgres_ends_when_it_is_told_to(world: World, command: str) -> None:
    tried = asyncio.Event()

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tried.set()
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as nothing:
        nowhere = f"postgresql://x:y@127.0.0.1:{nothing.sockets[0].getsockname()[1]}/x"
        async with process(world.settings, command, DRIPPULSE_DATABASE_URL=nowhere) as waiting:
            await asyncio.wait_for(tried.wait(), 30)
            waiting.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(waiting.wait(), 5) == 0


async def test_a_host_that_says_nothing_does_not_keep_it_from_ending(world: World) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as mute:
        port = mute.sockets[0].getsockname()[1]
        database = Database(world.settings.model_copy(update={"database_url": f"postgresql://x@127.0.0.1:{port}/x"}))
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.2, stop.set)
        began = time.monotonic()
        assert await opened(database, stop) is False
        assert time.monotonic() - began < 2


async def test_a_wrong_password_is_not_waited_out(world: World) -> None:
    wrong = world.settings.database_url.replace("drippulse_login:", "drippulse_login:not-", 1)
    database = Database(world.settings.model_copy(update={"database_url": wrong}))
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncio.wait_for(opened(database, asyncio.Event()), 5)
