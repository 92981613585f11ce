"""Corners of events and schedules: one tenant's oddity must not stop the log, and no wait may get lost."""

import asyncio
from collections.abc import AsyncGenerator

import asyncpg
import pytest

from drippulse.events.dispatcher import forget_stale
from drippulse.events.listening import LogEvent
from drippulse.events.schedules import fire
from drippulse.events.wakes import wake_waits
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database, Role, Session
from drippulse.workflows.errors import InvalidStepGraphError, UnknownTimezoneError
from drippulse.workflows.schemas import WorkflowCreate
from drippulse.workflows.service import create_workflow
from drippulse_workers.chores import Chore
from drippulse_workers.scheduler import Scheduler
from tests.conftest import MakeDatabase
from tests.support.happenings import Wakes, dispatch_all, enroll, runs_of, send
from tests.support.world import World, make_world, step

ADA = {"email": "ada@example.com", "lead_ref": "crm-1"}
BOB = {"email": "bob@example.com", "lead_ref": "crm-2"}


@pytest.fixture(scope="module")
async def shared_world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("review_events")) as made:
        yield made


@pytest.fixture
async def world(shared_world: World) -> World:
    await shared_world.cancel_all()
    async with shared_world.database.session(Role.ENGINE) as session:
        await session.execute("DELETE FROM event_wait")
    return shared_world


async def status(world: World, enrollment: int) -> str:
    return str((await world.row(enrollment))["status"])


async def test_a_condition_that_renders_to_nothing_does_not_stop_the_log(world: World) -> None:
    """`contains` needs a value when it is saved; for a contact without a plan there is none."""
    picky = [{"field": "plan", "operator": "contains", "value": "{{ plan }}"}]
    odd = await world.workflow(step("wait_for_event", event="order.paid", match=picky))
    plain = await world.workflow(step("wait_for_event", event="order.paid"))
    await enroll(world, odd, ADA)
    (waiting,) = await enroll(world, plain, ADA)
    await world.drain()
    await send(world, "order.paid", lead_ref="crm-1", data={"plan": "pro"})
    assert await dispatch_all(world)
    await world.drain()
    assert await status(world, waiting) == "completed"


async def test_an_event_that_one_listener_cannot_take_reaches_the_others(world: World) -> None:
    """What is written down of a wait may be older than this program."""
    plain = await world.workflow(step("wait_for_event", event="order.paid"))
    (broken, waiting) = await enroll(world, plain, ADA, BOB)
    await world.drain()
    async with world.database.session(Role.ENGINE) as session:
        await session.execute(
            """UPDATE event_wait SET config = '{"match": "some", "conditions": [{"field": "a", "operator": "odd"}]}'
               WHERE enrollment_id = $1""",
            broken,
        )
    started = await world.workflow({**step("trigger", frequency="event", event="order.paid"), "id": "start"})
    await send(world, "order.paid", lead_ref="crm-1")
    await send(world, "order.paid", lead_ref="crm-2")
    assert await dispatch_all(world)
    assert len(await runs_of(world, started)) == 2, "the trigger of the first event fired too"
    await world.drain()
    assert await status(world, waiting) == "completed"


async def test_a_wait_that_begins_while_an_older_one_is_told_stays_registered(world: World) -> None:
    """The run's clock and an event come in one moment: the run is at its next wait when the event is told."""
    workflow = await world.workflow(
        step("wait_for_event", event="order.paid"), {**step("wait_for_event", event="order.sent"), "id": "then"}
    )
    (enrollment,) = await enroll(world, workflow, ADA)
    await world.drain()
    await send(world, "order.paid", lead_ref="crm-1")
    async with world.database.session(Role.ENGINE) as session:
        rows = await session.fetch(
            "SELECT *, xid::text AS xid, created_at AS at FROM event WHERE type = 'order.paid' ORDER BY id DESC LIMIT 1"
        )
    event = LogEvent.of(rows[0])
    async with world.database.session(Role.ENGINE) as session:  # the engine, taking the same event by looking back
        await session.execute("SELECT FROM enrollment WHERE id = $1 FOR NO KEY UPDATE", enrollment)
        telling = asyncio.create_task(tell(world, event))
        await blocked(world)
        await next_wait(session, world, enrollment)
    await telling
    waits = await world.sql("SELECT event_type FROM event_wait WHERE enrollment_id = $1", enrollment)
    assert {row["event_type"] for row in waits} == {"order.sent"}


async def tell(world: World, event: LogEvent) -> None:
    async with world.database.session(Role.ENGINE) as session:
        await wake_waits(session, [event])


async def blocked(world: World) -> None:
    """Until somebody waits for a row."""
    while True:
        async with world.database.session(Role.ENGINE) as session:
            if await session.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
                return
        await asyncio.sleep(0.01)


