"""The funnel's counters equal a recount, whoever writes."""

import random
from collections.abc import AsyncGenerator

import pytest

from drippulse.enrollments import hold_changes, queries
from drippulse.enrollments.cancellation import remove
from drippulse.enrollments.hold_changes import Change, ChangeKind
from drippulse.enrollments.holding import hold, release
from drippulse.enrollments.tables import Hold
from tests.conftest import MakeDatabase
from tests.support.world import World, make_world, step

RECOUNT = """
SELECT status, current_step_index, count(*) AS enrollments FROM enrollment
WHERE workflow_id = $1 AND deleted_at IS NULL GROUP BY 1, 2 ORDER BY 1, 2
"""


@pytest.fixture(scope="module")
async def world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("funnel_counters")) as made:
        yield made


async def assert_exact(world: World, workflow: int) -> None:
    recount = [tuple(row) for row in await world.sql(RECOUNT, workflow)]
    async with world.database.tenant(world.organization_id) as session:
        rows = await queries.counts(session, world.organization_id, workflow)
    assert sorted((row["status"], row["current_step_index"], row["enrollments"]) for row in rows) == recount


async def test_counters_equal_a_recount_after_anything_that_happens_to_enrollments(world: World) -> None:
    chance = random.Random(7)
    workflow = await world.workflow(
        step("trigger"),
        step("filter", conditions=[{"field": "n", "operator": "lt", "value": 70}]),
        step("wait", duration=1, unit="days"),
    )
    for _ in range(6):
        ids = await world.enroll(workflow, *({"email": f"p{n}@x.org", "n": n} for n in range(chance.randint(1, 100))))
        await world.drain(worker_batch=chance.choice([3, 50]))
        await assert_exact(world, workflow)
        async with world.database.tenant(world.organization_id) as session:
            await remove(session, world.organization_id, workflow, chance.choice(ids))
            await hold(session, world.organization_id, workflow)
        await assert_exact(world, workflow)
        async with world.database.tenant(world.organization_id) as session:
            await release(session, world.organization_id, workflow)
        await world.sql("DELETE FROM enrollment WHERE id = $1", chance.choice(ids))
        await assert_exact(world, workflow)
    async with world.database.tenant(world.organization_id) as session:
        change = Change(ChangeKind.CANCEL, Hold(0), workflow, reason="test")
        await hold_changes.begin(session, world.principal, change)
    await assert_exact(world, workflow)


async def test_waiting_is_what_is_not_due(world: World) -> None:
    workflow = await world.workflow(step("wait", duration=1, unit="days"))
    await world.enroll(workflow, *({"email": f"w{n}@x.org"} for n in range(5)))
    assert await waiting(world, workflow) == (5, 0)
    await world.drain()
    assert await waiting(world, workflow) == (5, 5)
    await world.sql(
        "UPDATE enrollment SET next_run_at = now(), claimable_at = now() WHERE id = (SELECT max(id) FROM enrollment)"
    )
    assert await waiting(world, workflow) == (5, 4)


async def waiting(world: World, workflow: int) -> tuple[int, int]:
    async with world.database.tenant(world.organization_id) as session:
        [row] = await queries.counts(session, world.organization_id, workflow)
    return row["enrollments"], row["waiting"]


async def test_an_undone_change_is_not_counted(world: World) -> None:
    workflow = await world.workflow(step("log", message="x"))
    await world.enroll(workflow)
    with pytest.raises(ZeroDivisionError):
        await fail_and_undo(world, workflow)
    await assert_exact(world, workflow)


async def fail_and_undo(world: World, workflow: int) -> None:
    async with world.database.tenant(world.organization_id) as session:
        await session.execute("UPDATE enrollment SET status = 'failed' WHERE workflow_id = $1", workflow)
        raise ZeroDivisionError
