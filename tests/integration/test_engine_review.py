"""Corners of the engine's promises: two holders in one commit, pauses around calls, recovery at another time of day."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import orjson
import pytest

from drippulse.enrollments.claim import Claimed, claim
from drippulse.enrollments.commit import MailResult, Progress, Verdict, commit
from drippulse.enrollments.effects import Effects
from drippulse.enrollments.engine import Engine
from drippulse.enrollments.graphs import Graphs
from drippulse.enrollments.leases import Leases
from drippulse.enrollments.services import LiveServices
from drippulse.enrollments.state import begin, walk_state
from drippulse.enrollments.tables import Hold
from drippulse.enrollments.writer import GroupWriter
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Role
from drippulse.kit.json import dump_json
from drippulse.messaging import queries
from drippulse.messaging.links import MailRef
from drippulse.workflows.schemas import WorkflowUpdate
from drippulse.workflows.service import update_workflow
from drippulse.workflows.templates import Templates
from drippulse.workflows.walk import advance
from tests.conftest import MakeDatabase
from tests.support.smtp_sink import Behaviour
from tests.support.waiting import eventually
from tests.support.world import World, email, make_world, step


@pytest.fixture(scope="module")
async def shared_world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("engine_review")) as made:
        yield made


@pytest.fixture
async def world(shared_world: World) -> World:
    shared_world.sink.behaviour = Behaviour.ACCEPT
    shared_world.sink.ledger.clear()
    shared_world.sink.gate.clear()
    await shared_world.cancel_all()
    await shared_world.sql("DELETE FROM suppression")
    return shared_world


def at(held: Claimed, **changes: object) -> Progress:
    """A commit that stays where it is."""
    base = Progress(
        id=held.id,
        organization_id=held.organization_id,
        workflow_id=held.workflow_id,
        workflow_version=held.workflow_version,
        fence=held.fence,
        step_index=0,
        step_id=held.step_id,
        visit=1,
        visits=None,
        bag=None,
        attempt=0,
        entered_at=held.entered_at,
        next_run_at=held.now,
    )
    return replace(base, **changes)


def entries(held: Claimed) -> str:
    return dump_json([[1, 0, "completed", held.attempt, held.now]])


async def set_status(world: World, workflow: int, status: str) -> None:
    async with world.database.tenant(world.organization_id) as session:
        data = WorkflowUpdate.model_validate({"status": status})
        await update_workflow(session, world.principal, Vault.of(world.settings), workflow, data)


@asynccontextmanager
async def working(world: World, **changes: object) -> AsyncGenerator[Engine]:
    """An engine that runs as a worker's does."""
    async with world.engine(**changes) as engine:
        task = asyncio.create_task(engine.run())
        try:
            yield engine
        finally:
            await engine.stop()
            await task


async def test_of_two_holders_in_one_commit_only_the_one_with_the_fence_writes(world: World) -> None:
    """A worker that was frozen past its lease takes the row again while its older task goes on."""
    await world.enroll(await world.workflow(step("log", message="x")))
    [stale] = await claim(world.database, 10, 0.05)
    await asyncio.sleep(0.1)
    [fresh] = await claim(world.database, 10, 30)
    items = [at(stale, entries=entries(stale)), at(fresh, entries=entries(fresh))]
    assert await commit(world.database, items, 30) == [Verdict.FENCED, Verdict.WRITTEN]
    assert len(await world.timeline(fresh.id)) == 1


async def test_text_that_cannot_be_stored_harms_nobody_else(world: World) -> None:
    ids = await world.enroll(await world.workflow(step("log", message="x")), {"email": "a@x.org"}, {"email": "b@x.org"})
    async with world.engine() as engine:
        held = {one.id: one for one in await claim(world.database, 10, 30)}
        items = [at(held[ids[0]]), at(held[ids[1]], results=[MailResult(1, "failed", "Empf\udce4nger")])]
        verdicts = await engine._commit(items)  # pyright: ignore[reportPrivateUsage] - the seam under test
    assert verdicts[0] is Verdict.WRITTEN
    assert (await world.row(ids[0]))["attempt"] == 0


