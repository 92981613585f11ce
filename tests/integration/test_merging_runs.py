"""Enrollments of merged contacts: what follows, what ends, what still reaches them, and merging while they run."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from drippulse.crm import service as crm
from drippulse.crm.changes import reverting
from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.changes.tables import Source
from drippulse.crm.importing.sink import Outcome, RecordSink, Target
from drippulse.crm.merging import service as merging
from drippulse.crm.merging.schemas import Merge
from drippulse.crm.merging.service import Merged
from drippulse.crm.records import SPECS
from drippulse.crm.schemas import ActivityFields
from drippulse.crm.tables import RecordType
from drippulse.enrollments import contact_runs
from drippulse.events.service import SystemActor
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Record
from drippulse.kit.errors import NotFoundError
from drippulse.workflows.nodes import service as nodes
from drippulse.workflows.nodes.service import Sent
from drippulse.workflows.schemas import WorkflowCreate
from drippulse.workflows.service import create_workflow
from tests.conftest import MakeDatabase
from tests.support.happenings import Wakes, dispatch_all, enroll, send
from tests.support.world import World, email, make_world, step

CONTACT = RecordType.CONTACT
DAY = step("wait", duration=1, unit="days")
AFTER_EXIT = {"mode": "after_exit"}


@pytest.fixture(scope="module")
async def shared_world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("merging_runs")) as made:
        yield made


@pytest.fixture
async def world(shared_world: World) -> World:
    await shared_world.cancel_all()
    await shared_world.sql("UPDATE contact SET deleted_at = now() WHERE deleted_at IS NULL")
    shared_world.sink.ledger.clear()
    return shared_world


async def contact(world: World, name: str, kind: RecordType = CONTACT) -> Record:
    async with world.database.tenant(world.organization_id) as session:
        data = SPECS[kind].fields.model_validate({"email": f"{name}@example.com", "first_name": name})
        return await crm.create_record(session, world.principal, kind, data)


async def merge(world: World, into: Record, *others: Record, kind: RecordType = CONTACT) -> Merged:
    async with world.database.tenant(world.organization_id) as session:
        wanted = Merge(merge=[one["public_id"] for one in others])
        return await merging.merge_records(session, world.principal, kind, into["public_id"], wanted)


async def unmerge(world: World, one: Record) -> dict[str, Any]:
    async with world.database.tenant(world.organization_id) as session:
        return await merging.unmerge(
            session, world.principal, CONTACT, one["public_id"], on_conflict="skip", dry_run=False
        )


async def workflow_of(world: World, *steps: dict[str, Any], **settings: Any) -> int:
    fields = {"name": "W", "status": "active", "steps": list(steps), "settings": settings}
    async with world.database.tenant(world.organization_id) as session:
        data = WorkflowCreate.model_validate(fields)
        return int((await create_workflow(session, world.principal, Vault.of(world.settings), data))["id"])


def person(row: Record, ref: str = "public_id") -> dict[str, Any]:
    return {"email": row["email"], "first_name": row["first_name"], "lead_ref": str(row[ref])}


async def refs(world: World, runs: Sequence[int]) -> list[str]:
    return [(await world.row(run))["lead_ref"] for run in runs]


async def statuses(world: World, runs: Sequence[int]) -> list[tuple[str, str | None]]:
    rows = [await world.row(run) for run in runs]
    return [(row["status"], row["exit_reason"]) for row in rows]


async def test_runs_follow_by_either_reference_and_go_back(world: World) -> None:
    first, second = [await contact(world, name) for name in ("ada", "ada2")]
    over, live = await workflow_of(world, step("log", message="x")), await workflow_of(world, DAY)
    (done,) = await enroll(world, over, person(second))
    runs = [done, *await enroll(world, live, person(second), person(second, "id"))]
    await world.drain()
    before = [await world.row(run) for run in runs]
    merged = await merge(world, first, second)
    assert (merged.runs.moved, merged.runs.cancelled) == (3, 0)
    assert await refs(world, runs) == [first["public_id"], first["public_id"], str(first["id"])]
    for was, run in zip(before, runs, strict=True):
        now = await world.row(run)
        same = ("status", "fence", "email", "bag", "claimable_at", "next_run_at", "visit")
        assert [now[name] for name in same] == [was[name] for name in same]
    await unmerge(world, second)
    assert await refs(world, runs) == [second["public_id"], second["public_id"], str(second["id"])]


async def test_a_run_that_was_given_to_somebody_else_since_stays_there(world: World) -> None:
    first, second, third = [await contact(world, name) for name in ("ada", "ada2", "ada3")]
    runs = await enroll(world, await workflow_of(world, DAY), person(second))
    await merge(world, first, second)
    await merge(world, third, first)
    assert await refs(world, runs) == [third["public_id"]]
    await unmerge(world, first)
    await unmerge(world, second)
    assert await refs(world, runs) == [second["public_id"]]


@pytest.mark.parametrize("rule", [AFTER_EXIT, {"mode": "never"}, {"mode": "max", "max": 1}])
async def test_where_one_run_is_allowed_the_survivors_goes_on(world: World, rule: dict[str, Any]) -> None:
    people = [await contact(world, name) for name in ("ada", "ada2", "ada3")]
    shared = await workflow_of(world, DAY, re_entry=rule)
    own = await workflow_of(world, DAY, re_entry=rule)
    runs = await enroll(world, shared, *map(person, people))
    others = await enroll(world, own, *map(person, people[1:]))
    done = await merge(world, *people)
    assert (done.runs.moved, done.runs.cancelled) == (4, 3)
    assert await statuses(world, runs) == [("active", None), *[("cancelled", "merged")] * 2]
    assert await statuses(world, others) == [("active", None), ("cancelled", "merged")]
    told = await world.sql(
        "SELECT record_id FROM event WHERE type = 'enrollment.cancelled' AND data ->> 'reason' = 'merged'"
    )
    assert {str(run) for run in (*runs[1:], others[1])} <= {row["record_id"] for row in told}
    again = await enroll(world, own, person(people[0]))
    assert again == []


async def test_where_any_number_of_runs_is_allowed_all_go_on(world: World) -> None:
    first, second = [await contact(world, name) for name in ("ada", "ada2")]
    runs = await enroll(world, await workflow_of(world, DAY), person(first), person(second))
    assert (await merge(world, first, second)).runs.cancelled == 0
    assert await statuses(world, runs) == [("active", None)] * 2


async def test_a_rule_over_a_key_of_its_own_tells_runs_apart_by_it(world: World) -> None:
    first, second = [await contact(world, name) for name in ("ada", "ada2")]
    workflow = await workflow_of(world, DAY, re_entry=AFTER_EXIT, dedupe_key="{{ order }}")
    orders = [{**person(first), "order": 1}, {**person(second), "order": 2}, {**person(second), "order": 3}]
    runs = await enroll(world, workflow, *orders)
    assert (await merge(world, first, second)).runs.cancelled == 0
    assert await statuses(world, runs) == [("active", None)] * 3


async def test_a_workflow_of_nodes_has_one_run_of_a_contact(world: World) -> None:
    first, second = [await contact(world, name) for name in ("ada", "ada2")]
    delay = {"id": "d", "type": "delay", "delayAmount": 1, "delayUnit": "days"}
    sent = Sent({"name": "W", "status": "active"}, {"nodes": [delay]})
    async with world.database.tenant(world.organization_id) as session:
        workflow = await nodes.create_nodes(session, world.principal, Vault.of(world.settings), sent)
    runs = await enroll(world, workflow, person(first), person(second))
    assert (await merge(world, first, second)).runs.cancelled == 1
    assert await statuses(world, runs) == [("active", None), ("cancelled", "merged")]


GOAL = {"name": "paid", "event": "order.paid"}
WAYS = ["survivor's address", "survivor's id", "old address", "old id"]


def way(name: str, first: Record, second: Record) -> dict[str, str]:
    row = first if name.startswith("survivor") else second
    return {"email": row["email"]} if name.endswith("address") else {"lead_ref": row["public_id"]}


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("event", ["call.done", "order.paid"])
async def test_events_about_either_reach_a_run_that_followed(world: World, name: str, event: str) -> None:
    first, second = [await contact(world, name) for name in ("ada", "ada2")]
    workflow = await workflow_of(world, step("wait_for_event", event="call.done"), goals=[GOAL])
    (run,) = await enroll(world, workflow, person(second))
    await world.drain()
    await merge(world, first, second)
    await send(world, event, **way(name, first, second))
    await dispatch_all(world)
    await world.drain()
    ended = "end_of_steps" if event == "call.done" else "goal:paid"
    assert await statuses(world, [run]) == [("completed", ended)]


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("event", ["call.done", "order.paid"])
async def test_once_it_is_taken_back_events_reach_their_own_runs_alone(world: World, name: str, event: str) -> None:
    first, second = [await contact(world, name) for name in ("ada", "ada2")]
    workflow = await workflow_of(world, step("wait_for_event", event="call.done"), goals=[GOAL])
    runs = await enroll(world, workflow, person(first), person(second))
    await world.drain()
    await merge(world, first, second)
    await unmerge(world, second)
    await send(world, event, **way(name, first, second))
    await dispatch_all(world)
    await world.drain()
    reached = [status == "completed" for status, _ in await statuses(world, runs)]
    assert reached == [name.startswith("survivor"), name.startswith("old")]


async def test_a_step_of_a_run_that_followed_writes_to_the_survivor(world: World) -> None:
    first, second = [await contact(world, name) for name in ("ada", "ada2")]
    note = step("crm", action="add_activity", fields={"subject": "Seen"})
    (run,) = await enroll(world, await workflow_of(world, note), person(second))
    await merge(world, first, second)
    await world.drain()
    assert (await world.row(run))["status"] == "completed"
    rows = await world.sql("SELECT contact_id FROM activity WHERE subject = 'Seen'")
    assert [row["contact_id"] for row in rows] == [first["id"]]


async def test_a_suppressed_address_stays_suppressed_for_the_run_that_has_it(world: World) -> None:
    first, second = [await contact(world, name) for name in ("fine", "blocked")]
    runs = await enroll(world, await workflow_of(world, email()), person(first), person(second))
    await world.sql(
        "INSERT INTO suppression (organization_id, email, reason) VALUES ($1, $2, 'unsubscribe')",
        world.organization_id,
        second["email_key"],
    )
    await merge(world, first, second)
    await world.drain()
    assert [str(taken.message["To"]) for taken in world.sink.ledger] == [first["email"]]
    assert [await world.deliveries(run) for run in runs] == [["sent"], []]


async def test_merging_while_steps_write_and_mails_go_out(world: World) -> None:
    people = [await contact(world, f"busy{number}") for number in range(20)]
    note = step("crm", action="add_activity", fields={"subject": "Busy"})
    patch = {**step("crm", action="update", fields={"title": "{{ email }}"}), "id": "patch"}
    workflow = await workflow_of(world, note, email(), patch, {**note, "id": "again"})
    runs = await enroll(world, workflow, *[person(row) for row in people for _ in range(5)])

    async def all_merges() -> None:
        for first, second in zip(people[::2], people[1::2], strict=True):
            await merge(world, first, second)
            await asyncio.sleep(0.01)

    async def ended() -> bool:
        rows = await world.sql("SELECT count(*) AS n FROM enrollment WHERE status = 'active'")
        return rows[0]["n"] == 0

    await asyncio.gather(world.work_until(ended), all_merges())
    assert {status for status, _ in await statuses(world, runs)} == {"completed"}
    assert len(world.sink.ledger) == len(runs)
    left = {row["id"] for row in people[::2]}
    rows = await world.sql("SELECT contact_id FROM activity WHERE subject = 'Busy'")
    assert (len(rows), {row["contact_id"] for row in rows} <= left) == (2 * len(runs), True)
    assert {*await refs(world, runs)} == {row["public_id"] for row in people[::2]}


async def test_who_is_enrolled_while_it_is_merged_follows_or_is_refused(world: World) -> None:
    workflow = await workflow_of(world, DAY)
    for number in range(10):
        first, second = [await contact(world, f"late{number}{letter}") for letter in "ab"]

        async def start(ref: str) -> int | None:
            async with world.database.tenant(world.organization_id) as session:
                [outcome] = await contact_runs.enroll_contacts(
                    session, world.principal, Wakes(), workflow, [ref], dict[str, Any]()
                )
            return outcome.enrollment_id

        _, run = await asyncio.gather(merge(world, first, second), start(second["public_id"]))
        assert run is None or await refs(world, [run]) == [first["public_id"]]


async def test_a_large_merge_is_taken_back_in_portions_and_its_runs_with_the_last(world: World) -> None:
    first, second = [await contact(world, name) for name in ("ada", "ada2")]
    (run,) = await enroll(world, await workflow_of(world, DAY), person(second))
    await world.sql(
        """INSERT INTO activity (id, organization_id, public_id, contact_id)
           SELECT gen_random_uuid(), $1, 'act_planted' || n, $2 FROM generate_series(1, 2500) n""",
        world.organization_id,
        second["id"],
    )
    assert (await merge(world, first, second)).moved["activities"] == 2500
    told = await world.sql("SELECT count(*) AS n FROM event WHERE type = 'activity.updated'")
    assert told[0]["n"] >= 2500
    begun = await unmerge(world, second)
    assert begun["status"] == "running"
    assert await reverting.revert_changesets(world.database)
    assert await refs(world, [run]) == [first["public_id"]]
    while await reverting.revert_changesets(world.database):
        pass
    assert await refs(world, [run]) == [second["public_id"]]
    [left] = await world.sql("SELECT count(*) AS n FROM activity WHERE contact_id = $1", second["id"])
    [found] = await world.sql("SELECT deleted_at, merged_into_id FROM contact WHERE id = $1", second["id"])
    assert (left["n"], found["deleted_at"], found["merged_into_id"]) == (2500, None, None)


async def test_who_refers_to_a_record_that_is_being_merged_waits_and_is_refused(world: World) -> None:
    first, second = [await contact(world, name) for name in ("ada", "ada2")]
    organization_id, principal = world.organization_id, world.principal

    async def note() -> None:
        async with world.database.tenant(organization_id) as session:
            fields = ActivityFields(contact_id=second["public_id"])
            await crm.create_record(session, principal, RecordType.ACTIVITY, fields)

    async with world.database.tenant(organization_id) as session:
        wanted = Merge(merge=[second["public_id"]])
        await merging.merge_records(session, principal, CONTACT, first["public_id"], wanted)
        task = asyncio.create_task(note())
        await asyncio.sleep(0.2)
        assert not task.done()
    with pytest.raises(NotFoundError) as refused:
        await task
    assert refused.value.extra == {"merged_into": first["public_id"]}
    assert await world.sql("SELECT 1 FROM activity WHERE contact_id = $1", second["id"]) == []


async def test_an_import_finds_whom_an_old_address_belongs_to(world: World) -> None:
    actor = SystemActor(world.organization_id, "import", 1)
    rows = [
        {"email": "b@example.com", "city": "Bern"},
        {"email": "c@example.com", "external_system": "erp", "external_id": "2", "title": "Dr"},
        {"email": "new@example.com"},
    ]
    async with world.database.tenant(world.organization_id) as session:
        for name, number in (("a", "1"), ("b", "2")):
            data = SPECS[CONTACT].fields.model_validate(
                {"email": f"{name}@example.com", "external_system": "erp", "external_id": number}
            )
            await crm.create_record(session, actor, CONTACT, data)
    first, second = await world.sql("SELECT * FROM contact WHERE deleted_at IS NULL ORDER BY id")
    await merge(world, first, second)
    async with world.database.tenant(world.organization_id) as session:
        sink = await RecordSink.open(session, Target(CONTACT, actor, OpenChangeset(Source.IMPORT, "people.csv")))
        written = await sink.write(session, sink.read(list(enumerate(rows, 1))))
    assert written.outcomes == [Outcome.UPDATED, Outcome.UPDATED, Outcome.CREATED], written.problems
    left = await world.sql("SELECT * FROM contact WHERE deleted_at IS NULL ORDER BY id")
    assert [(row["email"], row["city"], row["title"], row["external_id"]) for row in left] == [
        ("c@example.com", "Bern", "Dr", "1"),
        ("new@example.com", "", "", None),
    ]
