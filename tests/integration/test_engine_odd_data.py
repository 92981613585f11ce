"""Enrollments that the API would hardly let in, and sizes it does: the engine takes each of them to an end."""

from collections.abc import AsyncGenerator

import orjson
import pytest

from tests.conftest import MakeDatabase
from tests.support.world import World, email, make_world, step


@pytest.fixture(scope="module")
async def shared_world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("engine_odd_data")) as made:
        yield made


@pytest.fixture
async def world(shared_world: World) -> World:
    shared_world.sink.ledger.clear()
    await shared_world.cancel_all()
    return shared_world


async def test_an_enrollment_in_an_empty_workflow_completes_at_once(world: World) -> None:
    workflow = await world.workflow()
    async with world.database.tenant(world.organization_id) as session:
        one = await session.fetchval(
            "INSERT INTO enrollment (organization_id, workflow_id, workflow_version) VALUES ($1, $2, 1) RETURNING id",
            world.organization_id,
            workflow,
        )
    await world.drain()
    row = await world.row(one)
    assert (row["status"], row["current_step_index"], row["claimable_at"]) == ("completed", 0, None)


async def test_a_time_zone_nobody_knows_does_not_stop_a_wait(world: World) -> None:
    person = {"email": "a@x.org", "timezone": "Mars/Olympus"}
    waiting, other = await world.enroll(
        await world.workflow(step("wait", duration=1, unit="days"), step("log", message="x")),
        person,
        {"email": "b@x.org"},
    )
    await world.drain()
    rows = [await world.row(one) for one in (waiting, other)]
    assert [row["wait_reason"] for row in rows] == ["wait", "wait"] or rows[0]["status"] == "failed"
    assert rows[1]["wait_reason"] == "wait"


async def test_a_large_bag_goes_through(world: World) -> None:
    person = {
        "email": "a@x.org",
        "notes": "x" * 3_000_000,
        "deep": [[[[["d"]]]]],
        "wide": {f"k{n}": n for n in range(5000)},
    }
    [one] = await world.enroll(await world.workflow(step("set_fields", fields={"tier": "gold"}), email()), person)
    await world.drain()
    row = await world.row(one)
    assert row["status"] == "completed"
    assert len(orjson.loads(row["bag"])["notes"]) == 3_000_000


async def test_the_thousandth_visit_is_the_last(world: World) -> None:
    steps = [
        step("wait", duration=1, unit="hours"),
        step("branch", branches=[{"conditions": [{"field": "email", "operator": "exists"}], "goto": "wait"}]),
    ]
    [one] = await world.enroll(await world.workflow(*steps))
    await world.sql(
        """UPDATE enrollment SET visits = '{"wait": 1000, "branch": 999}', visit = 1999,
             step_entered_at = now() - interval '2 hours' WHERE id = $1""",
        one,
    )
    await world.drain()
    row = await world.row(one)
    assert (row["status"], (await world.error(one))["code"]) == ("failed", "loop_limit")
