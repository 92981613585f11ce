"""Corners of effects: no second mail, none after an unsubscribe, and no circle of waiting between local steps."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from drippulse.enrollments.claim import Claimed, claim
from drippulse.enrollments.commit import MailIntent, Progress, Verdict, commit
from drippulse.enrollments.state import failed
from drippulse.kit.db import Role
from drippulse.messaging import queries
from drippulse.messaging.links import MailRef
from drippulse.sending.list_locks import list_grows
from tests.conftest import MakeDatabase
from tests.support.smtp_sink import Behaviour
from tests.support.workflows import webhook_step
from tests.support.world import World, email, make_world, step


@pytest.fixture(scope="module")
async def shared_world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("review_effects")) as made:
        yield made


@pytest.fixture
async def world(shared_world: World) -> World:
    shared_world.sink.behaviour = Behaviour.ACCEPT
    shared_world.sink.ledger.clear()
    await shared_world.cancel_all()
    await shared_world.sql("DELETE FROM suppression")
    return shared_world


def at(held: Claimed) -> Progress:
    """A commit that stays where it is."""
    return Progress(
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


async def intent(world: World, lease: float = 30) -> Progress:
    """A claimed mail right before its intent is committed."""
    [held] = await claim(world.database, 10, lease)
    mail = MailIntent(1, "ada@example.com", "Hi", f"<{held.id}@x>", "[]")
    recipient, due = "ada@example.com", held.now
    return replace(
        at(held),
        step_id="mail",
        attempt=1,
        next_run_at=due,
        keep_lease=True,
        intent=True,
        recipient=recipient,
        mail=mail,
    )


async def test_a_worker_with_the_wrong_key_does_not_forget_a_call_that_was_begun(world: World) -> None:
    workflow = await world.workflow(email(), webhook_step())
    [one] = await world.enroll(workflow)
    assert await commit(world.database, [await intent(world)], 0.05) == [Verdict.WRITTEN]
    await asyncio.sleep(0.1)
    await world.drain(secret_key=SecretStr("another key of thirty-two characters"))
    row = await world.row(one)
    assert (row["wait_reason"], row["intent_at"] is not None) == ("secret_unreadable", True)
    await world.sql("UPDATE enrollment SET claimable_at = now() WHERE id = $1", one)
    await world.drain()
    assert not world.sink.ledger, "whether the first one went out is not known"
    assert await world.deliveries(one) == ["unknown"]


async def test_no_intent_is_written_once_an_unsubscribe_has_committed(world: World) -> None:
    """The unsubscribe is under way while the mail looks at the list; whichever commits first, the other knows."""
    await world.enroll(await world.workflow(email(), step("log", message="on")))
    mail = await intent(world)
    ref = MailRef(world.organization_id, mail.id, 1)
    async with world.database.tenant(world.organization_id) as session:
        await queries.suppress(session, ref, "ada@example.com", "unsubscribe")
        [verdict] = await asyncio.wait_for(commit(world.database, [mail], 30), 5)
    assert verdict is Verdict.REFUSED
    assert mail.refusal is not None


async def test_an_unsubscribe_waits_for_an_intent_that_has_looked_at_the_list(world: World) -> None:
    await world.enroll(await world.workflow(email(), step("log", message="on")))
    mail = await intent(world)
    ref = MailRef(world.organization_id, mail.id, 1)
    order: list[str] = []

    async def unsubscribe() -> None:
        async with world.database.tenant(world.organization_id) as session:
            await queries.suppress(session, ref, "ada@example.com", "unsubscribe")
        order.append("unsubscribed")

    async with world.database.session(Role.ENGINE) as blocker:
        await blocker.execute("SELECT FROM enrollment WHERE id = $1 FOR UPDATE", mail.id)
        committing = asyncio.create_task(commit(world.database, [mail], 30))
        await asyncio.sleep(0.15)
        unsubscribing = asyncio.create_task(unsubscribe())
        await asyncio.sleep(0.15)
        assert order == [], "the mail's intent is not decided yet"
    assert await committing == [Verdict.WRITTEN]
    await unsubscribing


async def test_local_steps_that_lock_each_other_out_are_done_one_by_one(world: World) -> None:
    """Two batches that write the same contacts in opposite orders."""
    fields = {"action": "upsert", "fields": {"last_name": "L{{ n }}"}}
    workflow = await world.workflow(step("crm", **fields))
    people = [{"email": f"p{number}@example.com", "n": number} for number in range(40)]
    await world.enroll(workflow, *people)
    await world.drain()
    ids = await world.enroll(workflow, *people)
    ids += await world.enroll(workflow, *reversed(people))
    async with world.engine(worker_batch=40) as engine:
        await asyncio.wait_for(engine.drain(), 20)
    rows = await world.sql("SELECT status FROM enrollment WHERE id = ANY ($1)", ids)
    assert {row["status"] for row in rows} == {"completed"}


async def test_a_commit_that_is_chosen_to_end_a_deadlock_is_made_again(world: World) -> None:
    """The dispatcher locks runs in two statements: those that it wakes, then those that it ends."""
    low, high = await world.enroll(await world.workflow(step("log", message="x")), {"email": "a@x.org"}, {})
    items = [at(held) for held in await claim(world.database, 10, 30)]
    async with world.database.session(Role.ENGINE) as other:
        await other.execute("SELECT FROM enrollment WHERE id = $1 FOR NO KEY UPDATE", high)
        committing = asyncio.create_task(commit(world.database, items, 30))
        await asyncio.sleep(0.5)  # so that the commit is the first to look for a circle, after a second
        await other.execute("SELECT FROM enrollment WHERE id = $1 FOR NO KEY UPDATE", low)
    assert await committing == [Verdict.WRITTEN, Verdict.WRITTEN]


async def test_a_transaction_that_nobody_ends_is_ended_by_the_database(world: World) -> None:
    for role in (Role.ENGINE, Role.APP):
        async with world.database.session(role, world.organization_id) as session:
            assert await session.fetchval("SHOW idle_in_transaction_session_timeout") == "1min"


async def test_a_report_of_many_bounces_holds_every_mail_back_and_one_unsubscribe_only_its_own(world: World) -> None:
    await world.enroll(await world.workflow(email(), step("log", message="on")))
    mail = await intent(world)
    async with world.database.tenant(world.organization_id) as session:
        await list_grows(session, world.organization_id)
        assert await commit(world.database, [mail], 30) == [Verdict.REFUSED]
    async with world.database.tenant(world.organization_id) as session:
        await list_grows(session, world.organization_id, "bob@example.com")
        assert await commit(world.database, [mail], 30) == [Verdict.WRITTEN]


async def test_a_run_that_cannot_go_on_at_all_says_that_its_open_call_is_unknown(world: World) -> None:
    [one] = await world.enroll(await world.workflow(email()))
    assert await commit(world.database, [await intent(world)], 0.05) == [Verdict.WRITTEN]
    await asyncio.sleep(0.1)
    [held] = await claim(world.database, 10, 30)
    await commit(world.database, [failed(held, "version_unusable", "It cannot be read.")], 30)
    assert await world.deliveries(one) == ["unknown"]
