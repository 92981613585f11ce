"""Pauses, resumes and deletions of many runs: in force at once, worked off in chunks, whoever dies meanwhile."""

import asyncio
import os
import random
import sys
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import orjson
import pytest

from drippulse.enrollments import hold_changes, presentation, queries
from drippulse.enrollments.commit import Verdict, commit
from drippulse.enrollments.explaining.service import explain
from drippulse.enrollments.hold_changes import CHUNK, Change, ChangeKind, forget_places, work_on_changes
from drippulse.enrollments.holding import AS_IT_WAS, Clock, Late, ResumePolicy
from drippulse.enrollments.holds import held_of_workflow
from drippulse.enrollments.tables import Hold
from drippulse.kit.crypto import Vault
from drippulse.organizations import pausing as organization_pausing
from drippulse.workflows import pausing, service
from drippulse.workflows.templates import Templates
from tests.conftest import MakeDatabase
from tests.integration.test_pausing import walked
from tests.integration.test_resume_policies import POLICIES, as_run, plant, random_run
from tests.support.hold_model import released
from tests.support.waiting import eventually
from tests.support.world import World, email, make_world, step

MANY = CHUNK + 300
WAYS = pytest.mark.parametrize("how", ["workflow", "organization", "step"])
WORKER = """
import asyncio, sys
from drippulse.enrollments.hold_changes import work_on_changes
from drippulse.kit.db import Database
from drippulse.settings import get_settings
async def main():
    database = Database(get_settings())
    await database.open()
    await work_on_changes(database, chunk=100, seconds=60)
asyncio.run(main())
"""


@pytest.fixture(scope="module")
async def made(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("hold_changes")) as world:
        yield world


@pytest.fixture
async def world(made: World) -> World:
    await made.sql("DELETE FROM enrollment")
    await made.sql("UPDATE organization SET paused_at = NULL")
    await made.sql("UPDATE hold_change SET finished_at = now() WHERE finished_at IS NULL")
    made.sink.ledger.clear()
    return made


async def crowd(world: World, people: int = MANY) -> int:
    """A workflow with so many runs, all due to be mailed."""
    workflow = await world.workflow(email())
    await world.enroll(workflow, *({"email": f"p{n}@example.com"} for n in range(people)))
    return workflow


async def pause(world: World, how: str, workflow: int) -> Mapping[str, Any]:
    async with world.database.tenant(world.organization_id) as session:
        if how == "workflow":
            return await pausing.pause_workflow(session, world.principal, Vault.of(world.settings), workflow)
        if how == "step":
            return await pausing.pause_step(session, world.principal, workflow, "mail")
        return await organization_pausing.pause_organization(session, world.principal)


async def resume(world: World, how: str, workflow: int, policy: ResumePolicy = AS_IT_WAS) -> Mapping[str, Any]:
    async with world.database.tenant(world.organization_id) as session:
        if how == "workflow":
            return await pausing.resume_workflow(session, world.principal, Vault.of(world.settings), workflow, policy)
        if how == "step":
            return await pausing.resume_step(session, world.principal, workflow, "mail", policy)
        return await organization_pausing.resume_organization(session, world.principal, policy)


async def holds(world: World, workflow: int) -> dict[int, int]:
    """How many runs have which holds."""
    rows = await world.sql("SELECT holds, count(*) AS n FROM enrollment WHERE workflow_id = $1 GROUP BY 1", workflow)
    return {row["holds"]: row["n"] for row in rows}


async def only_last_ones_due(world: World, people: int) -> None:
    keep = "SELECT id FROM enrollment ORDER BY id DESC LIMIT $1"
    await world.sql(f"UPDATE enrollment SET claimable_at = NULL WHERE id NOT IN ({keep})", people)


FLAGS = {"workflow": Hold.WORKFLOW, "organization": Hold.ORGANIZATION, "step": Hold.STEP}


@WAYS
async def test_a_pause_of_many_is_in_force_before_it_has_got_to_them(world: World, how: str) -> None:
    workflow = await crowd(world)
    answer = await pause(world, how, workflow)
    assert (answer["changed"], answer["remaining"]) == (MANY, MANY)
    assert await holds(world, workflow) == {0: MANY}, "nothing is held yet but the whole"
    await only_last_ones_due(world, 70)
    await world.drain()
    assert world.sink.ledger == []
    assert await holds(world, workflow) == {0: MANY - 70, FLAGS[how]: 70}, "the claim turned them away"


@WAYS
async def test_a_worker_that_had_claimed_a_run_makes_no_call_after_the_pause(world: World, how: str) -> None:
    workflow = await crowd(world)
    progress = await walked(world)
    await pause(world, how, workflow)
    assert await commit(world.database, [progress], 30) == [Verdict.FENCED if how == "step" else Verdict.REFUSED]
    assert await world.sql("SELECT FROM delivery WHERE workflow_id = $1", workflow) == []


