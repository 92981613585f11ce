"""PostgreSQL and Redis going away, workers frozen: nothing lost, nothing twice, and work goes on by itself."""

import asyncio
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest
import redis.asyncio

from drippulse.settings import Settings
from drippulse_server.embedded.postgres import EmbeddedPostgres
from drippulse_server.embedded.redis import EmbeddedRedis
from drippulse_workers.wake import DramatiqWaker
from tests.conftest import MakeDatabase
from tests.support.processes import process
from tests.support.smtp_sink import Behaviour
from tests.support.world import World, email, make_world, step

SLOW_MAIL = {"smtp_timeout_seconds": 20.0}
LOG = step("log", message="on")


@pytest.fixture(scope="module")
async def shared_world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("engine_outages")) as made:
        yield made


@pytest.fixture
async def world(shared_world: World) -> World:
    shared_world.sink.behaviour = Behaviour.ACCEPT
    shared_world.sink.ledger.clear()
    shared_world.sink.gate.clear()
    await shared_world.cancel_all()
    return shared_world


async def eventually(holds: Callable[[], Awaitable[bool]], within: float = 30) -> None:
    end = time.monotonic() + within
    while not await holds():
        assert time.monotonic() < end, "it did not come to that"
        await asyncio.sleep(0.05)


def ended(world: World, ids: list[int], status: str = "completed") -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        rows = await world.sql("SELECT count(*) AS n FROM enrollment WHERE id = ANY ($1) AND status = $2", ids, status)
        return rows[0]["n"] == len(ids)

    return holds


def in_flight(world: World, mails: int) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        return len(world.sink.ledger) >= mails

    return holds


async def test_postgres_restarting_under_twenty_mails_in_flight_loses_and_doubles_none(
    world: World, postgres: EmbeddedPostgres
) -> None:
    people = [{"email": f"p{number}@example.com", "first_name": "P"} for number in range(20)]
    ids = await world.enroll(await world.workflow(step("trigger"), email(), LOG), *people)
    world.sink.behaviour = Behaviour.TAKE_AND_WAIT
    async with world.engine(**SLOW_MAIL) as engine:
        running = asyncio.create_task(engine.run())
        await eventually(in_flight(world, 20))
        await asyncio.to_thread(postgres.stop)
        world.sink.gate.set()  # the answers come while nobody can write them down
        await asyncio.sleep(1)
        await asyncio.to_thread(postgres.start)
        await eventually(ended(world, ids))
        await engine.stop()
        await running
    assert sorted(taken.recipients[0] for taken in world.sink.ledger) == sorted(one["email"] for one in people)
    for one in ids:
        assert await world.timeline(one) == [("trigger", "completed"), ("email", "completed"), ("log", "completed")]
        assert await world.deliveries(one) == ["sent"]


async def test_mails_that_wait_for_their_turn_outlast_a_restart_of_postgres(
    world: World, postgres: EmbeddedPostgres
) -> None:
    people = [{"email": f"p{number}@example.com"} for number in range(20)]
    ids = await world.enroll(await world.workflow(email()), *people)
    world.sink.behaviour = Behaviour.TAKE_AND_WAIT
    async with world.engine(**SLOW_MAIL, worker_concurrency=4) as engine:
        running = asyncio.create_task(engine.run())
        await eventually(in_flight(world, 4))
        await asyncio.to_thread(postgres.stop)
        world.sink.gate.set()
        await asyncio.sleep(0.2)
        await asyncio.to_thread(postgres.start)
        await eventually(ended(world, ids), within=20)  # and not only when their leases of 30 s have run out
        await engine.stop()
        await running
    assert len(world.sink.ledger) == len(people)


