"""Pauses in every moment of a run: nothing is sent after one has committed, nothing is lost by a resume."""

import asyncio
import runpy
from collections.abc import AsyncGenerator

import asyncpg
import pytest

from drippulse.enrollments.actions import Action
from drippulse.enrollments.claim import claim
from drippulse.enrollments.commit import Progress, Verdict, commit
from drippulse.enrollments.control import Order, act_on_one
from drippulse.enrollments.errors import ActionRefusedError
from drippulse.enrollments.gate import TURNED_AWAY
from drippulse.enrollments.graphs import Graphs
from drippulse.enrollments.hold_locks import nothing_starts
from drippulse.enrollments.holding import AS_IT_WAS, Clock, ResumePolicy
from drippulse.enrollments.state import begin, to_progress, walk_state
from drippulse.enrollments.tables import Hold
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Session
from drippulse.migrations.run import VERSIONS
from drippulse.organizations import pausing as organization_pausing
from drippulse.workflows import pausing
from drippulse.workflows.templates import Templates
from drippulse.workflows.walk import advance
from tests.conftest import MakeDatabase
from tests.support.smtp_sink import Behaviour
from tests.support.waiting import eventually
from tests.support.world import World, email, make_world, step


@pytest.fixture(scope="module")
async def made(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("pausing")) as world:
        yield world


@pytest.fixture
async def world(made: World) -> World:
    await made.cancel_all()
    await made.sql("UPDATE organization SET paused_at = NULL")
    made.sink.ledger.clear()
    made.sink.behaviour = Behaviour.ACCEPT
    made.sink.gate = asyncio.Event()
    return made


class Pauser:
    """Pauses and resumes in one of the four ways."""

    def __init__(self, world: World, how: str, workflow: int, one: int) -> None:
        self.world, self.how, self.workflow, self.one = world, how, workflow, one

    async def pause(self) -> None:
        async with self.world.database.tenant(self.world.organization_id) as session:
            await self._pause(session)

    async def resume(self, policy: ResumePolicy = AS_IT_WAS) -> None:
        async with self.world.database.tenant(self.world.organization_id) as session:
            await self._resume(session, policy)

    async def _pause(self, session: Session) -> None:
        me, vault = self.world.principal, Vault.of(self.world.settings)
        match self.how:
            case "enrollment":
                await act_on_one(session, me, self.workflow, self.one, Order(Action.PAUSE))
            case "step":
                await pausing.pause_step(session, me, self.workflow, "mail")
            case "workflow":
                await pausing.pause_workflow(session, me, vault, self.workflow)
            case _:
                await organization_pausing.pause_organization(session, me)

    async def _resume(self, session: Session, policy: ResumePolicy) -> None:
        me, vault = self.world.principal, Vault.of(self.world.settings)
        match self.how:
            case "enrollment":
                await act_on_one(session, me, self.workflow, self.one, Order(Action.RESUME, policy))
            case "step":
                await pausing.resume_step(session, me, self.workflow, "mail", policy)
            case "workflow":
                await pausing.resume_workflow(session, me, vault, self.workflow, policy)
            case _:
                await organization_pausing.resume_organization(session, me, policy)


WAYS = pytest.mark.parametrize("how", ["enrollment", "step", "workflow", "organization"])


async def one_mail(world: World, how: str) -> Pauser:
    workflow = await world.workflow(step("log", message="x"), email())
    [one] = await world.enroll(workflow)
    return Pauser(world, how, workflow, one)


@WAYS
async def test_a_pause_before_the_claim(world: World, how: str) -> None:
    pauser = await one_mail(world, how)
    await pauser.pause()
    await world.drain()
    row = await world.row(pauser.one)
    assert (world.sink.ledger, row["claimable_at"]) == ([], None)
    assert row["held_at"] is not None
    await pauser.resume()
    await world.drain()
    row = await world.row(pauser.one)
    assert (len(world.sink.ledger), row["status"], row["holds"], row["held_at"]) == (1, "completed", 0, None)


async def walked(world: World) -> Progress:
    """What a worker would commit for the one run that is due."""
    vault = Vault.of(world.settings)
    [held] = await claim(world.database, 1, 30)
    graph = await Graphs(world.database, vault).get(held.organization_id, held.workflow_id, held.workflow_version)
    assert graph is not None
    run = begin(held, graph, Templates(), 0.0)
    walk = advance(graph, walk_state(run), run.subject, held.now)
    run.records += walk.records
    return to_progress(run, walk, held.now, 0.02)


@WAYS
async def test_a_pause_while_a_batch_is_being_walked(world: World, how: str) -> None:
    """The worker has claimed the run and has not committed: it writes nothing, and its claim is no attempt."""
    pauser = await one_mail(world, how)
    progress = await walked(world)
    await pauser.pause()
    wide = how in ("workflow", "organization")  # these are looked for before any call, fence or not
    assert await commit(world.database, [progress], 30) == [Verdict.REFUSED if wide else Verdict.FENCED]
    assert await world.deliveries(pauser.one) == []
    if how != "step":  # a worker in front of the step may have the run; it comes back with its lease
        assert (await world.row(pauser.one))["attempt"] == 0
    await pauser.resume()
    await world.sql("UPDATE enrollment SET claimable_at = now() WHERE id = $1", pauser.one)
    await world.drain()
    assert (len(world.sink.ledger), await world.deliveries(pauser.one)) == (1, ["sent"])


