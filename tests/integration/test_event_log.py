"""Reading the log: nothing is passed over, whatever order transactions commit in; each event acts once."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import orjson
import pytest

from drippulse.events import dispatch_queries
from drippulse.events.dispatcher import Pace, act, dispatch_batch, forget_stale
from drippulse.events.listening import LogEvent
from drippulse.events.reading import held_back, move_on, read
from drippulse.events.rounds import events_round
from drippulse.events.schedules import fire
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Role
from drippulse.organizations import service as organizations
from drippulse.workflows.schemas import WorkflowCreate, WorkflowUpdate
from drippulse.workflows.service import create_workflow, delete_workflow, update_workflow
from tests.conftest import MakeDatabase
from tests.support.happenings import dispatch_all, enroll, runs_of, send, send_in
from tests.support.world import World, make_world, step


@pytest.fixture(scope="module")
async def shared_world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("event_log")) as made:
        yield made


@pytest.fixture
async def world(shared_world: World) -> World:
    await shared_world.cancel_all()
    await shared_world.sql("UPDATE workflow SET status = 'draft'")
    await shared_world.sql("DELETE FROM workflow_listener")
    await shared_world.sql("DELETE FROM workflow_schedule")
    await dispatch_all(shared_world)
    return shared_world


def on_event(event: str = "order.made", **config: Any) -> dict[str, Any]:
    return step("trigger", frequency="event", event=event, **config)


async def workflow_of(world: World, *steps: dict[str, Any], status: str = "active", **settings: Any) -> int:
    fields = {"name": "Listening", "status": status, "steps": list(steps), "settings": settings}
    async with world.database.tenant(world.organization_id) as session:
        data = WorkflowCreate.model_validate(fields)
        made = await create_workflow(session, world.principal, Vault.of(world.settings), data)
    return int(made["id"])


async def change(world: World, workflow: int, **fields: Any) -> None:
    async with world.database.tenant(world.organization_id) as session:
        data = WorkflowUpdate.model_validate(fields)
        await update_workflow(session, world.principal, Vault.of(world.settings), workflow, data)


async def emails(world: World, workflow: int) -> list[str]:
    return [row["email"] for row in await runs_of(world, workflow)]


async def test_an_event_that_commits_after_later_ones_is_not_passed_over(world: World) -> None:
    workflow = await workflow_of(world, on_event())
    async with world.database.tenant(world.organization_id) as slow:
        await send_in(slow, world, "order.made", email="first@example.com")
        await send(world, "order.made", email="second@example.com")
        found = await dispatch_batch(world.database)
        assert (found.pace, found.acted) == (Pace.SOON, False)
    await dispatch_all(world)
    assert await emails(world, workflow) == ["first@example.com", "second@example.com"]


async def test_what_an_older_transaction_held_back_is_looked_for_though_it_ends_meanwhile(world: World) -> None:
    await workflow_of(world, on_event())
    async with world.database.session(Role.ENGINE) as reading:
        async with world.database.tenant(world.organization_id) as older:
            await older.fetchval("SELECT pg_current_xact_id()")
            await send(world, "order.made", email="held@example.com")
            part = await read(reading, None, 10)
            assert part is not None
            assert part.events == []
        await move_on(reading, None, part)
        assert await held_back(reading, part)


async def test_many_writers_that_commit_in_any_order_lose_nothing(world: World) -> None:
    workflow = await workflow_of(world, on_event())
    done = asyncio.Event()

    async def reader() -> None:
        while not done.is_set():
            await dispatch_all(world)

    async def writer(number: int) -> None:
        for part in range(10):
            async with world.database.tenant(world.organization_id) as session:
                await send_in(session, world, "order.made", email=f"w{number}.{part}@example.com")
                await asyncio.sleep(0.001 * ((number * 7 + part * 3) % 11))

    readers = [asyncio.create_task(reader()) for _ in range(2)]
    await asyncio.gather(*(writer(number) for number in range(5)))
    done.set()
    await asyncio.gather(*readers)
    await dispatch_all(world)
    assert sorted(await emails(world, workflow)) == sorted(f"w{n}.{p}@example.com" for n in range(5) for p in range(10))


async def die_before_commit(world: World) -> None:
    """Act on what is there, and roll back."""
    async with world.database.session(Role.ENGINE) as session:
        cursor = await session.fetchrow(dispatch_queries.CURSOR)
        assert cursor is not None
        rows = await session.fetch(dispatch_queries.READ, cursor["xid"], cursor["id"], 10, 100)
        assert await act(session, [LogEvent.of(row) for row in rows])
        raise RuntimeError


async def test_a_dispatch_that_dies_before_its_commit_happens_again_once(world: World) -> None:
    workflow = await workflow_of(world, on_event())
    await send(world, "order.made", email="once@example.com")
    with pytest.raises(RuntimeError):
        await die_before_commit(world)
    await asyncio.gather(dispatch_all(world), dispatch_all(world))
    await dispatch_all(world)
    assert await emails(world, workflow) == ["once@example.com"]


async def test_a_trigger_enrolls_whom_the_event_is_about_with_what_it_says(world: World) -> None:
    workflow = await workflow_of(world, on_event(), step("wait", duration=1, unit="days"))
    event = await send(world, "order.made", email="Ada@Example.com", lead_ref="crm:1", data={"amount": 5})
    await dispatch_all(world)
    (run,) = await runs_of(world, workflow)
    assert (run["email"], run["lead_ref"], run["origin"]) == ("ada@example.com", "crm:1", f"event:{event}")
    bag = orjson.loads(run["bag"])
    assert (bag["amount"], bag["event"]["id"], bag["event"]["type"]) == (5, event, "order.made")


async def test_the_filter_of_a_trigger_keeps_others_out(world: World) -> None:
    big = {"conditions": [{"field": "amount", "operator": "gte", "value": 100}]}
    workflow = await workflow_of(world, on_event(filter=big))
    await send(world, "order.made", email="small@example.com", data={"amount": 5})
    await send(world, "order.made", email="big@example.com", data={"amount": 500})
    await dispatch_all(world)
    assert await emails(world, workflow) == ["big@example.com"]


@pytest.mark.parametrize("status", ["draft", "paused", "archived"])
async def test_only_active_workflows_are_started_and_what_they_missed_is_not_made_up(world: World, status: str) -> None:
    workflow = await workflow_of(world, on_event(), status=status)
    await send(world, "order.made", email="early@example.com")
    await dispatch_all(world)
    await change(world, workflow, status="active")
    await dispatch_all(world)
    assert await emails(world, workflow) == []
    await send(world, "order.made", email="late@example.com")
    await dispatch_all(world)
    assert await emails(world, workflow) == ["late@example.com"]


async def test_a_new_version_and_a_deleted_workflow_change_who_listens(world: World) -> None:
    workflow = await workflow_of(world, on_event())
    await change(world, workflow, steps=[on_event("order.sent")])
    await send(world, "order.made", email="made@example.com")
    await send(world, "order.sent", email="sent@example.com")
    await dispatch_all(world)
    assert await emails(world, workflow) == ["sent@example.com"]
    async with world.database.tenant(world.organization_id) as session:
        await delete_workflow(session, world.principal, workflow)
    assert await world.sql("SELECT 1 FROM workflow_listener WHERE workflow_id = $1", workflow) == []


async def test_workflows_do_not_start_each_other_without_end(world: World) -> None:
    workflow = await workflow_of(world, on_event("enrollment.created"))
    other = await workflow_of(world, on_event("enrollment.created"))
    await enroll(world, workflow, {"email": "ada@example.com"})
    await dispatch_all(world)
    await dispatch_all(world)
    assert (len(await runs_of(world, workflow)), await emails(world, other)) == (1, ["ada@example.com"])


async def test_a_goal_ends_the_runs_of_the_contact(world: World) -> None:
    goals = [
        {"name": "bought", "event": "order.paid", "conditions": [{"field": "amount", "operator": "gt", "value": 1}]}
    ]
    workflow = await workflow_of(world, step("wait", duration=1, unit="days"), goals=goals)
    ada, bob = await enroll(world, workflow, {"email": "Ada@x.org"}, {"email": "bob@x.org", "lead_ref": "b-1"})
    await world.drain()
    await send(world, "order.paid", email="ADA@x.org", data={"amount": 1})
    await dispatch_all(world)
    assert (await world.row(ada))["status"] == "active"
    await send(world, "order.paid", email="ADA@x.org", data={"amount": 2})
    await dispatch_all(world)
    row = await world.row(ada)
    assert (row["status"], row["exit_reason"], row["claimable_at"]) == ("completed", "goal:bought", None)
    assert (await world.row(bob))["status"] == "active"
    (event,) = await world.sql(
        "SELECT data FROM event WHERE type = 'enrollment.completed' AND record_id = $1", str(ada)
    )
    assert orjson.loads(event["data"])["reason"] == "goal:bought"


async def test_an_exit_by_lead_ref_takes_the_wait_with_it(world: World) -> None:
    exits = [{"trigger": "reply"}]
    workflow = await workflow_of(world, step("wait_for_event", event="order.paid"), exit_criteria=exits)
    (run,) = await enroll(world, workflow, {"email": "c@x.org", "lead_ref": "c-1"})
    await world.drain()
    await send(world, "email.replied", lead_ref="c-1")
    await dispatch_all(world)
    assert (await world.row(run))["exit_reason"] == "exit:reply"
    assert await world.sql("SELECT 1 FROM event_wait WHERE enrollment_id = $1", run) == []


async def test_runs_keep_the_goals_of_the_version_they_are_on(world: World) -> None:
    workflow = await workflow_of(
        world, step("wait", duration=1, unit="days"), goals=[{"name": "a", "event": "order.paid"}]
    )
    (old,) = await enroll(world, workflow, {"email": "d@x.org"})
    await change(world, workflow, settings={})
    (new,) = await enroll(world, workflow, {"email": "d@x.org"})
    await send(world, "order.paid", email="d@x.org")
    await dispatch_all(world)
    assert [(await world.row(run))["status"] for run in (old, new)] == ["completed", "active"]


async def test_start_and_goal_in_one_batch_happen_in_their_order(world: World) -> None:
    goals = [{"name": "paid", "event": "order.paid"}]
    steps = (on_event(), step("wait", duration=1, unit="days"))
    workflow = await workflow_of(world, *steps, goals=goals, re_entry={"mode": "after_exit"})
    for event in ("order.made", "order.paid", "order.made"):
        await send(world, event, email="e@x.org")
    await dispatch_all(world)
    assert [row["status"] for row in await runs_of(world, workflow)] == ["completed", "active"]


async def test_conditions_of_goals_are_looked_at_before_each_step(world: World) -> None:
    goals = [{"name": "rich", "conditions": [{"field": "score", "operator": "gte", "value": 10}]}]
    workflow = await workflow_of(
        world, step("set_fields", fields={"score": "12"}), step("log", message="never"), goals=goals
    )
    (run,) = await enroll(world, workflow, {"email": "f@x.org"})
    await world.drain()
    assert (await world.row(run))["exit_reason"] == "goal:rich"
    assert await world.timeline(run) == [("set_fields", "completed")]


async def test_an_event_of_another_organization_ends_nothing_here(world: World) -> None:
    workflow = await workflow_of(
        world, step("wait", duration=1, unit="days"), goals=[{"name": "a", "event": "order.paid"}]
    )
    (run,) = await enroll(world, workflow, {"email": "g@x.org"})
    other = World(
        world.settings, world.database, world.sink, await organizations.create_organization(world.database, "Other")
    )
    await send(other, "order.paid", email="g@x.org")
    await dispatch_all(world)
    assert (await world.row(run))["status"] == "active"


async def make_due(world: World, minutes: int = 1) -> None:
    await world.sql(
        "UPDATE workflow_schedule SET next_at = date_trunc('minute', now()) - $1 * interval '1 minute'", minutes
    )


async def test_a_schedule_fires_once_with_two_schedulers_and_once_for_all_that_was_missed(world: World) -> None:
    workflow = await workflow_of(world, step("trigger", frequency="cron", cron="*/5 * * * *"))
    assert not await events_round(world.database)
    (schedule,) = await world.sql("SELECT next_at FROM workflow_schedule")
    assert schedule["next_at"] is not None
    await make_due(world, minutes=600)
    await asyncio.gather(*(fire(world.database) for _ in range(4)))
    assert len(await runs_of(world, workflow)) == 1
    (schedule,) = await world.sql("SELECT next_at > now() AS later FROM workflow_schedule")
    assert schedule["later"]


async def test_a_scheduled_audience_is_enrolled_each_time(world: World) -> None:
    audience = {"contacts": [{"email": "h@x.org"}, {"email": "i@x.org"}]}
    workflow = await workflow_of(world, step("trigger", frequency="daily", timezone="Asia/Tokyo", audience=audience))
    await fire(world.database)
    (schedule,) = await world.sql("SELECT next_at AT TIME ZONE 'Asia/Tokyo' AS wall FROM workflow_schedule")
    assert (schedule["wall"].hour, schedule["wall"].minute) == (9, 0)
    for minutes in (2, 1):
        await make_due(world, minutes)
        assert await events_round(world.database)
    assert await emails(world, workflow) == ["h@x.org", "i@x.org"] * 2
    assert (await runs_of(world, workflow))[0]["timezone"] == "Asia/Tokyo"


async def test_saving_a_workflow_neither_fires_its_schedule_nor_puts_it_off(world: World) -> None:
    steps = [step("trigger", frequency="hourly")]
    workflow = await workflow_of(world, *steps)
    await fire(world.database)
    (before,) = await world.sql("SELECT next_at FROM workflow_schedule")
    await change(world, workflow, steps=[*steps, step("log", message="more")])
    assert list(await world.sql("SELECT next_at FROM workflow_schedule")) == [before]
    await change(world, workflow, status="paused")
    assert list(await world.sql("SELECT next_at FROM workflow_schedule")) == []


async def test_what_ended_runs_left_behind_is_taken_out(world: World) -> None:
    workflow = await workflow_of(
        world, step("wait_for_event", event="order.paid"), goals=[{"name": "a", "event": "order.gone"}]
    )
    (run,) = await enroll(world, workflow, {"email": "j@x.org"})
    await world.drain()
    await world.sql("UPDATE enrollment SET status = 'cancelled', claimable_at = NULL WHERE id = $1", run)
    await forget_stale(world.database)
    assert await world.sql("SELECT 1 FROM enrollment_key WHERE enrollment_id = $1", run) == []
