"""Retrying a failed run after the world went on: its goal was reached, its contact was enrolled again."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import orjson
import pytest

from drippulse.enrollments.actions import Action, Refusal
from drippulse.enrollments.contacts import read_batch
from drippulse.enrollments.control import Order, act
from drippulse.enrollments.starting import Started, start_enrollments
from drippulse.kit.crypto import Vault
from drippulse.workflows.schemas import WorkflowCreate
from drippulse.workflows.service import create_workflow
from tests.conftest import MakeDatabase
from tests.support.happenings import dispatch_all, enroll, send
from tests.support.smtp_sink import Behaviour
from tests.support.world import World, email, make_world, step

PAID = [{"name": "paid", "event": "order.paid"}]
AFTER_EXIT = {"mode": "after_exit"}
ADA = {"email": "Ada@example.com"}
BOB = {"email": "bob@example.com", "lead_ref": "crm-2"}


@pytest.fixture(scope="module")
async def shared(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("retries")) as made:
        yield made


@pytest.fixture
async def world(shared: World) -> World:
    await shared.cancel_all()
    await dispatch_all(shared)
    shared.sink.ledger.clear()
    shared.sink.behaviour = Behaviour.ACCEPT
    return shared


async def workflow_of(world: World, *steps: dict[str, Any], **settings: Any) -> int:
    fields = {"name": "Retried", "status": "active", "steps": list(steps), "settings": settings}
    async with world.database.tenant(world.organization_id) as session:
        data = WorkflowCreate.model_validate(fields)
        made = await create_workflow(session, world.principal, Vault.of(world.settings), data)
    return int(made["id"])


async def failed(world: World, workflow: int, *contacts: dict[str, Any]) -> list[int]:
    """Runs whose mail was refused."""
    world.sink.behaviour = Behaviour.REFUSE_RECIPIENT
    ids = await enroll(world, workflow, *contacts)
    await world.drain()
    assert {(await world.row(one))["status"] for one in ids} == {"failed"}
    world.sink.behaviour = Behaviour.ACCEPT
    world.sink.ledger.clear()
    return ids


async def retry(world: World, workflow: int, ids: Sequence[int]) -> dict[int, Refusal | None]:
    async with world.database.tenant(world.organization_id) as session:
        return await act(session, world.principal, workflow, ids, Order(Action.RETRY))


async def told(world: World, one: int) -> list[tuple[str, str | None]]:
    rows = await world.sql("SELECT type, data FROM event WHERE record_id = $1 ORDER BY id", str(one))
    return [(row["type"], orjson.loads(row["data"]).get("reason")) for row in rows]


async def test_a_goal_that_was_reached_after_the_failure_ends_the_run_on_retry(world: World) -> None:
    workflow = await workflow_of(world, email(), goals=PAID)
    ada, bob = await failed(world, workflow, ADA, BOB)
    await send(world, "order.paid", email="ada@example.com")
    await dispatch_all(world)
    row = await world.row(ada)
    assert (row["status"], row["exit_reason"]) == ("failed", "goal:paid")
    assert await retry(world, workflow, [ada, bob]) == {ada: None, bob: None}
    await world.drain()
    rows = [await world.row(one) for one in (ada, bob)]
    assert [(one["status"], one["exit_reason"]) for one in rows] == [
        ("completed", "goal:paid"),
        ("completed", "end_of_steps"),
    ]
    assert [mail.recipients for mail in world.sink.ledger] == [("bob@example.com",)]
    assert (await told(world, ada))[-1] == ("enrollment.completed", "goal:paid")
    assert ("enrollment.resumed", "retry") not in await told(world, ada)


async def test_a_goal_of_a_failed_run_does_not_pass_for_its_end(world: World) -> None:
    workflow = await workflow_of(world, email(), goals=PAID)
    [ada] = await failed(world, workflow, ADA)
    before = await told(world, ada)
    await send(world, "order.paid", email="ada@example.com")
    await dispatch_all(world)
    row = await world.row(ada)
    assert (row["status"], await told(world, ada)) == ("failed", before)


async def test_a_goal_that_was_reached_before_the_run_began_does_not_end_its_retry(world: World) -> None:
    workflow = await workflow_of(world, email(), goals=PAID)
    await send(world, "order.paid", email="ada@example.com")
    await dispatch_all(world)
    [ada] = await failed(world, workflow, ADA)
    await dispatch_all(world)
    await retry(world, workflow, [ada])
    await world.drain()
    assert (await world.row(ada))["exit_reason"] == "end_of_steps"
    assert len(world.sink.ledger) == 1


@pytest.mark.parametrize("contact", [ADA, BOB], ids=["by address", "by reference"])
async def test_a_retry_makes_no_second_run_beside_one_under_way(world: World, contact: dict[str, Any]) -> None:
    workflow = await workflow_of(world, email(), step("wait", duration=1, unit="days"), re_entry=AFTER_EXIT)
    [first] = await failed(world, workflow, contact)
    [second] = await enroll(world, workflow, {**contact, "email": contact["email"].lower()})
    await world.drain()
    assert await retry(world, workflow, [first]) == {first: Refusal.UNDER_WAY}
    assert (await world.row(first))["status"] == "failed"
    await world.sql("UPDATE enrollment SET status = 'cancelled', claimable_at = NULL WHERE id = $1", second)
    assert await retry(world, workflow, [first]) == {first: None}


async def test_of_two_failed_runs_of_one_contact_one_is_retried(world: World) -> None:
    workflow = await workflow_of(world, email(), re_entry=AFTER_EXIT)
    [first] = await failed(world, workflow, ADA)
    [second] = await failed(world, workflow, ADA)
    [other] = await failed(world, workflow, BOB)
    outcome = await retry(world, workflow, [first, second, other])
    assert outcome == {first: None, second: Refusal.UNDER_WAY, other: None}


async def test_without_such_a_rule_both_may_run(world: World) -> None:
    workflow = await workflow_of(world, email(), step("wait", duration=1, unit="days"))
    [first] = await failed(world, workflow, ADA)
    await enroll(world, workflow, ADA)
    assert await retry(world, workflow, [first]) == {first: None}


async def test_a_retry_and_an_enrollment_at_once_make_one_run(world: World) -> None:
    workflow = await workflow_of(world, email(), step("wait", duration=1, unit="days"), re_entry=AFTER_EXIT)
    for number in range(8):
        contact = {"email": f"p{number}@example.com"}
        [first] = await failed(world, workflow, contact)
        outcome, started = await asyncio.gather(retry(world, workflow, [first]), start(world, workflow, contact))
        assert (outcome[first] is None) is not bool(started.ids), "one of them, and not both"


async def start(world: World, workflow: int, contact: dict[str, Any]) -> Started:
    rows = read_batch({"contacts": [contact]}, may_hold_nul=False).rows
    async with world.database.tenant(world.organization_id) as session:
        return await start_enrollments(session, world.principal, workflow, rows)
