"""What the engine promises when workers die, freeze, or meet each other."""

import asyncio
import signal
import time
from collections.abc import AsyncGenerator, Callable

import pytest
from pydantic import SecretStr

from drippulse.enrollments.cancellation import remove
from drippulse.enrollments.claim import Claimed, claim
from drippulse.enrollments.commit import Progress, Verdict, commit
from drippulse.enrollments.sweep import sweep
from drippulse.enrollments.tables import Hold
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Record
from drippulse.organizations import service as organizations
from drippulse.workflows.schemas import WorkflowUpdate
from drippulse.workflows.service import update_workflow
from tests.conftest import MakeDatabase
from tests.support.processes import killed, process
from tests.support.world import World, email, make_world, step

SHORT_LEASE = {"DRIPPULSE_LEASE_SECONDS": "2"}


@pytest.fixture(scope="module")
async def shared_world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("engine_faults")) as made:
        yield made


@pytest.fixture
async def world(shared_world: World) -> World:
    shared_world.sink.ledger.clear()
    await shared_world.cancel_all()
    return shared_world


async def until(
    world: World, enrollment_id: int, status: str, also: Callable[[Record], bool] = lambda _: True, within: float = 30
) -> None:
    end = time.monotonic() + within
    while True:
        row = await world.row(enrollment_id)
        if row["status"] == status and also(row):
            return
        assert time.monotonic() < end, dict(row)
        await asyncio.sleep(0.05)


def progress(held: Claimed, step_id: str, bag: str | None = None) -> Progress:
    """A commit that stays where it is."""
    return Progress(
        id=held.id,
        organization_id=held.organization_id,
        workflow_id=held.workflow_id,
        workflow_version=held.workflow_version,
        fence=held.fence,
        step_index=0,
        step_id=step_id,
        visit=1,
        visits=None,
        bag=bag,
        attempt=0,
        entered_at=held.entered_at,
    )


@pytest.mark.parametrize(("failpoint", "mails"), [("effect.after_intent", 0), ("effect.after_call", 1)])
async def test_a_worker_killed_around_a_mail_leaves_it_unknown_and_nobody_sends_it_twice(
    world: World, failpoint: str, mails: int
) -> None:
    [one] = await world.enroll(await world.workflow(step("trigger"), email(), step("log", message="on")))
    async with process(world.settings, "worker", DRIPPULSE_FAILPOINT=failpoint, **SHORT_LEASE) as worker:
        assert await killed(worker)
    assert await world.deliveries(one) == ["intent"]
    async with process(world.settings, "worker", **SHORT_LEASE):
        await until(world, one, "completed")
    assert len(world.sink.ledger) == mails
    assert await world.timeline(one) == [("trigger", "completed"), ("email", "unknown"), ("log", "completed")]
    assert await world.deliveries(one) == ["unknown"]


@pytest.mark.parametrize("failpoint", ["batch.claimed", "batch.before_commit", "batch.after_commit"])
async def test_a_worker_killed_around_a_batch_loses_and_doubles_no_step(world: World, failpoint: str) -> None:
    ids = await world.enroll(
        await world.workflow(step("trigger"), step("set_fields", fields={"tier": "gold"}), step("log", message="x")),
        *({"email": f"p{number}@example.com"} for number in range(50)),
    )
    async with process(world.settings, "worker", DRIPPULSE_FAILPOINT=failpoint, **SHORT_LEASE) as worker:
        assert await killed(worker)
    async with process(world.settings, "worker", **SHORT_LEASE):
        await asyncio.gather(*(until(world, one, "completed") for one in ids))
    timelines = [await world.timeline(one) for one in ids]
    assert timelines == [[("trigger", "completed"), ("set_fields", "completed"), ("log", "completed")]] * 50


