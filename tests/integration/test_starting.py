"""Starting runs: once for each cause, under re-entry rules whoever starts at the same time, held where it must be."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import pytest

from drippulse.enrollments.contacts import read_batch
from drippulse.enrollments.errors import WorkflowArchivedError
from drippulse.enrollments.hold_locks import nothing_starts
from drippulse.enrollments.starting import Started, StartStatus, start_enrollments
from drippulse.enrollments.tables import Hold
from drippulse.events.service import SystemActor
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Role
from drippulse.kit.errors import NotFoundError
from drippulse.organizations import pausing as organization_pausing
from drippulse.workflows import pausing, service
from drippulse.workflows.schemas import WorkflowUpdate
from tests.conftest import MakeDatabase
from tests.support.waiting import eventually
from tests.support.world import World, make_world, step

ADA, BOB = {"email": "ada@example.com"}, {"email": "bob@example.com"}


@pytest.fixture(scope="module")
async def world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("starting")) as made:
        yield made


async def workflow_with(world: World, **settings: Any) -> int:
    workflow = await world.workflow(step("wait", duration=1, unit="hours"))
    if settings:
        await change_settings(world, workflow, **settings)
    return workflow


async def change_settings(world: World, workflow: int, **settings: Any) -> None:
    update = WorkflowUpdate.model_validate({"settings": settings})
    async with world.database.tenant(world.organization_id) as session:
        await service.update_workflow(session, world.principal, Vault.of(world.settings), workflow, update)


async def start(
    world: World,
    workflow: int,
    *contacts: Mapping[str, Any],
    role: Role = Role.APP,
    origins: Sequence[str | None] | None = None,
) -> Started:
    rows = read_batch({"contacts": list(contacts)}, may_hold_nul=False).rows
    organization = world.organization_id if role is Role.APP else None
    async with world.database.session(role, organization) as session:
        return await start_enrollments(session, SystemActor(world.organization_id), workflow, rows, origins=origins)


def statuses(started: Started) -> list[StartStatus]:
    return [row.status for row in started.rows]


E, S, BAD = StartStatus.ENROLLED, StartStatus.SKIPPED, StartStatus.INVALID
ROLES = pytest.mark.parametrize("role", [Role.APP, Role.ENGINE])


@ROLES
async def test_every_call_makes_new_rows_by_default(world: World, role: Role) -> None:
    workflow = await workflow_with(world)
    for _ in range(2):
        assert statuses(await start(world, workflow, ADA, ADA, BOB, role=role)) == [E, E, E]
    rows = await world.sql("SELECT email, step_id FROM enrollment WHERE workflow_id = $1 ORDER BY id", workflow)
    emails = ["ada@example.com", "ada@example.com", "bob@example.com"]
    assert [tuple(row) for row in rows[:3]] == [(address, "wait") for address in emails]


async def test_a_rule_made_later_counts_the_runs_before_it(world: World) -> None:
    workflow = await workflow_with(world)
    people = [ADA, {"lead_ref": "r1", "email": "one@x.org"}, {"lead_ref": " r2 "}, {"email": "Grün@Bücher.example"}]
    people += [{"email": "not an address."}, {"first_name": "nobody"}]
    assert statuses(await start(world, workflow, *people)) == [E] * 6
    await change_settings(world, workflow, re_entry={"mode": "never"})
    again = [{"email": "ADA@example.com"}, *people[1:3], {"email": "grün@xn--bcher-kva.example"}, *people[4:]]
    assert statuses(await start(world, workflow, *again)) == [S, S, S, S, S, E]
    others = [{"email": "one@x.org"}, {"lead_ref": "ada@example.org"}, {"lead_ref": "r2", "email": "ada@example.com"}]
    assert statuses(await start(world, workflow, *others)) == [E, E, S], "a reference goes before an address"


@ROLES
async def test_one_cause_starts_one_run(world: World, role: Role) -> None:
    workflow = await workflow_with(world)
    first = await start(world, workflow, ADA, BOB, role=role, origins=["event:1", None])
    again = await start(world, workflow, ADA, BOB, ADA, role=role, origins=["event:1", None, "event:1"])
    assert statuses(first) == [E, E]
    assert statuses(again) == [S, E, S]
    assert again.rows[0].enrollment_id == first.rows[0].enrollment_id
    twice = await start(world, workflow, ADA, ADA, role=role, origins=["event:2", "event:2"])
    assert statuses(twice) == [E, S]


async def test_never(world: World) -> None:
    workflow = await workflow_with(world, re_entry={"mode": "never"})
    started = await start(world, workflow, ADA, BOB, {"email": "ADA@example.com"}, {"first_name": "nobody"})
    assert statuses(started) == [E, E, S, E]
    assert "once" in (started.rows[2].reason or "")
    await world.sql("UPDATE enrollment SET status = 'completed' WHERE workflow_id = $1", workflow)
    assert statuses(await start(world, workflow, ADA, {"first_name": "nobody"})) == [S, E]
    await world.sql("UPDATE enrollment SET deleted_at = now() WHERE workflow_id = $1", workflow)
    assert statuses(await start(world, workflow, ADA)) == [E], "a mistaken run that was removed does not count"


async def test_after_exit(world: World) -> None:
    workflow = await workflow_with(world, re_entry={"mode": "after_exit"})
    assert statuses(await start(world, workflow, ADA, ADA)) == [E, S]
    await world.sql("UPDATE enrollment SET status = 'paused' WHERE workflow_id = $1", workflow)
    assert statuses(await start(world, workflow, ADA)) == [S]
    await world.sql("UPDATE enrollment SET status = 'failed' WHERE workflow_id = $1", workflow)
    assert statuses(await start(world, workflow, ADA)) == [E]


async def test_cooldown(world: World) -> None:
    workflow = await workflow_with(world, re_entry={"mode": "cooldown", "cooldown": {"duration": 30, "unit": "days"}})
    assert statuses(await start(world, workflow, ADA, ADA)) == [E, S]
    await world.sql("UPDATE enrollment SET created_at = now() - interval '29 days' WHERE workflow_id = $1", workflow)
    assert statuses(await start(world, workflow, ADA)) == [S]
    await world.sql("UPDATE enrollment SET created_at = now() - interval '31 days' WHERE workflow_id = $1", workflow)
    assert statuses(await start(world, workflow, ADA)) == [E]


async def test_max(world: World) -> None:
    workflow = await workflow_with(world, re_entry={"mode": "max", "max": 2})
    assert statuses(await start(world, workflow, ADA, ADA, ADA)) == [E, E, S]
    assert statuses(await start(world, workflow, ADA, BOB)) == [S, E]


async def test_a_dedupe_key_of_ones_own(world: World) -> None:
    workflow = await workflow_with(world, re_entry={"mode": "never"}, dedupe_key="{{ company | upcase }}")
    contacts = [{**ADA, "company": "Acme "}, {**BOB, "company": "acme"}, {**BOB, "company": "Other"}]
    assert statuses(await start(world, workflow, *contacts)) == [E, S, E]


async def test_a_dedupe_key_that_fails_on_ones_data_makes_the_row_invalid(world: World) -> None:
    workflow = await workflow_with(world, re_entry={"mode": "never"}, dedupe_key="{{ n | divided_by: m }}")
    started = await start(world, workflow, {"n": 4, "m": 2}, {"n": 4, "m": 0})
    assert statuses(started) == [E, BAD]
    assert (started.rows[1].reason or "").startswith("dedupe_key: ")


@pytest.mark.parametrize("size", [3, 150])
async def test_whoever_starts_at_the_same_time_nobody_enters_twice(world: World, size: int) -> None:
    workflow = await workflow_with(world, re_entry={"mode": "never"})
    people = [{"email": f"p{n}@x.org"} for n in range(size)]
    roles = [Role.APP, Role.ENGINE] * 3
    started = await asyncio.gather(*(start(world, workflow, *people, role=role) for role in roles))
    assert sum(len(one.ids) for one in started) == size


@pytest.mark.parametrize("sizes", [(1, 1), (150, 150), (1, 150)], ids=str)
async def test_who_has_seen_that_nobody_entered_is_waited_for(world: World, sizes: tuple[int, int]) -> None:
    """Two calls have looked at the same earlier runs before either writes: the table lets them read only until then."""
    workflow = await workflow_with(world, re_entry={"mode": "never"})
    async with world.database.tenant(world.organization_id) as session:
        await session.execute("LOCK TABLE enrollment IN SHARE MODE")
        calls = [
            asyncio.create_task(start(world, workflow, *({"email": f"p{n}@x.org"} for n in range(size))))
            for size in sizes
        ]
        await eventually(lambda: both_wait(world, *calls))
    started = [await call for call in calls]
    assert sum(len(one.ids) for one in started) == max(sizes)


async def both_wait(world: World, *calls: asyncio.Task[Started]) -> bool:
    assert not any(call.done() for call in calls)
    [row] = await world.sql(
        """SELECT count(*) AS waiting FROM pg_locks WHERE NOT granted
           AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())"""
    )
    return row["waiting"] == len(calls)


@ROLES
async def test_runs_of_a_paused_workflow_or_organization_are_held(world: World, role: Role) -> None:
    workflow = await workflow_with(world)
    async with world.database.tenant(world.organization_id) as session:
        await pausing.pause_workflow(session, world.principal, Vault.of(world.settings), workflow)
        await organization_pausing.pause_organization(session, world.principal)
    [one] = (await start(world, workflow, ADA, role=role)).ids
    row = await world.row(one)
    assert (row["holds"], row["claimable_at"]) == (Hold.WORKFLOW | Hold.ORGANIZATION, None)
    await world.sql("UPDATE organization SET paused_at = NULL")


async def test_a_worker_does_not_wait_for_somebody_who_is_pausing(world: World) -> None:
    """Whether the run is held is then seen when it is claimed."""
    workflow = await workflow_with(world)
    async with world.database.tenant(world.organization_id) as session:
        await nothing_starts(session, world.organization_id, workflow)
        began = time.monotonic()
        [one] = (await start(world, workflow, ADA, role=Role.ENGINE)).ids
        assert time.monotonic() - began < 1
        waiting = asyncio.create_task(start(world, workflow, ADA))
        await asyncio.sleep(0.1)
        assert not waiting.done()
    assert statuses(await waiting) == [E]
    row = await world.row(one)
    assert row["claimable_at"] > row["next_run_at"]


async def test_foreign_deleted_and_archived_workflows_take_nobody(world: World) -> None:
    workflow = await workflow_with(world)
    async with world.database.session(Role.ENGINE) as session:
        rows = read_batch({"contacts": [ADA]}, may_hold_nul=False).rows
        with pytest.raises(NotFoundError):
            await start_enrollments(session, SystemActor(world.organization_id + 1), workflow, rows)
    await world.sql("UPDATE workflow SET status = 'archived' WHERE id = $1", workflow)
    with pytest.raises(WorkflowArchivedError):
        await start(world, workflow, ADA)
    await world.sql("UPDATE workflow SET deleted_at = now() WHERE id = $1", workflow)
    with pytest.raises(NotFoundError):
        await start(world, workflow, ADA)