async def test_a_worker_outlives_an_emptied_and_an_absent_redis(world: World, redis_server: EmbeddedRedis) -> None:
    quiet = {"DRIPPULSE_SWEEP_SECONDS": "1"}
    workflow = await world.workflow(LOG)
    async with process(world.settings, "worker") as worker, process(world.settings, "scheduler", **quiet):
        assert await _done_within(world, workflow, world.settings, 20)
        client = redis.asyncio.from_url(world.settings.redis_url)  # pyright: ignore[reportUnknownMemberType] - untyped
        await client.flushall()  # pyright: ignore[reportUnknownMemberType] - untyped
        await client.aclose()
        assert await _done_within(world, workflow, world.settings, 5)
        await asyncio.to_thread(redis_server.stop)
        [during] = await world.enroll(workflow)
        await asyncio.sleep(3)
        assert worker.returncode is None
        await asyncio.to_thread(redis_server.start)
        await eventually(ended(world, [during]), 20)
        assert await _done_within(world, workflow, world.settings, 10)
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), 10) == 0


async def _done_within(world: World, workflow: int, settings: Settings, seconds: float) -> bool:
    """Whether one enrollment, announced as the web does, is through in time."""
    [one] = await world.enroll(workflow)
    waker = DramatiqWaker(settings)
    await waker.wake()
    await waker.close()
    await eventually(ended(world, [one]), seconds)
    return True


async def test_a_worker_stops_cleanly_while_redis_is_away(world: World, redis_server: EmbeddedRedis) -> None:
    workflow = await world.workflow(LOG)
    async with process(world.settings, "worker") as worker:
        assert await _done_within(world, workflow, world.settings, 20)
        await asyncio.to_thread(redis_server.stop)
        try:
            await asyncio.sleep(1)
            worker.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(worker.wait(), 10) == 0
        finally:
            await asyncio.to_thread(redis_server.start)


@pytest.mark.parametrize("on_unknown", ["skip", "ask"])
async def test_a_worker_frozen_past_its_lease_doubles_nothing_when_it_wakes(world: World, on_unknown: str) -> None:
    [one] = await world.enroll(await world.workflow(step("trigger"), email(on_unknown=on_unknown), LOG))
    world.sink.behaviour = Behaviour.TAKE_AND_WAIT
    lease = {"DRIPPULSE_LEASE_SECONDS": "1.5", "DRIPPULSE_SMTP_TIMEOUT_SECONDS": "20"}
    async with process(world.settings, "worker", **lease) as frozen:
        await eventually(in_flight(world, 1))
        frozen.send_signal(signal.SIGSTOP)

        async def settled() -> bool:
            row = await world.row(one)
            return row["status"] == "completed" or row["wait_reason"] == "outcome_unknown"

        async with process(world.settings, "worker", **lease):
            await eventually(settled)
            before = await world.timeline(one)
            world.sink.gate.set()
            frozen.send_signal(signal.SIGCONT)
            await asyncio.sleep(2)
    unknown = [("email", "unknown"), ("log", "completed")] if on_unknown == "skip" else []
    assert before == [("trigger", "completed"), *unknown]
    assert await world.timeline(one) == before
    assert len(world.sink.ledger) == 1
    assert await world.deliveries(one) == ["sent"], "the answer that came late is known at last"


async def test_a_lease_is_renewed_for_as_long_as_a_call_takes(world: World) -> None:
    [one] = await world.enroll(await world.workflow(email(), LOG))
    world.sink.behaviour = Behaviour.TAKE_AND_WAIT
    async with world.engine(lease_seconds=0.6, **SLOW_MAIL) as first, world.engine(lease_seconds=0.6) as second:
        tasks = [asyncio.create_task(first.run())]
        await eventually(in_flight(world, 1))
        tasks.append(asyncio.create_task(second.run()))
        await asyncio.sleep(2.5)
        assert await world.timeline(one) == []
        world.sink.gate.set()
        await eventually(ended(world, [one]))
        for engine in (first, second):
            await engine.stop()
        await asyncio.wait(tasks)
    assert await world.timeline(one) == [("email", "completed"), ("log", "completed")]
    assert len(world.sink.ledger) == 1