async def claimed_mid_call(world: World, enrollment_id: int) -> None:
    """Let a worker take the mail's lease and stop right after the server has the content, as kill -9 would."""
    world.sink.behaviour = Behaviour.TAKE_AND_WAIT
    engine = await Engine.create(world.settings)
    task = asyncio.create_task(engine.run())
    await eventually(lambda: len(world.sink.ledger) > 0)
    task.cancel()
    await asyncio.wait([task])
    await engine.close()
    world.sink.behaviour = Behaviour.ACCEPT
    await world.sql("UPDATE enrollment SET claimable_at = now() WHERE id = $1", enrollment_id)


def closed_now() -> dict[str, object]:
    """A window of the day that is not open at present."""
    start = datetime.now(UTC) + timedelta(hours=6)
    return {
        "start": start.strftime("%H:%M"),
        "end": (start + timedelta(hours=1)).strftime("%H:%M"),
        "timezone": "UTC",
    }


@pytest.mark.parametrize("known", [False, True])
async def test_a_window_that_closed_since_sends_no_second_mail(world: World, known: bool) -> None:
    """Killed in the middle of a mail; by the time the lease has run out the send window is closed."""
    workflow = await world.workflow(email(), step("log", message="on"))
    [one] = await world.enroll(workflow)
    await claimed_mid_call(world, one)
    if known:
        await world.sql("UPDATE delivery SET status = 'sent', response = '250' WHERE enrollment_id = $1", one)
    await set_window(world, workflow, closed_now())
    await world.drain()
    row = await world.row(one)
    assert row["wait_reason"] != "send_window", "the mail would go out again when the window opens"
    assert row["status"] == "completed"
    assert (await world.timeline(one))[0] == ("email", "completed" if known else "unknown")
    assert len(world.sink.ledger) == 1


async def set_window(world: World, workflow: int, window: dict[str, object]) -> None:
    """What time does to a window, done to the version instead, as its owner: versions never change otherwise."""
    connection = await asyncpg.connect(world.settings.database_owner_url)
    try:
        await connection.execute("ALTER TABLE workflow_version NO FORCE ROW LEVEL SECURITY")
        await connection.execute(
            "UPDATE workflow_version SET steps = jsonb_set(steps, '{0,config,send_window}', $2) WHERE workflow_id = $1",
            workflow,
            orjson.dumps(window).decode(),
        )
        await connection.execute("ALTER TABLE workflow_version FORCE ROW LEVEL SECURITY")
    finally:
        await connection.close()


async def test_a_mail_known_to_be_sent_is_not_called_poison(world: World) -> None:
    """Paused during the fifth attempt's call, which went well."""
    [one] = await world.enroll(await world.workflow(email(), step("log", message="on")))
    await claimed_mid_call(world, one)
    await world.sql("UPDATE delivery SET status = 'sent', response = '250' WHERE enrollment_id = $1", one)
    await world.sql("UPDATE enrollment SET attempt = 5 WHERE id = $1", one)
    await world.drain()
    assert (await world.row(one))["status"] == "completed"
    assert await world.timeline(one) == [("email", "completed"), ("log", "completed")]


async def test_a_pause_during_a_call_does_not_make_its_outcome_unknown(world: World) -> None:
    workflow = await world.workflow(email(on_unknown="resend"), step("log", message="on"))
    [one] = await world.enroll(workflow)
    world.sink.behaviour = Behaviour.TAKE_AND_WAIT
    async with working(world, smtp_timeout_seconds=20) as engine:
        await eventually(lambda: len(world.sink.ledger) == 1)
        await set_status(world, workflow, "paused")
        await set_status(world, workflow, "active")
        engine.poke()
        await asyncio.sleep(0.5)
        assert await world.timeline(one) == [], "nothing is decided while the call is in flight"
        world.sink.gate.set()

        async def recorded() -> bool:
            return await world.deliveries(one) == ["sent"]

        await eventually(recorded)
        await world.sql("UPDATE enrollment SET claimable_at = now() WHERE id = $1", one)
        engine.poke()

        async def ended() -> bool:
            return (await world.row(one))["status"] == "completed"

        await eventually(ended)
    assert len(world.sink.ledger) == 1
    assert await world.timeline(one) == [("email", "completed"), ("log", "completed")]


