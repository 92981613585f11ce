"""Lifting a hold, compared with plain arithmetic over many random runs, and what policies mean to a run."""

import random
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta

import pytest

from drippulse.enrollments.holding import Clock, Late, ResumePolicy, Scope, hold_where, release_where
from drippulse.enrollments.tables import Hold
from drippulse.kit.db import Record, Session
from tests.conftest import MakeDatabase
from tests.support.hold_model import HeldRun, released
from tests.support.world import World, email, make_world, step

POLICIES = [
    ResumePolicy(clock=clock, late=late, late_hours=hours, rate_per_minute=rate)
    for clock in Clock
    for late, hours, rate in [(Late.SEND, 0, None), (Late.SKIP, 0, None), (Late.SKIP, 5, None), (Late.RESPREAD, 0, 7)]
]

PLANT = """UPDATE enrollment SET status = CASE WHEN $2::smallint & 1 = 1 THEN 'paused' ELSE 'active' END, holds = $2,
  held_at = $3, next_run_at = $4, step_entered_at = $5, intent_at = $6, claimable_at = NULL,
  signal = CASE WHEN $7::boolean THEN '{"event": {}}'::jsonb END WHERE id = $1"""


@pytest.fixture(scope="module")
async def world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("resume_policies")) as made:
        yield made


def as_run(row: Record) -> HeldRun:
    return HeldRun(
        row["id"],
        row["holds"],
        row["held_at"],
        row["next_run_at"],
        row["step_entered_at"],
        row["intent_at"],
        row["signal"] is not None and "event" in row["signal"],
        row["claimable_at"],
        row["signal"] is not None and "skip_sends" in row["signal"],
    )


async def plant(session: Session, run: HeldRun) -> None:
    values = (run.holds, run.held_at, run.next_run_at, run.step_entered_at, run.intent_at, run.signal)
    await session.execute(PLANT, run.id, *values)


def random_run(one: int, chance: random.Random, now: datetime) -> HeldRun:
    def ago(least: float, most: float) -> datetime:
        return now - timedelta(seconds=chance.choice([least, most, chance.uniform(least, most)]))

    return HeldRun(
        one,
        chance.choice([4, 4, 4, 5, 6, 12]),
        ago(0, 40_000),
        chance.choice([None, ago(-40_000, 40_000), ago(0, 40_000)]),
        ago(40_000, 80_000),
        chance.choice([None, None, ago(0, 300)]),
        chance.random() < 0.2,
    )


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: f"{policy.clock}-{policy.late}-{policy.late_hours}")
async def test_a_release_is_what_plain_arithmetic_says(world: World, policy: ResumePolicy) -> None:
    chance = random.Random(5)
    workflow = await world.workflow(step("log", message="x"))
    ids = await world.enroll(workflow, *({"email": f"p{n}@x.org"} for n in range(120)))
    async with world.database.tenant(world.organization_id) as session:
        now = await session.fetchval("SELECT now()")
        before = [random_run(one, chance, now) for one in ids]
        for run in before:
            await plant(session, run)
        await release_where(session, Scope.workflow(world.organization_id, workflow), policy)
        rows = await session.fetch("SELECT * FROM enrollment WHERE workflow_id = $1 ORDER BY id", workflow)
    assert [as_run(row) for row in rows] == released(before, Hold.WORKFLOW, policy, now)


async def test_a_respread_goes_on_after_a_first_part(world: World) -> None:
    workflow = await world.workflow(step("log", message="x"))
    [one] = await world.enroll(workflow)
    policy = ResumePolicy(late=Late.RESPREAD, rate_per_minute=60)
    async with world.database.tenant(world.organization_id) as session:
        scope = Scope.picked(world.organization_id, workflow, [one])
        await hold_where(session, scope)
        await release_where(session, scope, policy, first_place=90)
        seconds = await session.fetchval(
            "SELECT extract(epoch FROM claimable_at - now()) FROM enrollment WHERE id = $1", one
        )
    assert float(seconds) == pytest.approx(90)


async def test_stale_mails_are_skipped_with_the_reason_until_the_next_wait(world: World) -> None:
    last = {**email(subject="last"), "id": "last"}
    workflow = await world.workflow(
        step("wait", duration=1, unit="hours"), email(), {**step("wait", duration=1, unit="hours"), "id": "w2"}, last
    )
    [one] = await world.enroll(workflow)
    await world.drain()
    await shift(world, one, "5 hours")
    await pause_and_resume(world, workflow, ResumePolicy(late=Late.SKIP, late_hours=3))
    await world.drain()
    assert await world.timeline(one) == [("wait", "completed"), ("email", "skipped")]
    [logged] = await world.sql("SELECT output FROM enrollment_step WHERE enrollment_id = $1 AND type = 'email'", one)
    assert "due too long ago" in logged["output"]
    await shift(world, one, "2 hours")
    await world.drain()
    assert [mail.message["subject"] for mail in world.sink.ledger] == ["last"]


async def test_a_frozen_clock_starts_where_it_stopped(world: World) -> None:
    workflow = await world.workflow(step("wait", duration=1, unit="hours"), email())
    [one] = await world.enroll(workflow)
    await world.drain()
    async with world.database.tenant(world.organization_id) as session:
        scope = Scope.workflow(world.organization_id, workflow)
        await hold_where(session, scope)
        await session.execute("UPDATE enrollment SET held_at = held_at - interval '3 hours' WHERE id = $1", one)
        before = await world_row(session, one)
        await release_where(session, scope, ResumePolicy(clock=Clock.FREEZE))
    after = await world.row(one)
    assert after["next_run_at"] - before["next_run_at"] >= timedelta(hours=3)
    await world.drain()
    assert (await world.row(one))["visit"] == 1, "the wait is asked with the time it entered at shifted as well"


async def world_row(session: Session, one: int) -> Record:
    row = await session.fetchrow("SELECT * FROM enrollment WHERE id = $1", one)
    assert row is not None
    return row


async def shift(world: World, one: int, by: str) -> None:
    await world.sql(
        """UPDATE enrollment SET next_run_at = next_run_at - $2::text::interval,
             claimable_at = claimable_at - $2::text::interval, step_entered_at = step_entered_at - $2::text::interval
           WHERE id = $1""",
        one,
        by,
    )


async def pause_and_resume(world: World, workflow: int, policy: ResumePolicy) -> None:
    async with world.database.tenant(world.organization_id) as session:
        scope = Scope.workflow(world.organization_id, workflow)
        await hold_where(session, scope)
        await release_where(session, scope, policy)
