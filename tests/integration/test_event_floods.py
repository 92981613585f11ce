"""One organization's flood of events keeps nobody waiting, and loses none of its own."""

from collections.abc import AsyncGenerator
from uuid import uuid4

import asyncpg
import pytest

from drippulse.events.dispatcher import Pace, dispatch, dispatch_batch
from drippulse.events.rounds import events_round
from drippulse.kit.db import Role
from drippulse.organizations import service as organizations
from tests.conftest import MakeDatabase
from tests.support.happenings import dispatch_all, runs_of, send
from tests.support.world import World, make_world, step

FLOOD = 3000
BATCH = 100
BULK = """INSERT INTO event (organization_id, type, record_type, record_id, actor_type, data, key)
SELECT $1, 'order.made', 'event', n::text, 'api_key', jsonb_build_object('n', n), 'p' || n || '@x.org'
FROM generate_series($2::int, $3::int) n"""


@pytest.fixture(scope="module")
async def shared(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("event_floods")) as made:
        yield made


@pytest.fixture
async def world(shared: World) -> World:
    await shared.cancel_all()
    await shared.sql("DELETE FROM workflow_listener")
    await dispatch_all(shared)
    return shared


async def another(world: World) -> World:
    organization_id = await organizations.create_organization(world.database, f"Another {uuid4()}")
    return World(world.settings, world.database, world.sink, organization_id)


async def listening(world: World) -> int:
    return await world.workflow(
        step("trigger", frequency="event", event="order.made"), step("wait", duration=1, unit="days")
    )


async def flood(world: World, first: int = 1, last: int = FLOOD) -> None:
    await world.sql(BULK, world.organization_id, first, last)


async def behind(world: World) -> list[int]:
    async with world.database.session(Role.ENGINE) as session:
        rows = await session.fetch("SELECT organization_id FROM event_lag ORDER BY organization_id")
    return [row["organization_id"] for row in rows]


async def a_cycle(world: World) -> bool:
    """The common lane and every other once; whether there is more."""
    found = await dispatch_batch(world.database, BATCH)
    own = [await dispatch_batch(world.database, BATCH, lane) for lane in found.lanes]
    return Pace.GO_ON in {one.pace for one in (found, *own)}


async def started(world: World, workflow: int) -> list[str]:
    return [row["email"] for row in await runs_of(world, workflow)]


async def test_others_do_not_wait_for_the_flood(world: World) -> None:
    small = await another(world)
    workflow, theirs = await listening(world), await listening(small)
    await flood(world)
    await send(small, "order.made", email="late@x.org")
    for _ in range(3):
        await a_cycle(world)
    assert await started(small, theirs) == ["late@x.org"]
    assert len(await started(world, workflow)) < FLOOD / 5
    await send(small, "order.made", email="later@x.org")
    await a_cycle(world)
    assert len(await started(small, theirs)) == 2


async def test_each_event_of_a_flood_acts_once_and_in_its_order(world: World) -> None:
    """More comes while it is read, also of others that flood the log then."""
    second = await another(world)
    workflow, theirs = await listening(world), await listening(second)
    await flood(world, 1, 1500)
    for _ in range(4):
        assert await a_cycle(world)
    await flood(second, 1, 700)
    await flood(world, 1501, FLOOD)
    await a_cycle(world)
    await a_cycle(world)
    assert await behind(world) == sorted({world.organization_id, second.organization_id})
    await dispatch(world.database, lambda: None, batch=BATCH)
    assert await started(world, workflow) == [f"p{n}@x.org" for n in range(1, FLOOD + 1)]
    assert await started(second, theirs) == [f"p{n}@x.org" for n in range(1, 701)]
    assert await behind(world) == [], "they have caught up, and are read with the others again"
    await send(world, "order.made", email="after@x.org")
    await dispatch_all(world)
    assert (await started(world, workflow))[-1] == "after@x.org"


async def test_an_organization_of_its_own_is_found_after_a_restart(world: World) -> None:
    """Whoever dispatches next asks whether anything is unread: the log's end is not all."""
    workflow = await listening(world)
    await flood(world, 1, 500)
    await dispatch_batch(world.database, BATCH)
    while (await dispatch_batch(world.database, BATCH)).pace is Pace.GO_ON:
        pass
    assert await behind(world) == [world.organization_id]
    assert await events_round(world.database)
    assert len(await started(world, workflow)) == 500


async def test_an_event_that_cannot_be_acted_on_holds_up_no_flood(world: World) -> None:
    owner = await asyncpg.connect(world.settings.database_owner_url)
    await owner.execute("ALTER TABLE enrollment ADD CONSTRAINT odd CHECK (email <> 'p400@x.org') NOT VALID")
    try:
        workflow = await listening(world)
        await flood(world, 1, 500)
        await dispatch(world.database, lambda: None, batch=BATCH)
    finally:
        await owner.execute("ALTER TABLE enrollment DROP CONSTRAINT odd")
        await owner.close()
    assert await started(world, workflow) == [f"p{n}@x.org" for n in range(1, 501) if n != 400]
