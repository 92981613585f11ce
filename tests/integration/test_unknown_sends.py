"""Mails of unknown outcome: counted, sent again once under every rule, or let be."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from drippulse.enrollments import cancellation, service
from drippulse.enrollments.actions import Action
from drippulse.enrollments.control import Order, act_on_one
from drippulse.enrollments.errors import WorkflowArchivedError
from drippulse.enrollments.holding import Scope, hold, hold_where, release
from drippulse.enrollments.queries import Filters
from drippulse.enrollments.unknown_schemas import ResolveUnknown
from drippulse.enrollments.unknown_sends import list_unknown_sends, resolve
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Session
from drippulse.kit.pagination import page_request
from drippulse.workflows import service as workflows
from drippulse.workflows.schemas import WorkflowUpdate
from tests.conftest import MakeDatabase
from tests.support.processes import killed, process
from tests.support.smtp_sink import Behaviour
from tests.support.world import World, email, make_world, step

LOG = step("log", message="on")
PAGE = page_request(None, None, None, sorts={}, full_limit=500)


@pytest.fixture(scope="module")
async def shared(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("unknown_sends")) as made:
        yield made


@pytest.fixture
async def world(shared: World) -> World:
    await shared.cancel_all()
    await shared.sql("UPDATE organization SET sending = '{}', paused_at = NULL")
    await shared.sql("DELETE FROM suppression")
    shared.sink.ledger.clear()
    shared.sink.behaviour = Behaviour.ACCEPT
    return shared


async def unknown(world: World, *steps: dict[str, Any], people: int = 1) -> tuple[int, list[int]]:
    """A workflow whose mails, by default with steps after it, arrived without an answer; the sink answers again."""
    workflow = await world.workflow(*(steps or (step("trigger"), email(), LOG)))
    runs = await world.enroll(workflow, *({"email": f"p{n}@x.org", "first_name": "Ada"} for n in range(people)))
    world.sink.behaviour = Behaviour.TAKE_AND_DROP
    await world.drain()
    world.sink.behaviour = Behaviour.ACCEPT
    assert len(world.sink.ledger) == people
    return workflow, runs


async def decide(world: World, workflow: int, action: str, **which: Any) -> dict[str, Any]:
    def transaction() -> AbstractAsyncContextManager[Session]:
        return world.database.tenant(world.organization_id)

    wanted = ResolveUnknown.model_validate({"action": action, **(which or {"all": True})})
    return await resolve(transaction, world.principal, workflow, wanted)


async def listed(world: World, workflow: int) -> dict[str, Any]:
    async with world.database.tenant(world.organization_id) as session:
        return await list_unknown_sends(session, world.principal, workflow, PAGE)


async def runs_of(world: World, workflow: int) -> dict[str, Any]:
    async with world.database.tenant(world.organization_id) as session:
        return await service.list_enrollments(session, world.principal, workflow, Filters(), PAGE)


async def test_an_unknown_send_is_listed_and_counted(world: World) -> None:
    workflow, [one] = await unknown(world)
    found = await listed(world, workflow)
    [mail] = found["unknown_sends"]
    assert (mail["enrollment_id"], mail["step_id"], mail["recipient"], mail["subject"], mail["run_waits"]) == (
        one,
        "mail",
        "p0@x.org",
        "Hi Ada",
        False,
    )
    assert (found["total_count"], (await runs_of(world, workflow))["unknown_sends"]) == (1, 1)


async def test_it_is_sent_again_once_as_the_same_mail_of_the_same_run(world: World) -> None:
    workflow, [one] = await unknown(world)
    before = dict(await world.row(one))
    done = await decide(world, workflow, "resend")
    assert (done["matched"], done["changed"], done["results"][0]["status"]) == (1, 1, "changed")
    assert (await decide(world, workflow, "resend"))["matched"] == 0, "it is on its way"
    await world.drain()
    assert (await decide(world, workflow, "resend"))["matched"] == 0, "it has arrived"
    await world.drain()
    first, second = (taken.message for taken in world.sink.ledger)
    for header in ("Message-ID", "To", "Subject", "From", "List-Unsubscribe", "Feedback-ID"):
        assert first[header] == second[header]
    assert first.get_body(("html",)).get_content() == second.get_body(("html",)).get_content()  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue] - both have that part
    assert await world.deliveries(one) == ["sent"]
    assert await world.timeline(one) == [
        ("trigger", "completed"),
        ("email", "unknown"),
        ("log", "completed"),
        ("email", "completed"),
    ]
    [note] = await world.sql(
        "SELECT output -> 'logs' ->> 0 AS log FROM enrollment_step WHERE enrollment_id = $1 ORDER BY id DESC LIMIT 1",
        one,
    )
    assert note["log"] == "Sent again: an operator decided so."
    assert dict(await world.row(one)) == before, "the run itself stays as it is"


async def test_nothing_but_the_mail_shows_the_run_that_sends_it(world: World) -> None:
    workflow, _ = await unknown(world)
    told = "SELECT type FROM event WHERE data ->> 'workflow_id' = $1 OR type LIKE 'enrollment.%' ORDER BY id"
    before = [row["type"] for row in await world.sql(told, str(workflow))]
    await decide(world, workflow, "resend")
    during = await runs_of(world, workflow)
    await world.drain()
    after = await runs_of(world, workflow)
    for seen in (during, after):
        assert (seen["total"], len(seen["enrollments"]), seen["step_funnel"]["totals"]["active"]) == (1, 1, 0)
        assert seen["unknown_sends"] == 0
    assert [row["type"] for row in await world.sql(told, str(workflow))] == [*before, "email.resend_ordered"]


async def test_the_steps_after_it_are_not_walked_again_wherever_the_run_is(world: World) -> None:
    wait = step("wait", duration=1, unit="days")
    workflow, [one] = await unknown(world, email(), wait, {**email(subject="Second"), "id": "second"})
    await decide(world, workflow, "resend")
    await world.drain()
    assert [taken.message["Subject"] for taken in world.sink.ledger] == ["Hi Ada", "Hi Ada"]
    row = await world.row(one)
    assert (row["status"], row["step_id"], row["visit"]) == ("active", "wait", 2)


async def test_two_operators_at_once_send_it_once(world: World) -> None:
    workflow, runs = await unknown(world, people=20)
    done = await asyncio.gather(*(decide(world, workflow, "resend") for _ in range(4)))
    assert sum(one["changed"] for one in done) == len(runs)
    await world.drain()
    assert len(world.sink.ledger) == 2 * len(runs)


async def test_a_second_unknown_outcome_is_shown_again_and_never_repeated_by_itself(world: World) -> None:
    workflow, [one] = await unknown(world)
    await decide(world, workflow, "resend")
    world.sink.behaviour = Behaviour.TAKE_AND_DROP
    await world.drain()
    await world.drain()
    assert len(world.sink.ledger) == 2
    [mail] = (await listed(world, workflow))["unknown_sends"]
    assert (mail["enrollment_id"], mail["attempts"]) == (one, 2)
    world.sink.behaviour = Behaviour.ACCEPT
    await decide(world, workflow, "resend", delivery_ids=[mail["delivery_id"]])
    await world.drain()
    assert (len(world.sink.ledger), await world.deliveries(one)) == (3, ["sent"])


@pytest.mark.parametrize(("failpoint", "mails"), [("effect.after_intent", 1), ("effect.after_call", 2)])
async def test_a_worker_killed_around_the_repetition_leaves_it_unknown(
    world: World, failpoint: str, mails: int
) -> None:
    workflow, [one] = await unknown(world)
    await decide(world, workflow, "resend")
    short = {"DRIPPULSE_LEASE_SECONDS": "2"}
    async with process(world.settings, "worker", DRIPPULSE_FAILPOINT=failpoint, **short) as worker:
        assert await killed(worker)
    assert await world.deliveries(one) == ["intent"]
    await world.sql("UPDATE enrollment SET claimable_at = now() WHERE sends_for = $1 AND status = 'active'", one)
    await world.drain()
    assert len(world.sink.ledger) == mails
    assert (await world.timeline(one))[-1] == ("email", "unknown")
    assert (await listed(world, workflow))["total_count"] == 1


async def test_dismissed_ones_are_not_counted_and_cannot_be_sent_again(world: World) -> None:
    workflow, [one, other] = await unknown(world, people=2)
    mails = {mail["enrollment_id"]: mail["delivery_id"] for mail in (await listed(world, workflow))["unknown_sends"]}
    done = await decide(world, workflow, "dismiss", delivery_ids=[mails[one], 999_999_999])
    assert (done["matched"], done["changed"]) == (2, 1)
    assert done["skipped"] == [{"reason": "delivery_not_found", "count": 1}]
    assert (await world.deliveries(one), (await listed(world, workflow))["total_count"]) == (["dismissed"], 1)
    again = await decide(world, workflow, "resend", delivery_ids=list(mails.values()))
    assert {row["delivery_id"]: row["reason"] for row in again["results"]} == {
        mails[one]: "outcome_known",
        mails[other]: None,
    }
    await world.drain()
    assert len(world.sink.ledger) == 3


async def test_a_dry_run_and_another_step_change_nothing(world: World) -> None:
    workflow, _ = await unknown(world)
    assert (await decide(world, workflow, "resend", step_id="mail", dry_run=True))["changed"] == 1
    assert (await decide(world, workflow, "resend", step_id="log"))["matched"] == 0
    await world.drain()
    assert (len(world.sink.ledger), (await listed(world, workflow))["total_count"]) == (1, 1)


@pytest.mark.parametrize(("action", "mails", "status"), [("resend", 2, "sent"), ("dismiss", 1, "dismissed")])
async def test_a_run_that_waits_for_the_decision_goes_on_by_it(
    world: World, action: str, mails: int, status: str
) -> None:
    workflow, [one] = await unknown(world, email(on_unknown="ask"), LOG)
    [mail] = (await listed(world, workflow))["unknown_sends"]
    assert mail["run_waits"]
    await decide(world, workflow, action)
    await world.drain()
    assert (len(world.sink.ledger), await world.deliveries(one)) == (mails, [status])
    assert ((await world.row(one))["status"], (await world.timeline(one))[-1]) == ("completed", ("log", "completed"))


async def test_a_mail_that_its_run_will_send_again_by_itself_is_not_listed(world: World) -> None:
    workflow = await world.workflow(email(on_unknown="resend"), LOG)
    [one] = await world.enroll(workflow)
    world.sink.behaviour = Behaviour.TAKE_AND_DROP
    await world.drain(step_retry_base_seconds=60.0)
    assert await world.deliveries(one) == ["unknown"]
    assert (await listed(world, workflow))["total_count"] == 0
    [mail] = await world.sql("SELECT id FROM delivery WHERE enrollment_id = $1", one)
    done = await decide(world, workflow, "resend", delivery_ids=[mail["id"]])
    assert done["skipped"] == [{"reason": "still_being_sent", "count": 1}]


async def test_an_address_suppressed_before_or_after_the_decision_gets_nothing(world: World) -> None:
    workflow, [_, late] = await unknown(world, people=2)
    suppress = "INSERT INTO suppression (organization_id, email, reason) VALUES ($1, $2, 'manual')"
    await world.sql(suppress, world.organization_id, "p0@x.org")
    done = await decide(world, workflow, "resend")
    assert done["skipped"] == [{"reason": "suppressed", "count": 1}]
    await world.sql(suppress, world.organization_id, "p1@x.org")
    await world.drain()
    assert len(world.sink.ledger) == 2
    assert ((await world.timeline(late))[-1], await world.deliveries(late)) == (("email", "skipped"), ["unknown"])
    assert (await listed(world, workflow))["total_count"] == 2


async def test_a_paused_workflow_keeps_it_until_it_is_resumed(world: World) -> None:
    workflow, runs = await unknown(world, people=2)
    mails = [mail["delivery_id"] for mail in (await listed(world, workflow))["unknown_sends"]]
    await decide(world, workflow, "resend", delivery_ids=mails[:1])
    async with world.database.tenant(world.organization_id) as session:
        await hold(session, world.organization_id, workflow)
        await session.execute("UPDATE workflow SET status = 'paused' WHERE id = $1", workflow)
    await decide(world, workflow, "resend", delivery_ids=mails[1:])
    await world.drain()
    assert len(world.sink.ledger) == len(runs)
    async with world.database.tenant(world.organization_id) as session:
        await session.execute("UPDATE workflow SET status = 'active' WHERE id = $1", workflow)
        await release(session, world.organization_id, workflow)
    await world.drain()
    assert len(world.sink.ledger) == 2 * len(runs)


async def test_a_paused_run_keeps_it_until_the_run_is_resumed(world: World) -> None:
    workflow, [one] = await unknown(world, email(), step("wait", duration=1, unit="days"))
    await decide(world, workflow, "resend")
    async with world.database.tenant(world.organization_id) as session:
        await hold_where(session, Scope.picked(world.organization_id, workflow, [one]))
    await world.drain()
    assert len(world.sink.ledger) == 1
    await act(world, workflow, one, Action.RESUME)
    await world.sql("UPDATE enrollment SET next_run_at = now(), claimable_at = now() WHERE sends_for = $1", one)
    await world.drain()
    assert len(world.sink.ledger) == 2


@pytest.mark.parametrize("end", ["cancel", "remove"])
async def test_a_run_that_ends_before_it_goes_out_takes_it_along(world: World, end: str) -> None:
    workflow, [one] = await unknown(world, email(), step("wait", duration=1, unit="days"))
    await decide(world, workflow, "resend")
    if end == "cancel":
        await act(world, workflow, one, Action.CANCEL)
    else:
        async with world.database.tenant(world.organization_id) as session:
            await cancellation.remove(session, world.organization_id, workflow, one)
    await world.drain()
    assert (len(world.sink.ledger), (await world.timeline(one))[-1]) == (1, ("email", "skipped"))
    reason = "enrollment_cancelled" if end == "cancel" else None
    assert [row["reason"] for row in (await decide(world, workflow, "resend"))["results"]] == (
        [reason] if reason else []
    )


async def test_an_archived_workflow_takes_no_such_decision(world: World) -> None:
    workflow, _ = await unknown(world)
    async with world.database.tenant(world.organization_id) as session:
        update = WorkflowUpdate.model_validate({"status": "archived"})
        await workflows.update_workflow(session, world.principal, Vault.of(world.settings), workflow, update)
    with pytest.raises(WorkflowArchivedError):
        await decide(world, workflow, "resend")
    await world.drain()
    assert (len(world.sink.ledger), (await listed(world, workflow))["total_count"]) == (1, 1)
    assert (await decide(world, workflow, "dismiss"))["changed"] == 1


async def test_a_deleted_workflow_sends_nothing_more(world: World) -> None:
    workflow, _ = await unknown(world)
    await decide(world, workflow, "resend")
    async with world.database.tenant(world.organization_id) as session:
        await workflows.delete_workflow(session, world.principal, workflow)
    await world.drain()
    assert len(world.sink.ledger) == 1
    told = await world.sql(
        "SELECT type FROM event WHERE type = 'enrollment.cancelled' AND data ->> 'workflow_id' = $1", str(workflow)
    )
    assert told == []


async def test_a_cap_that_is_full_puts_it_off(world: World) -> None:
    workflow, [one] = await unknown(world)
    policy = '{"caps": {"organization": {"per_day": 1}}}'
    await world.sql("UPDATE organization SET sending = $1::jsonb", policy)
    taken = await world.workflow(email())
    await world.enroll(taken)
    await world.drain()
    assert len(world.sink.ledger) == 2
    await decide(world, workflow, "resend")
    await world.drain()
    assert len(world.sink.ledger) == 2
    [waits] = await world.sql("SELECT status, wait_reason FROM enrollment WHERE sends_for = $1", one)
    assert (waits["status"], waits["wait_reason"]) == ("active", "cap:organization")


async def test_an_answer_that_comes_before_the_repetition_ends_it(world: World) -> None:
    workflow, [one] = await unknown(world)
    await decide(world, workflow, "resend")
    await world.sql("UPDATE delivery SET status = 'sent', sent_at = now() WHERE enrollment_id = $1", one)
    await world.drain()
    assert (len(world.sink.ledger), await world.deliveries(one)) == (1, ["sent"])


async def test_the_version_that_made_the_mail_makes_it_again(world: World) -> None:
    workflow, [one] = await unknown(world, email(), step("wait", duration=1, unit="days"))
    async with world.database.tenant(world.organization_id) as session:
        changed = WorkflowUpdate.model_validate({"steps": [LOG, step("wait", duration=1, unit="days")]})
        await workflows.update_workflow(session, world.principal, Vault.of(world.settings), workflow, changed)
    await world.sql("UPDATE enrollment SET workflow_version = 2 WHERE id = $1", one)
    await decide(world, workflow, "resend")
    await world.drain()
    assert [taken.message["Subject"] for taken in world.sink.ledger] == ["Hi Ada", "Hi Ada"]


async def act(world: World, workflow: int, one: int, action: Action) -> None:
    async with world.database.tenant(world.organization_id) as session:
        await act_on_one(session, world.principal, workflow, one, Order(action))