@pytest.mark.parametrize("how", ["enrollment", "workflow", "organization"])
async def test_a_pause_while_steps_without_effects_are_being_walked(world: World, how: str) -> None:
    workflow = await world.workflow(step("log", message="x"), step("wait", duration=1, unit="hours"))
    [one] = await world.enroll(workflow)
    pauser = Pauser(world, how, workflow, one)
    progress = await walked(world)
    await pauser.pause()
    assert await commit(world.database, [progress], 30) == [Verdict.FENCED]
    row = await world.row(one)
    assert (row["current_step_index"], row["claimable_at"], await world.timeline(one)) == (0, None, [])
    await pauser.resume()
    await world.drain()
    assert await world.timeline(one) == [("log", "completed")]


@WAYS
async def test_a_pause_during_a_call(world: World, how: str) -> None:
    """The call in flight ends and is recorded; nothing follows until the resume, and then nothing is sent twice."""
    second = {**email(subject="second"), "id": "second"}
    workflow = await world.workflow(email(), second)
    [one] = await world.enroll(workflow)
    pauser = Pauser(world, how, workflow, one)
    world.sink.behaviour = Behaviour.TAKE_AND_WAIT
    async with world.engine(smtp_timeout_seconds=20) as engine:
        task = asyncio.create_task(engine.drain())
        await eventually(lambda: len(world.sink.ledger) == 1)
        await pauser.pause()
        world.sink.gate.set()
        await task
    assert await world.deliveries(one) == ["sent"]
    assert (await world.row(one))["holds"] != 0
    world.sink.behaviour = Behaviour.ACCEPT
    await pauser.resume()
    row = await world.row(one)
    assert row["claimable_at"] > row["intent_at"], "the call gets its time to be recorded"
    await world.sql("UPDATE enrollment SET claimable_at = now() WHERE id = $1", one)
    await world.drain()
    assert [mail.message["subject"] for mail in world.sink.ledger] == ["Hi Ada", "second"]


async def test_a_paused_step_keeps_whoever_comes_to_it_and_nobody_else(world: World) -> None:
    workflow = await world.workflow(
        step("filter", conditions=[{"field": "vip", "operator": "is_true"}], on_fail="skip"), email()
    )
    vip, other = await world.enroll(workflow, {"email": "v@x.org", "vip": True}, {"email": "o@x.org"})
    pauser = Pauser(world, "step", workflow, vip)
    await pauser.pause()
    await world.drain()
    rows = [await world.row(one) for one in (vip, other)]
    assert [(row["status"], row["holds"]) for row in rows] == [("active", Hold.STEP), ("completed", 0)]
    await pauser.resume()
    await world.drain()
    assert (await world.row(vip))["status"] == "completed"


async def test_no_call_begins_while_somebody_is_pausing(world: World) -> None:
    """A run on its way to a step is not locked by who pauses the step, so it must not begin a call meanwhile."""
    workflow = await world.workflow(step("log", message="x"), email())
    [one] = await world.enroll(workflow)
    async with world.database.tenant(world.organization_id) as session:
        await nothing_starts(session, world.organization_id, workflow)
        await world.drain()
        assert (world.sink.ledger, await world.deliveries(one)) == ([], [])
        assert (await world.row(one))["wait_reason"] == "workflow_changing"
    await world.work_until_rest(one)
    assert len(world.sink.ledger) == 1


async def test_holds_add_up(world: World) -> None:
    workflow = await world.workflow(email())
    [one] = await world.enroll(workflow)
    pausers = [Pauser(world, how, workflow, one) for how in ("enrollment", "step", "workflow", "organization")]
    for pauser in pausers:
        await pauser.pause()
    for pauser in pausers:
        await world.drain()
        assert world.sink.ledger == []
        await pauser.resume()
    await world.drain()
    assert len(world.sink.ledger) == 1


async def test_a_frozen_clock_counts_from_the_first_hold_to_the_last(world: World) -> None:
    workflow = await world.workflow(step("wait", duration=1, unit="hours"))
    [one] = await world.enroll(workflow)
    await world.drain()
    before = await world.row(one)
    first, last = Pauser(world, "enrollment", workflow, one), Pauser(world, "organization", workflow, one)
    await first.pause()
    await world.sql("UPDATE enrollment SET held_at = held_at - interval '2 hours' WHERE id = $1", one)
    await last.pause()
    await first.resume(ResumePolicy(clock=Clock.FREEZE))
    assert (await world.row(one))["next_run_at"] == before["next_run_at"]
    await last.resume(ResumePolicy(clock=Clock.FREEZE))
    moved = (await world.row(one))["next_run_at"] - before["next_run_at"]
    assert 7200 <= moved.total_seconds() < 7260