@pytest.mark.parametrize("how", ["workflow", "organization"])
async def test_what_is_asked_meanwhile_is_told_as_it_is(world: World, how: str) -> None:
    workflow = await crowd(world)
    reason = f"{how}_paused"
    await pause(world, how, workflow)
    assert await told(world, workflow, reason) == ([reason], f"{how.capitalize()} is paused", MANY, MANY, 0)
    await work_on_changes(world.database, chunk=CHUNK, seconds=60)
    await resume(world, how, workflow)
    shown = await told(world, workflow, reason)
    assert shown == ([reason], "not had its turn yet", MANY, MANY, 0), "until the resume has got to them they are held"
    await work_on_changes(world.database, chunk=CHUNK, seconds=60)
    assert await told(world, workflow, reason) == ([None], "next free worker", 0, 0, MANY)


async def told(world: World, workflow: int, reason: str) -> tuple[list[str | None], str, int, int, int]:
    """Wait reasons of the list, what explain says, how many are held, how many are filtered by the reason, how many
    run in the funnel."""
    filters = queries.Filters(wait_reason=reason)
    organization_id = world.organization_id
    async with world.database.tenant(organization_id) as session:
        [one] = await queries.matching_ids(session, organization_id, workflow, queries.Filters(step_index=0), 0, 1)
        row = await queries.detail(session, organization_id, workflow, one)
        assert row is not None
        held = await held_of_workflow(session, organization_id, workflow)
        found = await queries.count(session, organization_id, workflow, filters)
        counted = await queries.counts(session, organization_id, workflow)
        funnel = presentation.step_funnel([presentation.StepOutline("mail", "Mail", "email")], counted)
        vault = Vault.of(world.settings)
        answer = await explain(session, world.principal, vault, Templates(), workflow, one)
    sentence: str = answer["waiting"]["sentence"].replace("Its workflow is", "Workflow is")
    sentence = sentence.replace("The whole organization is", "Organization is")
    known = ("Workflow is paused", "Organization is paused", "not had its turn yet", "next free worker")
    said = next((text for text in known if text in sentence), sentence)
    return (
        [presentation.wait(row)["reason"]],
        said,
        held[reason],
        found,
        funnel["steps"][0]["running_leads"],
    )


async def test_a_killed_process_loses_nothing_of_20_000(world: World) -> None:
    workflow = await crowd(world, 20_000)
    await pause(world, "workflow", workflow)
    await killed_half_way(world, workflow, Hold.WORKFLOW)
    await eventually(lambda: work_on_changes(world.database, chunk=1000, seconds=60))  # its transaction ends first
    assert await holds(world, workflow) == {Hold.WORKFLOW: 20_000}
    [since] = await world.sql(
        "SELECT count(DISTINCT held_at) AS n, max(held_at) AS at FROM enrollment WHERE holds <> 0"
    )
    [change] = await world.sql("SELECT * FROM hold_change WHERE workflow_id = $1", workflow)
    assert (since["n"], since["at"]) == (1, change["created_at"]), "all are held since the pause"
    assert (change["done"], change["finished_at"] is not None) == (20_000, True)
    await resume(world, "workflow", workflow)
    await killed_half_way(world, workflow, 0)
    await work_on_changes(world.database, chunk=1000, seconds=60)
    assert await holds(world, workflow) == {0: 20_000}
    [free] = await world.sql(
        "SELECT count(*) AS n FROM enrollment WHERE workflow_id = $1 AND claimable_at <= now()", workflow
    )
    assert free["n"] == 20_000
    assert not await work_on_changes(world.database)


async def killed_half_way(world: World, workflow: int, flag: int) -> None:
    """A process of its own works on the change until some runs have these holds, and is killed."""
    environment = {**os.environ, "DRIPPULSE_DATABASE_URL": world.settings.database_url}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, env=environment)
    end = asyncio.get_running_loop().time() + 30
    while not (await holds(world, workflow)).get(flag):
        assert process.returncode is None, "it ended before it was killed"
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.01)
    process.kill()
    await process.wait()
    assert 0 < (await holds(world, workflow))[flag] < 20_000, "it was killed half-way"


@WAYS
async def test_the_last_command_counts_when_an_earlier_one_is_under_way(world: World, how: str) -> None:
    workflow = await crowd(world)
    flag = FLAGS[how]
    await pause(world, how, workflow)
    await one_chunk(world)
    assert set(await holds(world, workflow)) == {0, flag}
    await resume(world, how, workflow)
    await one_chunk(world)
    await pause(world, how, workflow)
    await one_chunk(world)
    await resume(world, how, workflow, ResumePolicy(late=Late.RESPREAD, rate_per_minute=60_000))
    await one_chunk(world)
    await pause(world, how, workflow)
    await work_on_changes(world.database, seconds=60)
    assert await holds(world, workflow) == {flag: MANY}
    await forget_places(world.database)
    await resume(world, how, workflow)
    await work_on_changes(world.database, seconds=60)
    assert await holds(world, workflow) == {0: MANY}
    assert [row["superseded"] for row in await world.sql("SELECT * FROM hold_change WHERE finished_at IS NULL")] == []


