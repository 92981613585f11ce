"""The step wait_for_event, run by the engine: an event is taken once, whether it comes before the wait or after."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import orjson
import pytest

from drippulse.enrollments.engine import Engine
from drippulse.events import waiting
from drippulse.events.dispatcher import dispatch
from drippulse.kit.db import Role
from tests.conftest import MakeDatabase
from tests.support.happenings import dispatch_all, enroll, runs_of, send, send_in
from tests.support.waiting import eventually
from tests.support.world import World, make_world, step

ADA = {"email": "Ada@Example.com", "lead_ref": "crm-1"}


@pytest.fixture(scope="module")
async def shared_world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("event_waits")) as made:
        yield made


@pytest.fixture
async def world(shared_world: World) -> World:
    await shared_world.cancel_all()
    return shared_world


def wait_for(event: str = "order.paid", **config: Any) -> dict[str, Any]:
    return step("wait_for_event", event=event, **config)


async def bag(world: World, enrollment: int) -> dict[str, Any]:
    return orjson.loads((await world.row(enrollment))["bag"])


async def waits(world: World, enrollment: int) -> int:
    rows = await world.sql("SELECT key FROM event_wait WHERE enrollment_id = $1", enrollment)
    return len(rows)


async def used(world: World, enrollment: int) -> list[int]:
    """The events that have ended a wait of this run."""
    async with world.database.session(Role.ENGINE) as session:
        rows = await session.fetch("SELECT event_id FROM event_use WHERE enrollment_id = $1 ORDER BY 1", enrollment)
    return [row["event_id"] for row in rows]


async def test_an_event_that_comes_later_ends_the_wait(world: World) -> None:
    workflow = await world.workflow(wait_for(), step("log", message="paid {{ event.data.amount }}"))
    (enrollment,) = await enroll(world, workflow, ADA)
    await world.drain()
    row = await world.row(enrollment)
    assert (row["wait_reason"], row["claimable_at"], row["status"]) == ("wait_for_event", None, "active")
    event = await send(world, "order.paid", email="ada@example.com", data={"amount": 7})
    assert await dispatch_all(world)
    await world.drain()
    row = await world.row(enrollment)
    assert (row["status"], await used(world, enrollment)) == ("completed", [event])
    assert (await bag(world, enrollment))["event"]["data"] == {"amount": 7}
    assert await waits(world, enrollment) == 0
    assert await world.timeline(enrollment) == [("wait_for_event", "completed"), ("log", "completed")]


async def test_an_event_between_enroll_and_wait_is_found_by_looking_back(world: World) -> None:
    workflow = await world.workflow(wait_for())
    (enrollment,) = await enroll(world, workflow, ADA)
    await send(world, "order.paid", lead_ref="crm-1")
    assert not await dispatch_all(world)
    await world.drain()
    assert (await world.row(enrollment))["status"] == "completed"


async def test_an_event_before_the_run_does_not_count(world: World) -> None:
    workflow = await world.workflow(wait_for())
    await send(world, "order.paid", lead_ref="crm-1")
    (enrollment,) = await enroll(world, workflow, ADA)
    await world.drain()
    assert await waits(world, enrollment) == 3


async def test_since_step_leaves_what_came_before_the_step_aside(world: World) -> None:
    workflow = await world.workflow(wait_for("order.sent"), {**wait_for(since="step"), "id": "second"})
    (enrollment,) = await enroll(world, workflow, ADA)
    await send(world, "order.sent", lead_ref="crm-1")
    await send(world, "order.paid", lead_ref="crm-1")
    await world.drain()
    assert (await world.row(enrollment))["step_id"] == "second"


async def test_each_event_is_used_once(world: World) -> None:
    workflow = await world.workflow(wait_for(), {**wait_for(), "id": "again"})
    (enrollment,) = await enroll(world, workflow, ADA)
    await world.drain()
    await send(world, "order.paid", lead_ref="crm-1")
    await dispatch_all(world)
    await world.drain()
    assert (await world.row(enrollment))["step_id"] == "again"
    await send(world, "order.paid", lead_ref="crm-1")
    await dispatch_all(world)
    await world.drain()
    assert (await world.row(enrollment))["status"] == "completed"


async def test_only_an_event_that_matches_and_is_about_the_contact_counts(world: World) -> None:
    workflow = await world.workflow(wait_for(match={"plan": "{{ plan }}"}))
    (enrollment,) = await enroll(world, workflow, {**ADA, "plan": "pro"})
    await world.drain()
    await send(world, "order.paid", lead_ref="crm-2", data={"plan": "pro"})
    await send(world, "order.paid", lead_ref="crm-1", data={"plan": "free"})
    assert not await dispatch_all(world)
    await send(world, "order.paid", key="ada@EXAMPLE.com", data={"plan": "pro"})
    assert await dispatch_all(world)
    await world.drain()
    assert (await world.row(enrollment))["status"] == "completed"


async def test_the_key_of_the_step_says_whose_event(world: World) -> None:
    workflow = await world.workflow(wait_for(key="{{ company }}"))
    (enrollment,) = await enroll(world, workflow, {**ADA, "company": "acme"})
    await world.drain()
    await send(world, "order.paid", key="acme")
    await dispatch_all(world)
    await world.drain()
    assert (await world.row(enrollment))["status"] == "completed"


async def test_a_contact_without_a_key_fails_with_a_reason(world: World) -> None:
    workflow = await world.workflow(wait_for())
    (enrollment,) = await enroll(world, workflow, {"first_name": "Nobody"})
    await world.drain()
    assert (await world.error(enrollment))["code"] == "wait_key_missing"


@pytest.mark.parametrize(("on_timeout", "path"), [("continue", ["log", "log"]), ("end", ["log"]), ("exit", [])])
async def test_when_the_time_is_up_the_run_goes_on_as_told(world: World, on_timeout: str, path: list[str]) -> None:
    timeout = {"duration": 0.05, "unit": "seconds"}
    workflow = await world.workflow(
        wait_for(timeout=timeout, on_timeout=on_timeout),
        step("log", message="x"),
        {**step("log", message="y"), "id": "end"},
    )
    (enrollment,) = await enroll(world, workflow, ADA)
    await world.work_until_rest(enrollment)
    row = await world.row(enrollment)
    assert row["status"] == "completed"
    assert [kind for kind, _ in await world.timeline(enrollment)][1:] == path
    assert row["exit_reason"] == ("event_timeout" if on_timeout == "exit" else "end_of_steps")


async def test_an_event_that_nobody_dispatched_before_the_timeout_wins(world: World) -> None:
    workflow = await world.workflow(wait_for(timeout={"duration": 1, "unit": "hours"}, on_timeout="exit"))
    (enrollment,) = await enroll(world, workflow, ADA)
    await world.drain()
    event = await send(world, "order.paid", lead_ref="crm-1")
    await an_hour_later(world, enrollment)
    await world.drain()
    row = await world.row(enrollment)
    assert (row["exit_reason"], await used(world, enrollment)) == ("end_of_steps", [event])
    assert not await dispatch_all(world)


async def test_an_event_at_the_moment_of_the_timeout_counts_or_comes_too_late_never_both(world: World) -> None:
    workflow = await world.workflow(
        wait_for(timeout={"duration": 1, "unit": "hours"}, on_timeout="late"),
        step("exit", reason="came"),
        {**step("exit", reason="late"), "id": "late"},
    )
    enrollments = await enroll(world, workflow, *({"email": f"m{number}@example.com"} for number in range(30)))
    await world.drain()
    for number in range(30):
        await send(world, "order.paid", email=f"m{number}@example.com")
    await an_hour_later(world, *enrollments)
    async with asyncio.TaskGroup() as group:
        group.create_task(dispatch_all(world))
        group.create_task(world.drain())
    await world.drain()
    for row in await runs_of(world, workflow):
        assert row["exit_reason"] == "came"
        assert len(await world.timeline(row["id"])) == 2


async def test_a_paused_run_hears_of_it_when_it_goes_on(world: World) -> None:
    workflow = await world.workflow(wait_for())
    (enrollment,) = await enroll(world, workflow, ADA)
    await world.drain()
    await world.sql("UPDATE enrollment SET holds = 1, status = 'paused' WHERE id = $1", enrollment)
    await send(world, "order.paid", lead_ref="crm-1")
    await dispatch_all(world)
    assert (await world.row(enrollment))["claimable_at"] is None
    await world.sql(
        "UPDATE enrollment SET holds = 0, status = 'active', claimable_at = next_run_at WHERE id = $1", enrollment
    )
    await world.drain()
    assert (await world.row(enrollment))["status"] == "completed"


async def an_hour_later(world: World, *enrollments: int) -> None:
    """As if the wait had begun an hour ago, so that its time is up now."""
    await world.sql(
        "UPDATE enrollment SET step_entered_at = now() - interval '1 hour', next_run_at = now(), claimable_at = now() "
        "WHERE id = ANY ($1)",
        list(enrollments),
    )


class Rendezvous:
    """An enrollment that looks back and registers by hand, step by step, beside an event."""

    def __init__(self, world: World, enrollment: int) -> None:
        self.world, self.enrollment = world, enrollment
        self.wait = waiting.Wait(
            world.organization_id, enrollment, 1, "order.paid", None, waiting.EventConditions(), None
        )

    async def look_and_register(self, between: asyncio.Event, go_on: asyncio.Event, *, watched: bool) -> bool:
        """Look back, let others go, register, commit; whether an event was found. Nobody sees it look unless
        `watched`: what a transaction locked after a savepoint is let go with it."""
        async with self.world.database.session(Role.ENGINE) as session:
            await session.execute("SELECT 1 FROM enrollment WHERE id = $1 FOR NO KEY UPDATE", self.enrollment)
            now = await session.fetchval("SELECT now()")
            await session.execute("SAVEPOINT looking")
            found = await waiting.look_back(session, self.wait, now, None)
            if not watched:
                await session.execute("ROLLBACK TO SAVEPOINT looking")
            between.set()
            await go_on.wait()
            if found is None:
                await waiting.register(session, self.wait)
        return found is not None


async def _event_inside_the_look(world: World, *, watched: bool) -> tuple[bool, Any]:
    """An event that commits, and is about to be dispatched, while a run is between looking back and registering."""
    workflow = await world.workflow(wait_for())
    (enrollment,) = await enroll(world, workflow, ADA)
    meeting, between, go_on = Rendezvous(world, enrollment), asyncio.Event(), asyncio.Event()
    async with world.database.tenant(world.organization_id) as session:
        # Its transaction is older than the run's, so that nothing else holds the event back.
        await send_in(session, world, "order.paid", lead_ref="crm-1")
        looking = asyncio.create_task(meeting.look_and_register(between, go_on, watched=watched))
        await between.wait()
    dispatching = asyncio.create_task(dispatch_all(world))
    await asyncio.wait({dispatching}, timeout=0.1 if watched else 10)
    assert dispatching.done() is not watched
    go_on.set()
    found = await looking
    await dispatching
    return found, (await world.row(enrollment))["signal"]


async def test_an_event_that_commits_while_a_run_looks_back_is_dispatched_to_its_wait(world: World) -> None:
    found, signal = await _event_inside_the_look(world, watched=True)
    assert (found, signal is None) == (False, False)


async def test_without_letting_those_finish_who_look_back_it_would_be_missed(world: World) -> None:
    found, signal = await _event_inside_the_look(world, watched=False)
    assert (found, signal is None) == (False, True)


async def test_events_and_waits_at_once_miss_nothing_and_double_nothing(world: World) -> None:
    workflow = await world.workflow(
        *({**wait_for(), "id": f"wait{number}"} for number in range(3)), step("log", message="done")
    )
    people = [{"email": f"p{number}@example.com"} for number in range(40)]

    async def customers() -> None:
        for round_number in range(3):
            for number in range(len(people)):
                await send(world, "order.paid", email=f"p{number}@example.com", data={"n": round_number})
                if number % 7 == 0:
                    await asyncio.sleep(0.002)

    async def dispatchers(engine: Engine) -> None:
        while True:
            await dispatch(world.database, engine.poke)
            await asyncio.sleep(0.003)

    async def finished() -> bool:
        rows = await runs_of(world, workflow)
        return all(row["status"] == "completed" for row in rows)

    async with world.engine() as engine:
        working = [asyncio.create_task(dispatchers(engine)) for _ in range(2)]
        working.append(asyncio.create_task(engine.run()))
        enrollments = await enroll(world, workflow, *people)
        engine.poke()
        await customers()
        await eventually(finished)
        await engine.stop()
        for task in working:
            task.cancel()
        await asyncio.wait(working)
    for enrollment in enrollments:
        rows = await world.sql(
            "SELECT output FROM enrollment_step WHERE enrollment_id = $1 AND type = 'wait_for_event' ORDER BY visit",
            enrollment,
        )
        used = [orjson.loads(row["output"])["event"]["id"] for row in rows]
        assert len(used) == 3
        assert used == sorted(set(used))