async def test_a_step_that_kills_its_worker_five_times_ends_as_poisoned(world: World) -> None:
    [one] = await world.enroll(await world.workflow(step("log", message="x")))
    await world.sql("UPDATE enrollment SET attempt = 5 WHERE id = $1", one)
    await world.drain()
    assert (await world.row(one))["status"] == "failed"
    assert (await world.error(one))["code"] == "poison_step"


async def test_a_stopped_worker_hands_over_within_two_seconds(world: World) -> None:
    ids = await world.enroll(
        await world.workflow(step("wait", duration=30, unit="minutes")),
        *({"email": f"h{n}@example.com"} for n in range(20)),
    )
    async with process(world.settings, "worker") as worker:
        await until(world, ids[-1], "active", lambda row: row["fence"] > 1)
        began = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), 10) == 0
        assert time.monotonic() - began < 4
    rows = [await world.row(one) for one in ids]
    assert all(row["claimable_at"] == row["next_run_at"] for row in rows)


async def test_a_writer_with_an_old_fence_changes_nothing(world: World) -> None:
    [one] = await world.enroll(await world.workflow(step("log", message="x")))
    [frozen] = await claim(world.database, 10, 0.05)
    await asyncio.sleep(0.1)
    [taker] = await claim(world.database, 10, 30)
    assert taker.fence == frozen.fence + 1
    late = progress(frozen, "log", '{"stale": 1}')
    assert await commit(world.database, [late], 30) == [Verdict.FENCED]
    assert "stale" not in (await world.row(one))["bag"]


async def test_a_repeated_commit_writes_once(world: World) -> None:
    await world.enroll(await world.workflow(step("log", message="x")))
    [held] = await claim(world.database, 10, 30)
    item = progress(held, "log")
    item.next_run_at = held.now
    assert await commit(world.database, [item], 30) == [Verdict.WRITTEN]
    assert await commit(world.database, [item], 30) == [Verdict.FENCED]


async def test_an_intent_needs_a_living_lease(world: World) -> None:
    await world.enroll(await world.workflow(email()))
    [held] = await claim(world.database, 10, 0.05)
    await asyncio.sleep(0.1)
    item = progress(held, "mail")
    item.intent = item.keep_lease = True
    assert await commit(world.database, [item], 30) == [Verdict.FENCED]


async def test_data_the_database_refuses_fails_its_own_enrollment_alone(world: World) -> None:
    ids = await world.enroll(await world.workflow(step("log", message="x")), {"email": "a@x.org"}, {"email": "b@x.org"})
    async with world.engine() as engine:
        held = {one.id: one for one in await claim(world.database, 10, 30)}
        bags = ['{"fine": 1}', '{"bad": "\\u0000"}']
        items = [progress(held[one], "log", bag) for one, bag in zip(ids, bags, strict=True)]
        await engine._commit(items)  # pyright: ignore[reportPrivateUsage] - the seam under test
    assert (await world.row(ids[0]))["status"] == "active"
    assert (await world.row(ids[1]))["status"] == "failed"
    assert (await world.error(ids[1]))["code"] == "data_refused"


async def test_one_organizations_backlog_does_not_starve_another(world: World) -> None:
    await world.enroll(await world.workflow(step("log", message="x")), *({"email": f"b{n}@x.org"} for n in range(500)))
    other = World(
        world.settings, world.database, world.sink, await organizations.create_organization(world.database, "Small")
    )
    [lone] = await other.enroll(await other.workflow(step("log", message="x")))
    claimed = await claim(world.database, 100, 30)
    assert lone in {one.id for one in claimed}
    assert 50 <= len(claimed) <= 101


async def test_two_workers_at_once_run_no_step_twice(world: World) -> None:
    ids = await world.enroll(
        await world.workflow(step("trigger"), step("log", message="x")), *({"email": f"t{n}@x.org"} for n in range(300))
    )
    await asyncio.gather(world.drain(worker_batch=20), world.drain(worker_batch=20))
    rows = await world.sql(
        "SELECT enrollment_id, count(*) AS steps FROM enrollment_step WHERE enrollment_id = ANY ($1) GROUP BY 1", ids
    )
    assert [row["steps"] for row in rows] == [2] * 300


