"""What one organization, one attempt or a worker that is away must not take from others."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
import redis.asyncio

from drippulse.enrollments.claim import claim, claim_suspect
from drippulse.enrollments.commit import MailIntent, MailResult, Progress, Verdict, commit
from drippulse.enrollments.slots import Slots
from drippulse.kit.crypto import Vault
from drippulse.organizations import service as organizations
from drippulse.organizations.policy import Principal
from drippulse.organizations.tables import MemberRole
from drippulse.settings import Settings
from drippulse.workflows import service as workflows
from drippulse.workflows.schemas import WorkflowCreate
from drippulse_workers.broker import NAMESPACE, QUEUE
from drippulse_workers.wake import ENOUGH_MESSAGES, DramatiqWaker
from tests.conftest import MakeDatabase
from tests.support.smtp_sink import Behaviour
from tests.support.waiting import eventually
from tests.support.world import World, email, make_world, step


@pytest.fixture
async def world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("engine_shares")) as world:
        yield world
        await world.cancel_all()


async def test_an_organization_whose_calls_hang_leaves_room_for_others(world: World) -> None:
    world.sink.behaviour = Behaviour.TAKE_AND_WAIT
    flood = await world.workflow(email())
    await world.enroll(flood, *({"email": f"p{n}@example.com"} for n in range(60)))
    async with world.engine(worker_concurrency=4, smtp_timeout_seconds=30.0) as engine:
        working = asyncio.create_task(engine.run())
        await eventually(lambda: len(world.sink.ledger) >= 4)
        other = await organizations.create_organization(world.database, "Small")
        principal = Principal(other, MemberRole.ADMIN, "user", 1, "session:1")
        data = WorkflowCreate.model_validate({"name": "Timer", "status": "active", "steps": [step("log", message="x")]})
        async with world.database.tenant(other) as session:
            made = await workflows.create_workflow(session, principal, Vault.of(world.settings), data)
            one = await session.fetchval(
                "INSERT INTO enrollment (organization_id, workflow_id, workflow_version, step_id) "
                "VALUES ($1, $2, 1, 'log') RETURNING id",
                other,
                made["id"],
            )
        engine.poke()

        async def ended() -> bool:
            async with world.database.tenant(other) as session:
                return await session.fetchval("SELECT status FROM enrollment WHERE id = $1", one) == "completed"

        await eventually(ended, within=5)
        world.sink.gate.set()
        world.sink.behaviour = Behaviour.ACCEPT
        await engine.stop()
        await working


async def test_slots_are_kept_free_of_one_organization() -> None:
    slots, begun, release = Slots(4), list[int](), asyncio.Event()

    async def call(organization: int) -> None:
        async with slots.take(organization):
            begun.append(organization)
            await release.wait()

    calls = [asyncio.create_task(call(1)) for _ in range(20)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    calls.append(asyncio.create_task(call(2)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sorted(begun) == [1, 1, 1, 1, 2]
    release.set()
    await asyncio.gather(*calls)
    assert len(begun) == 21


async def test_a_slot_that_is_given_back_early_lets_the_next_one_in_and_no_two() -> None:
    slots, begun, release = Slots(1), list[int](), asyncio.Event()

    async def call(number: int) -> None:
        async with slots.take(1) as slot:
            begun.append(number)
            if number == 0:
                slot.give_back()
            await release.wait()

    calls = [asyncio.create_task(call(number)) for number in range(4)]
    await eventually(lambda: len(begun) == 2)
    calls[3].cancel()  # while it waits
    await asyncio.sleep(0)
    assert begun == [0, 1]
    release.set()
    await asyncio.wait(calls)
    async with asyncio.timeout(1), slots.take(1), slots.take(2):
        assert begun == [0, 1, 2]


async def test_never_more_intents_are_open_than_calls_may_be_in_flight(world: World) -> None:
    """A slot goes on to the next mail with the result: their commit is one, or the next mail's comes later."""
    at_once = 4
    people = ({"email": f"p{n}@example.com"} for n in range(40))
    ids = await world.enroll(await world.workflow(email()), *people)
    await world.drain(worker_concurrency=at_once, smtp_timeout_seconds=20.0)
    sql = "SELECT created_at AS begun, sent_at AS ended FROM delivery WHERE enrollment_id = ANY ($1)"
    mails = await world.sql(sql, ids)
    assert len(mails) == 40
    for moment in {mail["begun"] for mail in mails}:
        assert sum(mail["begun"] <= moment < mail["ended"] for mail in mails) <= at_once