async def test_a_refusal_that_came_during_a_pause_is_tried_again_not_unknown(world: World) -> None:
    workflow = await world.workflow(email())
    [one] = await world.enroll(workflow)
    world.sink.behaviour = Behaviour.WAIT_AND_REFUSE
    async with working(world, smtp_timeout_seconds=20) as engine:

        async def intended() -> bool:
            return await world.deliveries(one) == ["intent"]

        await eventually(intended)
        await set_status(world, workflow, "paused")
        world.sink.gate.set()

        async def recorded() -> bool:
            return await world.deliveries(one) == ["retrying"]

        await eventually(recorded)
        world.sink.behaviour = Behaviour.ACCEPT
        await set_status(world, workflow, "active")
        await world.sql("UPDATE enrollment SET claimable_at = now() WHERE id = $1", one)
        engine.poke()

        async def ended() -> bool:
            return (await world.row(one))["status"] == "completed"

        await eventually(ended)
    assert len(world.sink.ledger) == 1
    assert (await world.timeline(one))[-1] == ("email", "completed")


async def test_a_late_answer_turns_unknown_into_sent(world: World) -> None:
    """A worker frozen during a call: another has written the mail off as unknown when the answer comes."""
    await world.enroll(await world.workflow(email()))
    [held] = await claim(world.database, 10, 0.05)
    await world.sql(
        """INSERT INTO delivery (organization_id, enrollment_id, workflow_id, visit, step_id, step_index, recipient,
             subject, message_id, status) VALUES ($1, $2, $3, 1, 'mail', 0, 'a@x.org', 's', 'm', 'unknown')""",
        held.organization_id,
        held.id,
        held.workflow_id,
    )
    await asyncio.sleep(0.1)
    await claim(world.database, 10, 30)
    late = at(held, results=[MailResult(1, "sent", "250 taken")])
    assert await commit(world.database, [late], 30) == [Verdict.FENCED]
    assert await world.deliveries(held.id) == ["sent"]


async def test_a_claim_that_answers_after_the_stop_is_given_back(world: World) -> None:
    """The stop comes while the claim is under way, held up by a lock on nothing but its own connection pool."""
    [one] = await world.enroll(await world.workflow(step("log", message="x")))
    engine = await Engine.create(world.settings.model_copy(update={"database_pool_size": 1}))
    database = engine._database  # pyright: ignore[reportPrivateUsage] - to hold its only connection
    async with database.pool.acquire():
        task = asyncio.create_task(engine.run())
        await asyncio.sleep(0.1)
        stopping = asyncio.create_task(engine.stop())
        await asyncio.sleep(0.1)
    await asyncio.wait_for(stopping, 5)
    await task
    await engine.close()
    row = await world.row(one)
    assert row["status"] == "completed" or (row["attempt"], row["claimable_at"]) == (0, row["next_run_at"])


async def test_a_claim_takes_no_more_than_asked_for_of_many_organizations(world: World) -> None:
    workflow = await world.workflow(step("log", message="x"))
    for organization_id in range(100_001, 100_121):
        async with world.database.tenant(organization_id) as session:
            await session.execute(
                "INSERT INTO enrollment (organization_id, workflow_id, workflow_version) VALUES ($1, $2, 1)",
                organization_id,
                workflow,
            )
    sizes, organizations = list[int](), set[int]()
    while claimed := await claim(world.database, 50, 30):
        sizes.append(len(claimed))
        organizations |= {one.organization_id for one in claimed}
    async with world.database.session(Role.ENGINE) as session:
        await session.execute("UPDATE enrollment SET status = 'cancelled' WHERE organization_id > 100000")
    assert max(sizes) <= 50
    assert len(organizations) == 120