async def test_nothing_runs_before_its_time(world: World) -> None:
    [one] = await world.enroll(await world.workflow(step("wait", duration=1, unit="seconds"), step("log", message="x")))
    await world.drain()
    assert await world.timeline(one) == []
    assert await world.drain() == 0
    await world.work_until_rest(one)
    rows = await world.sql(
        "SELECT started_at, finished_at FROM enrollment_step WHERE enrollment_id = $1 ORDER BY id", one
    )
    assert (rows[0]["finished_at"] - rows[0]["started_at"]).total_seconds() >= 1


async def test_the_sweeper_beats_and_sees_what_is_due(world: World) -> None:
    assert await sweep(world.database) is False
    await world.enroll(await world.workflow(step("log", message="x")))
    assert await sweep(world.database) is True
    rows = await world.sql("SELECT now() - beat_at < interval '5 s' AS fresh FROM heartbeat WHERE name = 'sweeper'")
    assert rows[0]["fresh"]


async def test_a_deleted_enrollment_does_nothing_more(world: World) -> None:
    workflow = await world.workflow(step("wait", duration=1, unit="seconds"), email())
    [one] = await world.enroll(workflow)
    await world.drain()
    async with world.database.tenant(world.organization_id) as session:
        assert await remove(session, world.organization_id, workflow, one)
    await asyncio.sleep(1.1)
    await world.drain()
    assert world.sink.ledger == []


async def test_pausing_a_workflow_holds_everybody_and_resuming_loses_nobody(world: World) -> None:
    workflow = await world.workflow(step("wait", duration=1, unit="seconds"), email())
    [one] = await world.enroll(workflow)
    await world.drain()
    await set_status(world, workflow, "paused")
    await asyncio.sleep(1.1)
    await world.drain()
    assert world.sink.ledger == []
    row = await world.row(one)
    assert (row["status"], row["claimable_at"], row["holds"]) == ("active", None, Hold.WORKFLOW)
    await set_status(world, workflow, "active")
    await world.drain()
    assert len(world.sink.ledger) == 1
    assert (await world.row(one))["status"] == "completed"


async def set_status(world: World, workflow: int, status: str) -> None:
    async with world.database.tenant(world.organization_id) as session:
        data = WorkflowUpdate.model_validate({"status": status})
        await update_workflow(session, world.principal, Vault.of(world.settings), workflow, data)


async def test_a_worker_with_the_wrong_key_ends_no_enrollment(world: World) -> None:
    hook = step("webhook_callback", url="https://example.com/x", secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    [one] = await world.enroll(await world.workflow(step("trigger"), hook))
    await world.drain(secret_key=SecretStr("another key of thirty-two characters"))
    row = await world.row(one)
    assert (row["status"], row["wait_reason"], row["attempt"]) == ("active", "secret_unreadable", 0)
    assert row["claimable_at"] == row["next_run_at"]


async def test_what_may_kill_its_worker_runs_alone_and_takes_nobody_along(world: World) -> None:
    """Timeline rows carry the time of the transaction that wrote them: what stands alone shares it with nobody."""
    people = [{"email": f"k{n}@example.com"} for n in range(6)]
    ids = await world.enroll(await world.workflow(step("trigger"), step("log", message="x")), *people)
    await world.sql("UPDATE enrollment SET attempt = 4 WHERE id = ANY ($1)", ids[:5])
    await world.drain()
    rows = await world.sql(
        "SELECT count(DISTINCT created_at) AS commits, count(DISTINCT enrollment_id) AS people FROM enrollment_step "
        "WHERE enrollment_id = ANY ($1)",
        ids,
    )
    assert (rows[0]["commits"], rows[0]["people"]) == (6, 6)
    assert [(await world.row(one))["status"] for one in ids] == ["completed"] * 6