async def test_what_slipped_past_a_pause_is_held_when_it_is_claimed(world: World) -> None:
    """As an enrolling worker leaves it that could not tell whether the workflow was just being paused."""
    pauser = await one_mail(world, "workflow")
    await pauser.pause()
    await world.sql("UPDATE enrollment SET holds = 0, held_at = NULL, claimable_at = now() WHERE id = $1", pauser.one)
    slipped_past = f"""SELECT FROM enrollment e JOIN workflow w ON w.id = e.workflow_id
      JOIN organization o ON o.id = e.organization_id WHERE e.id = $1 AND {TURNED_AWAY}"""
    assert await world.sql(slipped_past, pauser.one)
    await world.drain()
    row = await world.row(pauser.one)
    assert (row["holds"], row["claimable_at"], row["attempt"]) == (Hold.WORKFLOW, None, 0)
    await pauser.resume()
    await world.drain()
    assert len(world.sink.ledger) == 1


async def test_a_failed_run_is_retried_from_its_step_with_the_same_key(world: World) -> None:
    world.sink.behaviour = Behaviour.REFUSE_RECIPIENT
    workflow = await world.workflow(step("log", message="x"), email())
    [one] = await world.enroll(workflow)
    await world.drain()
    failed = await world.row(one)
    assert failed["status"] == "failed"
    world.sink.behaviour = Behaviour.ACCEPT
    await act(world, workflow, one, Order(Action.RETRY))
    await world.drain()
    row = await world.row(one)
    assert (row["status"], row["visit"], len(world.sink.ledger)) == ("completed", failed["visit"], 1)
    assert await world.timeline(one) == [("log", "completed"), ("email", "failed"), ("email", "completed")]
    with pytest.raises(ActionRefusedError, match="has not failed"):
        await act(world, workflow, one, Order(Action.RETRY))


async def test_a_poisoned_run_gets_five_fresh_attempts(world: World) -> None:
    workflow = await world.workflow(step("log", message="x"))
    [one] = await world.enroll(workflow)
    await world.sql("UPDATE enrollment SET attempt = 5, wait_reason = NULL WHERE id = $1", one)
    await world.drain()
    assert (await world.error(one))["code"] == "poison_step"
    await act(world, workflow, one, Order(Action.RETRY))
    assert (await world.row(one))["attempt"] == 0
    await world.drain()
    assert (await world.row(one))["status"] == "completed"


async def test_a_retry_in_a_paused_workflow_waits_for_its_end(world: World) -> None:
    world.sink.behaviour = Behaviour.REFUSE_RECIPIENT
    pauser = await one_mail(world, "workflow")
    await world.drain()
    await pauser.pause()
    world.sink.behaviour = Behaviour.ACCEPT
    await act(world, pauser.workflow, pauser.one, Order(Action.RETRY))
    await world.drain()
    assert world.sink.ledger == []
    await pauser.resume()
    await world.drain()
    assert len(world.sink.ledger) == 1


@pytest.mark.parametrize(("action", "mails"), [(Action.RESEND, 2), (Action.SKIP, 1)])
async def test_an_unknown_outcome_is_decided_once(world: World, action: Action, mails: int) -> None:
    last = {**step("wait", duration=1, unit="hours"), "id": "last"}
    workflow = await world.workflow(email(on_unknown="ask"), last)
    [one] = await world.enroll(workflow)
    world.sink.behaviour = Behaviour.TAKE_AND_DROP
    await world.drain()
    assert (await world.row(one))["wait_reason"] == "outcome_unknown"
    world.sink.behaviour = Behaviour.ACCEPT
    await act(world, workflow, one, Order(action))
    with pytest.raises(ActionRefusedError):
        await act(world, workflow, one, Order(action))
    await world.drain()
    row = await world.row(one)
    assert (len(world.sink.ledger), row["step_id"], row["signal"]) == (mails, "last", None)
    assert (await world.timeline(one))[-1] == ("email", "completed" if action is Action.RESEND else "skipped")


async def act(world: World, workflow: int, one: int, order: Order) -> None:
    async with world.database.tenant(world.organization_id) as session:
        await act_on_one(session, world.principal, workflow, one, order)


async def test_a_run_that_was_held_before_holds_had_flags_goes_on_after_the_upgrade(world: World) -> None:
    """As an installation comes to the migration whose workflow was paused under the version before."""
    pauser = await one_mail(world, "workflow")
    await pauser.pause()
    old = "UPDATE enrollment SET holds = 0, held_at = NULL, claimable_at = NULL, wait_reason = $2 WHERE id = $1"
    await world.sql(old, pauser.one, "workflow_paused")
    path = VERSIONS / "drippulse_2026_11_22t09_00_00_000024.py"
    owner = await asyncpg.connect(world.settings.database_owner_url)
    await owner.execute(runpy.run_path(str(path))["CONVERT"])
    await owner.close()
    await world.drain()
    assert world.sink.ledger == []
    await pauser.resume()
    await world.drain()
    assert (await world.row(pauser.one))["status"] == "completed"
    assert len(world.sink.ledger) == 1