async def one_chunk(world: World) -> None:
    async def done() -> int:
        [row] = await world.sql("SELECT coalesce(max(after_id), 0) AS at FROM hold_change WHERE finished_at IS NULL")
        return int(row["at"])

    assert await done() == 0
    task = asyncio.create_task(work_on_changes(world.database, chunk=300, seconds=0.001))
    await task
    assert await done() > 0


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: f"{policy.clock}-{policy.late}-{policy.late_hours}")
async def test_a_release_in_chunks_is_what_plain_arithmetic_says(world: World, policy: ResumePolicy) -> None:
    chance = random.Random(11)
    workflow = await world.workflow(step("log", message="x"))
    ids = await world.enroll(workflow, *({"email": f"p{n}@x.org"} for n in range(120)))
    async with world.database.tenant(world.organization_id) as session:
        now = await session.fetchval("SELECT now()")
        before = [random_run(one, chance, now) for one in ids]
        for run in before:
            await plant(session, run)
        change = Change(ChangeKind.RELEASE, Hold.WORKFLOW, workflow, policy=policy)
        await hold_changes.begin(session, world.principal, change, few=0)
    await work_on_changes(world.database, chunk=7, seconds=60)
    rows = await world.sql("SELECT * FROM enrollment WHERE workflow_id = $1 ORDER BY id", workflow)
    assert [as_run(row) for row in rows] == released(before, Hold.WORKFLOW, policy, now)
    assert await world.sql("SELECT FROM hold_change WHERE finished_at IS NULL") == []


async def test_what_the_claim_turned_away_is_held_since_the_pause(world: World) -> None:
    workflow = await crowd(world)
    await pause(world, "workflow", workflow)
    await only_last_ones_due(world, 1)
    await asyncio.sleep(0.05)
    await world.drain()
    [row] = await world.sql("SELECT held_at FROM enrollment WHERE holds <> 0")
    [change] = await world.sql("SELECT created_at FROM hold_change WHERE workflow_id = $1", workflow)
    assert row["held_at"] == change["created_at"]


async def test_a_deleted_workflow_ends_its_many_runs_each_with_one_event(world: World) -> None:
    workflow = await crowd(world)
    async with world.database.tenant(world.organization_id) as session:
        await service.delete_workflow(session, world.principal, workflow)
    await only_last_ones_due(world, 40)
    await world.drain()
    assert world.sink.ledger == []
    assert len(await cancelled(world, workflow)) == 40, "the claim turned them away, and said so"
    await work_on_changes(world.database, chunk=1000, seconds=60)
    events = await cancelled(world, workflow)
    assert (len(events), len(set(events))) == (MANY, MANY)
    [left] = await world.sql(
        "SELECT count(*) AS n FROM enrollment WHERE workflow_id = $1 AND status <> 'cancelled'", workflow
    )
    assert left["n"] == 0


async def cancelled(world: World, workflow: int) -> list[str]:
    """The runs that the log calls cancelled because their workflow was deleted."""
    rows = await world.sql("SELECT record_id, data FROM event WHERE type = 'enrollment.cancelled' ORDER BY id")
    told = [(row["record_id"], orjson.loads(row["data"])) for row in rows]
    return [one for one, data in told if data["workflow_id"] == workflow and data["reason"] == "workflow_deleted"]


async def test_a_mail_that_is_sent_again_is_held_with_the_others(world: World) -> None:
    """Such a run is hidden, and no listing has it."""
    workflow = await crowd(world, 3)
    await world.sql(
        """INSERT INTO enrollment (organization_id, workflow_id, workflow_version, step_id, sends_for, deleted_at)
           SELECT organization_id, workflow_id, 1, step_id, id, now() FROM enrollment WHERE workflow_id = $1""",
        workflow,
    )
    for kind, expected in ((ChangeKind.HOLD, Hold.WORKFLOW), (ChangeKind.RELEASE, 0)):
        async with world.database.tenant(world.organization_id) as session:
            await hold_changes.begin(session, world.principal, Change(kind, Hold.WORKFLOW, workflow), few=0)
        await work_on_changes(world.database, chunk=2, seconds=60)
        assert await holds(world, workflow) == {expected: 6}


async def test_a_frozen_clock_counts_to_the_resume_and_not_to_its_turn(world: World) -> None:
    workflow = await crowd(world)
    await world.sql("UPDATE enrollment SET next_run_at = now() + interval '1 hour' WHERE workflow_id = $1", workflow)
    await pause(world, "workflow", workflow)
    await work_on_changes(world.database, seconds=60)
    before = {
        row["id"]: row["next_run_at"]
        for row in await world.sql("SELECT id, next_run_at FROM enrollment WHERE holds <> 0")
    }
    await resume(world, "workflow", workflow, ResumePolicy(clock=Clock.FREEZE))
    await asyncio.sleep(0.05)
    await work_on_changes(world.database, seconds=60)
    pauses = await world.sql("SELECT created_at FROM hold_change WHERE workflow_id = $1 ORDER BY id", workflow)
    shift = pauses[1]["created_at"] - pauses[0]["created_at"]
    rows = await world.sql("SELECT id, next_run_at FROM enrollment WHERE workflow_id = $1", workflow)
    assert {row["next_run_at"] - before[row["id"]] for row in rows} == {shift}