async def next_wait(session: Session, world: World, enrollment: int) -> None:
    """As the commit of a local step leaves it."""
    await session.execute("UPDATE enrollment SET visit = visit + 1, step_id = 'then' WHERE id = $1", enrollment)
    await session.execute("DELETE FROM event_wait WHERE enrollment_id = $1", enrollment)
    await session.execute(
        """INSERT INTO event_wait (organization_id, event_type, key, enrollment_id, visit, after_id, since)
           VALUES ($1, 'order.sent', 'crm-1', $2, 2, 0, now())""",
        world.organization_id,
        enrollment,
    )


async def test_a_goal_ends_a_run_that_failed_long_ago_and_was_retried(world: World) -> None:
    settings = {"goals": [{"name": "bought", "event": "order.paid"}]}
    steps = [step("wait", duration=1, unit="days")]
    data = WorkflowCreate.model_validate({"name": "Goal", "status": "active", "steps": steps, "settings": settings})
    async with world.database.tenant(world.organization_id) as session:
        made = await create_workflow(session, world.principal, Vault.of(world.settings), data)
    workflow = int(made["id"])
    (enrollment,) = await enroll(world, workflow, ADA)
    await world.sql("UPDATE enrollment SET status = 'failed', claimable_at = NULL WHERE id = $1", enrollment)
    await forget_stale(world.database)
    await world.sql("UPDATE enrollment SET status = 'active', claimable_at = now() WHERE id = $1", enrollment)
    await send(world, "order.paid", lead_ref="crm-1")
    await dispatch_all(world)
    assert await status(world, enrollment) == "completed"


async def test_a_schedule_that_cannot_fire_holds_up_no_other(world: World) -> None:
    odd = await world.workflow(step("trigger", frequency="hourly"))
    good = await world.workflow(step("trigger", frequency="hourly"))
    async with world.database.tenant(world.organization_id) as session:
        await session.execute("UPDATE workflow_schedule SET next_at = now()")
        await session.execute("UPDATE workflow_schedule SET cron = 'never' WHERE workflow_id = $1", odd)
    await fire(world.database)
    assert len(await runs_of(world, good)) == 1
    async with world.database.tenant(world.organization_id) as session:
        due = await session.fetchval("SELECT count(*) FROM workflow_schedule WHERE next_at <= now()")
    assert due == 0, "it is not tried over and over"


async def test_a_zone_that_runs_cannot_have_is_refused_for_schedules_too(world: World) -> None:
    for name in ("Factory", "localtime", "posix/UTC", "right/UTC", "posixrules"):
        with pytest.raises(InvalidStepGraphError):
            await world.workflow(step("trigger", frequency="hourly", timezone=name))


async def test_what_one_workflow_cannot_take_of_an_event_is_passed_over_and_the_rest_is_done(world: World) -> None:
    plain = await world.workflow(step("wait_for_event", event="order.kept"))
    odd = await world.workflow(step("trigger", frequency="event", event="order.kept"))
    (waiting,) = await enroll(world, plain, ADA)
    await world.drain()
    await spoil_settings(world, odd)
    await send(world, "order.kept", lead_ref="crm-1")
    await dispatch_all(world)
    await world.drain()
    assert await status(world, waiting) == "completed"
    assert not await runs_of(world, odd)
    started = await world.workflow(step("trigger", frequency="event", event="order.next"))
    await send(world, "order.next", lead_ref="crm-1")
    await dispatch_all(world)
    assert len(await runs_of(world, started)) == 1


async def spoil_settings(world: World, workflow: int) -> None:
    """As a version that an older program accepted, done as its owner: versions never change otherwise."""
    connection = await asyncpg.connect(world.settings.database_owner_url)
    try:
        await connection.execute("ALTER TABLE workflow_version NO FORCE ROW LEVEL SECURITY")
        await connection.execute(
            """UPDATE workflow_version SET settings = '{"re_entry": {"mode": "sometimes"}}' WHERE workflow_id = $1""",
            workflow,
        )
        await connection.execute("ALTER TABLE workflow_version FORCE ROW LEVEL SECURITY")
    finally:
        await connection.close()


async def test_a_chore_that_breaks_ends_neither_the_scheduler_nor_the_other_chores(world: World) -> None:
    async def broken(_database: Database) -> bool:
        raise UnknownTimezoneError("nowhere")

    async def works(_database: Database) -> bool:
        return True

    wakes = Wakes()
    chores = [Chore("broken", 0, broken), Chore("works", 0, works)]
    await Scheduler(world.database, wakes, 1, chores).round()
    assert wakes.count == 1