async def test_the_late_result_of_an_earlier_attempt_is_not_that_of_the_present_one(world: World) -> None:
    """A worker that froze after its call wakes up while another sends the mail again."""
    [one] = await world.enroll(await world.workflow(email()))

    async def intend() -> int:
        [held] = await claim(world.database, 10, 30)
        mail = MailIntent(1, "ada@example.com", "Hi", "<m>", "[]")
        progress = Progress(
            id=held.id,
            organization_id=held.organization_id,
            workflow_id=held.workflow_id,
            workflow_version=1,
            fence=held.fence,
            step_index=0,
            step_id="mail",
            visit=1,
            visits=None,
            bag=None,
            attempt=held.attempt,
            entered_at=held.entered_at,
            keep_lease=True,
            intent=True,
            recipient="ada@example.com",
            mail=mail,
            results=[],
        )
        assert await commit(world.database, [progress], 30) == [Verdict.WRITTEN]
        return held.fence

    async def result(intended: int, status: str) -> None:
        row = await world.row(one)
        late = Progress(
            id=one,
            organization_id=row["organization_id"],
            workflow_id=row["workflow_id"],
            workflow_version=1,
            fence=-1,
            step_index=0,
            step_id="mail",
            visit=1,
            visits=None,
            bag=None,
            attempt=1,
            entered_at=row["step_entered_at"],
            results=[MailResult(1, status, "said", intended)],
        )
        assert await commit(world.database, [late], 30) == [Verdict.FENCED]

    first = await intend()
    await world.sql("UPDATE enrollment SET claimable_at = now() WHERE id = $1", one)  # its lease is over
    second = await intend()
    await result(first, "failed")
    assert await world.deliveries(one) == ["intent"]
    await result(second, "sent")
    assert await world.deliveries(one) == ["sent"]


async def test_wake_ups_do_not_pile_up_while_no_worker_reads_them(settings: Settings) -> None:
    queue = redis.asyncio.from_url(settings.redis_url)  # pyright: ignore[reportUnknownMemberType] - untyped
    key = f"{NAMESPACE}:{QUEUE}"
    await queue.delete(key)
    waker = DramatiqWaker(settings)
    for _ in range(ENOUGH_MESSAGES + 10):
        waker._enqueue()  # pyright: ignore[reportPrivateUsage] - without the pause between two of them
    assert await queue.llen(key) == ENOUGH_MESSAGES
    await queue.delete(key)
    await waker.close()
    await queue.aclose()


async def test_who_was_killed_with_others_is_tried_alone_and_a_kill_counts_for_nobody_else(world: World) -> None:
    """Three workers die with the whole batch; what follows takes one of them at a time and touches no other's count."""
    ids = await world.enroll(
        await world.workflow(step("log", message="x")), *({"email": f"s{n}@x.org"} for n in range(5))
    )
    await world.sql("UPDATE enrollment SET attempt = 3 WHERE id = ANY ($1)", ids)
    assert await claim(world.database, 10, 30) == []
    alone = await claim_suspect(world.database, 30)
    assert len(alone) == 1
    attempts = await world.sql("SELECT id, attempt FROM enrollment WHERE id = ANY ($1)", ids)
    assert {row["attempt"] for row in attempts if row["id"] != alone[0].id} == {3}
    await world.drain()
    left = await world.sql("SELECT id FROM enrollment WHERE id = ANY ($1) AND status <> 'completed'", ids)
    assert [row["id"] for row in left] == [alone[0].id]
