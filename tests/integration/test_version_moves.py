"""Runs in flight when a version is published: waiting, in a call, in a frozen worker's hands, paused, many."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from typing import Any

import orjson
import pytest

from drippulse.enrollments import presentation, queries
from drippulse.enrollments.claim import Claimed, claim
from drippulse.enrollments.commit import MailIntent, Progress, Verdict, commit
from drippulse.enrollments.tables import Hold
from drippulse.workflows.publishing.errors import PreviewStaleError
from drippulse.workflows.publishing.moves import CHUNK, move_versions
from tests.conftest import MakeDatabase
from tests.support.publishing import confirm, look, publish, save_draft
from tests.support.world import World, email, make_world, step

LONG = step("wait", duration=3, unit="days")
LOG = step("log", message="on")
SHORT = step("wait", duration=1, unit="seconds")


@pytest.fixture(scope="module")
async def shared_world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("version_moves")) as made:
        yield made


@pytest.fixture
async def world(shared_world: World) -> World:
    shared_world.sink.ledger.clear()
    await shared_world.cancel_all()
    await shared_world.sql("UPDATE version_move SET finished_at = now() WHERE finished_at IS NULL")
    return shared_world


async def entered_ago(world: World, ids: Sequence[int], **ago: int) -> None:
    await world.sql(
        "UPDATE enrollment SET step_entered_at = now() - $2::interval WHERE id = ANY ($1)", ids, timedelta(**ago)
    )


async def moves(world: World, workflow: int) -> list[dict[str, Any]]:
    rows = await world.sql("SELECT * FROM version_move WHERE workflow_id = $1 ORDER BY id", workflow)
    return [dict(row) for row in rows]


async def work_on_moves(world: World, **changes: Any) -> None:
    """The chore, as often as it takes until a whole round finds nothing more to move."""
    while True:
        await world.sql("UPDATE version_move SET next_at = now()")
        if not await move_versions(world.database, seconds=0.05, **changes):
            return


def keeping(held: Claimed, **changes: Any) -> Progress:
    """A commit that stays on its step."""
    fields: dict[str, Any] = {
        "id": held.id,
        "organization_id": held.organization_id,
        "workflow_id": held.workflow_id,
        "workflow_version": held.workflow_version,
        "fence": held.fence,
        "step_index": held.step_index,
        "step_id": held.step_id,
        "visit": held.visit,
        "visits": None,
        "bag": None,
        "attempt": 0,
        "entered_at": held.entered_at,
    }
    return Progress(**{**fields, **changes})


async def test_pinned_runs_stay_on_their_version(world: World) -> None:
    workflow = await world.workflow(LONG, LOG)
    [one] = await world.enroll(workflow)
    await world.drain()
    before = dict(await world.row(one))
    published = await publish(world, workflow, "pin", SHORT, LOG)
    assert (published["version"], published["in_flight"], published["move"]) == (2, 1, None)
    assert dict(await world.row(one)) == before


async def test_a_waiting_run_goes_on_by_the_new_wait_counted_from_when_it_came(world: World) -> None:
    workflow = await world.workflow(LONG, LOG)
    early, late = await world.enroll(workflow, {"email": "a@x.org"}, {"email": "b@x.org"})
    await world.drain()
    await entered_ago(world, [early], days=2)
    published = await publish(world, workflow, "migrate", step("wait", duration=1, unit="days"), LOG)
    assert (published["move"]["moved"], published["move"]["status"]) == (2, "done")
    await world.drain()
    assert (await world.row(early))["status"] == "completed"
    row = await world.row(late)
    assert (row["workflow_version"], row["visit"], row["status"]) == (2, 1, "active")
    assert timedelta(hours=23) < row["next_run_at"] - row["step_entered_at"] <= timedelta(days=1)
    assert await world.timeline(early) == [("wait", "moved"), ("wait", "completed"), ("log", "completed")]


async def test_another_step_is_another_visit_so_that_no_delivery_is_mistaken_for_its_own(world: World) -> None:
    workflow = await world.workflow(email(), LONG, LOG)
    [one] = await world.enroll(workflow)
    await world.drain()
    assert (await world.row(one))["visit"] == 2
    await publish(world, workflow, "migrate", {**email(subject="Again"), "id": "again"}, LOG, wait="again")
    row = await world.row(one)
    assert (row["visit"], row["step_id"], row["current_step_index"]) == (3, "again", 0)
    assert orjson.loads(row["visits"])["again"] == 1
    await world.drain()
    assert await world.deliveries(one) == ["sent", "sent"]
    assert len(world.sink.ledger) == 2


async def test_restart_begins_anew_and_keeps_what_is_known(world: World) -> None:
    workflow = await world.workflow(step("set_fields", fields={"tier": "gold"}), LONG)
    [one] = await world.enroll(workflow)
    await world.drain()
    await publish(world, workflow, "restart", step("log", message="x"), LONG)
    row = await world.row(one)
    assert (row["visit"], row["current_step_index"], row["step_id"], row["visits"]) == (3, 0, "log", "{}")
    assert orjson.loads(row["bag"])["tier"] == "gold"
    await world.drain()
    assert (await world.row(one))["step_id"] == "wait"


async def test_exit_ends_runs_with_a_reason_and_an_event(world: World) -> None:
    workflow = await world.workflow(LONG, LOG)
    [one] = await world.enroll(workflow)
    await world.drain()
    published = await publish(world, workflow, "exit", LOG)
    row = await world.row(one)
    assert (row["status"], row["exit_reason"], row["claimable_at"]) == ("cancelled", "version_exit", None)
    assert (row["workflow_version"], published["move"]["exited"]) == (1, 1)
    events = await world.sql("SELECT data FROM event WHERE record_id = $1 AND type = 'enrollment.cancelled'", str(one))
    assert [orjson.loads(event["data"])["reason"] for event in events] == ["version_exit"]


async def test_a_step_mapped_to_null_ends_its_runs_alone(world: World) -> None:
    workflow = await world.workflow(LONG, step("filter", conditions=[{"field": "n", "operator": "exists"}]), LOG)
    stays, goes = await world.enroll(workflow, {"email": "a@x.org"}, {"email": "b@x.org"})
    await world.drain()
    await world.sql("UPDATE enrollment SET step_id = 'log', current_step_index = 2 WHERE id = $1", goes)
    await publish(world, workflow, "migrate", LONG, log=None)
    assert [(await world.row(one))["status"] for one in (stays, goes)] == ["active", "cancelled"]


async def test_a_frozen_worker_that_wakes_after_the_move_writes_nothing(world: World) -> None:
    workflow = await world.workflow(LOG, email())
    [one] = await world.enroll(workflow)
    [frozen] = await claim(world.database, 10, 30)
    await publish(world, workflow, "migrate", step("wait", duration=1, unit="days"), log="wait")
    assert await commit(world.database, [keeping(frozen, bag='{"stale": 1}')], 30) == [Verdict.FENCED]
    row = await world.row(one)
    assert (row["workflow_version"], row["step_id"], row["attempt"]) == (2, "wait", 0)
    await world.drain()
    assert world.sink.ledger == []


async def test_a_call_in_flight_is_left_alone_and_follows_once_it_is_settled(world: World) -> None:
    workflow = await world.workflow(email(), LONG)
    [one] = await world.enroll(workflow)
    [held] = await claim(world.database, 10, 30)
    mail = MailIntent(1, "ada@example.com", "Hi", "<1@x>", "[]")
    intent = keeping(held, intent=True, keep_lease=True, attempt=1, mail=mail, recipient="ada@example.com")
    assert await commit(world.database, [intent], 30) == [Verdict.WRITTEN]
    seen = await save_and_look(world, workflow)
    assert [group["in_call"] for group in seen["groups"]] == [1]
    published = await confirm(world, workflow, seen["confirm_token"])
    assert (published["move"]["remaining"], published["move"]["status"]) == (1, "moving")
    assert (await world.row(one))["fence"] == held.fence + 1
    await work_on_moves(world)
    assert (await world.row(one))["workflow_version"] == 1
    settled = keeping(held, fence=held.fence + 1, step_index=1, step_id="wait", visit=2, next_run_at=held.now)
    assert await commit(world.database, [settled], 30) == [Verdict.WRITTEN]
    await work_on_moves(world)
    row = await world.row(one)
    assert (row["workflow_version"], row["step_id"], row["visit"]) == (2, "wait", 2)


async def save_and_look(world: World, workflow: int) -> dict[str, Any]:
    await save_draft(world, workflow, email(subject="New"), step("wait", duration=1, unit="days"))
    return await look(world, workflow, "migrate")


async def test_a_mail_is_sent_once_whatever_is_published_meanwhile(world: World) -> None:
    workflow = await world.workflow(email(), LONG)
    ids = await world.enroll(workflow, *({"email": f"m{n}@x.org"} for n in range(60)))
    async with world.engine(worker_batch=10) as engine:
        working = asyncio.create_task(engine.drain())
        while not world.sink.ledger:  # noqa: ASYNC110 - the sink is not ours to notify
            await asyncio.sleep(0.005)
        for _ in range(200):
            try:
                await publish(world, workflow, "migrate", email(), step("wait", duration=1, unit="days"))
                break
            except PreviewStaleError:
                continue
        await working
        await work_on_moves(world)
        await engine.drain()
    assert len(world.sink.ledger) == 60
    rows = [await world.row(one) for one in ids]
    assert {(row["workflow_version"], row["step_id"]) for row in rows} == {(2, "wait")}


async def test_what_somebody_has_to_decide_about_stays_undecided(world: World) -> None:
    """A mail whose outcome is unknown is not sent again because a version was published."""
    workflow = await world.workflow(email(), LONG)
    [one] = await world.enroll(workflow)
    await world.sql(
        "UPDATE enrollment SET next_run_at = NULL, claimable_at = NULL, wait_reason = 'outcome_unknown' WHERE id = $1",
        one,
    )
    await publish(world, workflow, "migrate", email(subject="New"), LONG)
    row = await world.row(one)
    assert (row["workflow_version"], row["wait_reason"], row["claimable_at"]) == (2, "outcome_unknown", None)
    await world.drain()
    assert world.sink.ledger == []


async def test_a_retry_keeps_its_time_and_its_attempts(world: World) -> None:
    workflow = await world.workflow(email(), LONG)
    [one] = await world.enroll(workflow)
    await world.sql(
        "UPDATE enrollment SET attempt = 2, wait_reason = 'retry', next_run_at = now() + interval '1 h', "
        "claimable_at = now() + interval '1 h' WHERE id = $1",
        one,
    )
    before = await world.row(one)
    await publish(world, workflow, "migrate", email(subject="New"), LONG)
    row = await world.row(one)
    assert (row["attempt"], row["next_run_at"], row["claimable_at"]) == (2, before["next_run_at"], row["next_run_at"])


async def test_what_is_held_stays_held(world: World) -> None:
    workflow = await world.workflow(LONG, LOG)
    [one, other] = await world.enroll(workflow, {"email": "a@x.org"}, {"email": "b@x.org"})
    await world.drain()
    hold = "UPDATE enrollment SET holds = $2, held_at = now(), claimable_at = NULL WHERE id = $1"
    await world.sql(hold, one, Hold.WORKFLOW.value)
    await world.sql(hold, other, Hold.STEP.value)
    await publish(world, workflow, "migrate", SHORT, {**LONG, "id": "long"}, LOG, wait="long")
    row, moved = await world.row(one), await world.row(other)
    assert (row["workflow_version"], row["holds"], row["claimable_at"]) == (2, Hold.WORKFLOW, None)
    assert (moved["workflow_version"], moved["holds"], moved["held_at"]) == (2, 0, None), "that step is not paused"


async def test_a_run_on_a_step_without_a_place_follows_when_it_comes_to_one(world: World) -> None:
    """Between preview and move somebody may come to a step that nobody stood on."""
    workflow = await world.workflow(LONG, {**LONG, "id": "gone"}, LOG)
    [one, racer] = await world.enroll(workflow, {"email": "a@x.org"}, {"email": "b@x.org"})
    await world.drain()
    await save_draft(world, workflow, LONG, LOG)
    seen = await look(world, workflow, "migrate")
    await confirm(world, workflow, seen["confirm_token"])
    stray = "UPDATE enrollment SET workflow_version = 1, step_id = $2, current_step_index = $3 WHERE id = $1"
    await world.sql(stray, racer, "gone", 1)
    await work_on_moves(world)
    assert [(await world.row(who))["workflow_version"] for who in (one, racer)] == [2, 1]
    await world.sql(stray, racer, "log", 2)
    await work_on_moves(world)
    assert (await world.row(racer))["workflow_version"] == 2


async def test_20000_runs_move_in_chunks_and_the_counters_are_exact(world: World) -> None:
    workflow = await world.workflow(LONG, LOG)
    people = [{"email": f"c{n}@x.org"} for n in range(20_000)]
    ids = await world.enroll(workflow, *people)
    await world.sql(
        "UPDATE enrollment SET next_run_at = now() + interval '1 d', claimable_at = now() + interval '1 d' "
        "WHERE workflow_id = $1",
        workflow,
    )
    published = await publish(world, workflow, "migrate", SHORT, {**LONG, "id": "other"}, wait="other")
    assert (published["move"]["moved"], published["move"]["remaining"]) == (0, 20_000), "not in the request"
    assert await move_versions(world.database, seconds=0.0001)
    [move] = await moves(world, workflow)
    assert move["moved"] == CHUNK
    both = await asyncio.gather(move_versions(world.database, seconds=20), move_versions(world.database, seconds=20))
    assert any(both)
    [move] = await moves(world, workflow)
    assert (move["moved"], move["exited"]) == (20_000, 0)
    rows = await world.sql(
        "SELECT count(*) AS people, min(visit) AS least, max(visit) AS most FROM enrollment "
        "WHERE id = ANY ($1) AND workflow_version = 2 AND step_id = 'other'",
        ids,
    )
    assert dict(rows[0]) == {"people": 20_000, "least": 2, "most": 2}
    counts = await world.sql(
        "SELECT workflow_version, step_index, sum(enrollments)::int AS n FROM enrollment_count WHERE workflow_id = $1 "
        "GROUP BY 1, 2 HAVING sum(enrollments) <> 0",
        workflow,
    )
    assert [tuple(row) for row in counts] == [(2, 1, 20_000)]


async def test_a_move_ends_when_nobody_is_left_and_whoever_started_beside_it_is_in(world: World) -> None:
    workflow = await world.workflow(LONG, LOG)
    await world.enroll(workflow)
    await world.drain()
    await publish(world, workflow, "migrate", SHORT, LOG)
    await work_on_moves(world)
    assert [move["finished_at"] for move in await moves(world, workflow)] == [None], "a straggler may still appear"
    [late] = await world.enroll(workflow)
    await work_on_moves(world)
    assert (await world.row(late))["workflow_version"] == 2
    await world.sql("UPDATE version_move SET created_at = now() - interval '1 min'")
    await work_on_moves(world)
    assert [move["finished_at"] is None for move in await moves(world, workflow)] == [False]


async def test_a_later_publication_decides_about_those_who_are_left(world: World) -> None:
    workflow = await world.workflow(email(), LOG)
    [one] = await world.enroll(workflow)
    await world.sql("UPDATE enrollment SET intent_at = now(), claimable_at = now() + interval '1 h' WHERE id = $1", one)
    await publish(world, workflow, "migrate", email(), LONG)
    await publish(world, workflow, "exit", email(), LOG)
    first, second = await moves(world, workflow)
    assert (first["superseded"], second["superseded"]) == (True, False)
    await world.sql("UPDATE enrollment SET intent_at = NULL WHERE id = $1", one)
    await work_on_moves(world)
    assert (await world.row(one))["exit_reason"] == "version_exit"


async def test_of_two_publishers_with_one_preview_one_is_told_that_it_is_stale(world: World) -> None:
    workflow = await world.workflow(LONG, LOG)
    await world.enroll(workflow, *({"email": f"t{n}@x.org"} for n in range(50)))
    await world.drain()
    await save_draft(world, workflow, SHORT, LOG)
    token = (await look(world, workflow, "migrate"))["confirm_token"]
    results = await asyncio.gather(*(confirm(world, workflow, token) for _ in range(2)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["PreviewStaleError", "dict"]
    rows = await world.sql("SELECT max(version) AS newest FROM workflow_version WHERE workflow_id = $1", workflow)
    assert rows[0]["newest"] == 2


async def test_the_funnel_counts_older_versions_by_step_id(world: World) -> None:
    workflow = await world.workflow(LONG, {**LONG, "id": "gone"}, LOG)
    [_, other] = await world.enroll(workflow, {"email": "a@x.org"}, {"email": "b@x.org"})
    await world.drain()
    await world.sql("UPDATE enrollment SET step_id = 'gone', current_step_index = 1 WHERE id = $1", other)
    await publish(world, workflow, "pin", LOG, LONG)
    async with world.database.tenant(world.organization_id) as session:
        counts = await queries.counts(session, world.organization_id, workflow)
        steps = await session.fetchval(
            "SELECT steps FROM workflow_version WHERE workflow_id = $1 AND version = 2", workflow
        )
    funnel = presentation.step_funnel(presentation.outline(steps), counts)
    assert [(one["type"], one["active_leads"], one["waiting_leads"]) for one in funnel["steps"]] == [
        ("log", 0, 0),
        ("wait", 1, 1),
    ]
    [elsewhere] = funnel["other_versions"]
    assert (elsewhere["version"], elsewhere["step_id"], elsewhere["active_leads"]) == (1, "gone", 1)
    assert funnel["totals"]["active"] == 2