@pytest.mark.parametrize(
    ("stopped", "written"),
    [
        ("Ada@Example.com", "ada@example.com"),
        ("ada@xn--bcher-kva.example", "ada@bücher.example"),
        ("ada@bücher.example", "ADA@xn--bcher-kva.example"),
        ("ZOË@example.com", "zoë@example.com"),
        ("zoe\u0308@example.com", "zo\u00eb@example.com"),
    ],
)
async def test_an_address_is_suppressed_in_whatever_way_it_is_written(world: World, stopped: str, written: str) -> None:
    async with world.database.tenant(world.organization_id) as session:
        await queries.suppress(session, MailRef(world.organization_id, 1, 1), stopped, "manual")
    [one] = await world.enroll(await world.workflow(email()), {"email": written})
    await world.drain()
    assert await world.timeline(one) == [("email", "skipped")]
    assert world.sink.ledger == []


async def test_pausing_and_resuming_under_load_meets_no_deadlock(world: World) -> None:
    """Batches, renewals, pauses and cancellations take the same rows; none may wait for another in a circle."""
    workflow = await world.workflow(step("trigger"), email(), step("log", message="x"))
    people = [{"email": f"d{n}@example.com", "first_name": "D"} for n in range(400)]
    ids = await world.enroll(workflow, *reversed(people))
    before = await deadlocks(world)
    async with working(world, lease_seconds=1.0, worker_batch=60) as one, working(world, worker_batch=60) as other:
        for status in ["paused", "active"] * 6:
            await set_status(world, workflow, status)
            one.poke()
            other.poke()
            await asyncio.sleep(0.05)

        async def all_ended() -> bool:
            await world.sql("UPDATE enrollment SET claimable_at = now() WHERE claimable_at > now() + interval '60 s'")
            one.poke()
            other.poke()
            rows = await world.sql(
                "SELECT count(*) AS n FROM enrollment WHERE id = ANY ($1) AND status = 'active'", ids
            )
            return rows[0]["n"] == 0

        await eventually(all_ended, within=40)
    assert await deadlocks(world) == before
    recipients = [taken.recipients[0] for taken in world.sink.ledger]
    assert len(recipients) == len(set(recipients))


async def deadlocks(world: World) -> int:
    await asyncio.sleep(1.1)  # the statistics are flushed once a second
    rows = await world.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    return int(rows[0]["deadlocks"])


async def test_no_call_begins_once_its_lease_may_have_run_out(world: World) -> None:
    """The intent went through, but only after so long that another worker may have the row by now."""
    [one] = await world.enroll(await world.workflow(email()))
    asked = time.monotonic()
    [held] = await claim(world.database, 1, 0.5)

    async def slowly(items: Sequence[Progress]) -> list[Verdict]:
        verdicts = await commit(world.database, items, 0.5)
        await asyncio.sleep(0.6)
        return verdicts

    vault = Vault.of(world.settings)
    graph = await Graphs(world.database, vault).get(held.organization_id, held.workflow_id, held.workflow_version)
    assert graph is not None
    services = LiveServices.create(world.settings, world.database)
    effects = Effects(services, GroupWriter(slowly), Leases(world.database, 0.5), 1, 0.02)
    run = begin(held, graph, Templates(), asked)
    await effects.run(run, advance(graph, walk_state(run), run.subject, held.now))
    await services.close()
    assert world.sink.ledger == []
    assert await world.deliveries(one) == ["intent"]


async def test_nothing_follows_a_call_that_ends_during_a_pause(world: World) -> None:
    workflow = await world.workflow(email(), step("wait", duration=0.1, unit="seconds"), {**email(), "id": "second"})
    [one] = await world.enroll(workflow)
    world.sink.behaviour = Behaviour.TAKE_AND_WAIT
    async with working(world, smtp_timeout_seconds=20):
        await eventually(lambda: len(world.sink.ledger) == 1)
        await set_status(world, workflow, "paused")
        world.sink.gate.set()

        async def recorded() -> bool:
            return await world.deliveries(one) == ["sent"]

        await eventually(recorded)
        await asyncio.sleep(0.3)
    row = await world.row(one)
    assert (row["holds"], row["claimable_at"], row["visit"]) == (Hold.WORKFLOW, None, 1)
    assert len(world.sink.ledger) == 1
