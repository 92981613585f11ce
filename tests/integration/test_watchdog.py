"""The watchdog: every kind of standstill is flagged once, nothing healthy is, and a repair sets runs going again."""

from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from prometheus_client import REGISTRY

from drippulse.kit.db import Role
from drippulse.kit.errors import NotFoundError
from drippulse.kit.pagination import page_request
from drippulse.stalls import queries, service
from drippulse.stalls.schemas import Repair
from drippulse.stalls.watchdog import MARGIN, patience, watch
from drippulse_server.doctor.check import Verdict
from drippulse_server.doctor.database import check_database
from tests.conftest import MakeDatabase
from tests.support.world import World, make_world, step

GAUGE = "drippulse_stalled_enrollments"
LIMIT = timedelta(seconds=100)
OLD, YOUNG = "now() - interval '101 seconds'", "now() - interval '95 seconds'"
STALLS = {
    "unclaimed": f"next_run_at = {OLD}, claimable_at = {OLD}",
    "unclaimable": f"next_run_at = now() + interval '1 day', claimable_at = NULL, updated_at = {OLD}, "
    "wait_reason = 'wait'",
    "forgotten": f"next_run_at = NULL, claimable_at = NULL, wait_reason = NULL, updated_at = {OLD}",
}
HEALTHY = [
    "next_run_at = now(), claimable_at = now()",
    f"next_run_at = {OLD}, claimable_at = {YOUNG}",
    f"next_run_at = {OLD}, claimable_at = now() + interval '20 seconds', fence = fence + 1",
    "next_run_at = now() + interval '9 days', claimable_at = now() + interval '9 days', wait_reason = 'wait'",
    f"next_run_at = NULL, claimable_at = NULL, wait_reason = 'approval', updated_at = {OLD}",
    f"next_run_at = NULL, claimable_at = NULL, wait_reason = 'event', updated_at = {OLD}",
    f"next_run_at = NULL, claimable_at = NULL, wait_reason = 'outcome_unknown', updated_at = {OLD}",
    f"next_run_at = {OLD}, claimable_at = NULL, holds = 1, updated_at = {OLD}",
    f"next_run_at = {OLD}, claimable_at = NULL, holds = 12, updated_at = {OLD}",
    f"next_run_at = NULL, claimable_at = NULL, wait_reason = NULL, updated_at = {YOUNG}",
    f"next_run_at = NULL, claimable_at = NULL, status = 'paused', updated_at = {OLD}",
    f"next_run_at = NULL, claimable_at = NULL, status = 'completed', finished_at = now(), updated_at = {OLD}",
    f"next_run_at = NULL, claimable_at = NULL, status = 'cancelled', deleted_at = now(), updated_at = {OLD}",
]


class CountingWaker:
    def __init__(self) -> None:
        self.calls = 0

    async def wake(self) -> None:
        self.calls += 1


@pytest.fixture(scope="module")
async def world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("watchdog")) as world:
        yield world


@pytest.fixture(autouse=True)
async def alone(world: World) -> None:
    await world.cancel_all()
    await watch(world.database, LIMIT)


async def planted(world: World, change: str) -> int:
    workflow = await world.workflow(step("log", message="x"))
    [enrollment] = await world.enroll(workflow)
    await world.sql(f"UPDATE enrollment SET {change} WHERE id = $1", enrollment)
    return enrollment


async def open_stalls(world: World) -> list[tuple[int, str]]:
    rows = await world.sql("SELECT enrollment_id, kind FROM stall WHERE resolved_at IS NULL ORDER BY id")
    return [(row["enrollment_id"], row["kind"]) for row in rows]


async def alarms(world: World, enrollment: int) -> list[dict[str, Any]]:
    rows = await world.sql(
        "SELECT data FROM event WHERE type = 'workflow.failed' AND (data ->> 'enrollment_id')::bigint = $1", enrollment
    )
    return [orjson.loads(row["data"]) for row in rows]


async def repair(world: World, ids: list[int] | None = None) -> dict[str, Any]:
    waker = CountingWaker()
    async with world.database.tenant(world.organization_id) as session:
        answer = await service.repair(session, world.principal, waker, Repair(ids=ids))
    assert waker.calls == 1
    return answer


@pytest.mark.parametrize("kind", STALLS)
async def test_a_standstill_is_flagged_once_with_an_alarm_and_repaired(world: World, kind: str) -> None:
    enrollment = await planted(world, STALLS[kind])
    assert [await watch(world.database, LIMIT) for _ in range(3)] == [1, 0, 0]
    assert await open_stalls(world) == [(enrollment, kind)]
    [alarm] = await alarms(world, enrollment)
    assert (alarm["alarm"], alarm["kind"], alarm["step_id"]) == ("stalled", kind, "log")
    assert REGISTRY.get_sample_value(GAUGE) == 1
    before = await world.row(enrollment)
    answer = await repair(world)
    assert answer["repaired_count"] == 1
    assert [row["resolution"] for row in answer["stalls"]] == ["repaired"]
    assert (await world.row(enrollment))["fence"] == before["fence"] + 1
    await world.sql("UPDATE enrollment SET claimable_at = least(claimable_at, now()) WHERE id = $1", enrollment)
    await world.drain()
    assert (await world.row(enrollment))["status"] == "completed"
    assert await watch(world.database, LIMIT) == 0
    assert REGISTRY.get_sample_value(GAUGE) == 0


async def test_a_repair_gives_a_run_its_own_time_back_and_not_an_earlier_one(world: World) -> None:
    enrollment = await planted(world, STALLS["unclaimable"])
    await watch(world.database, LIMIT)
    await repair(world)
    row = await world.row(enrollment)
    assert row["claimable_at"] == row["next_run_at"]
    assert await world.drain() == 0


@pytest.mark.parametrize("state", HEALTHY)
async def test_what_is_well_raises_no_alarm(world: World, state: str) -> None:
    enrollment = await planted(world, state)
    assert await watch(world.database, LIMIT) == 0
    assert await alarms(world, enrollment) == []


MOVES: dict[str, str] = {
    "claimed": "claimable_at = now() + interval '30 seconds', fence = fence + 1",
    "finished": "status = 'completed', claimable_at = NULL, next_run_at = NULL",
    "held": "holds = 4, claimable_at = NULL",
    "deleted": "status = 'cancelled', deleted_at = now(), claimable_at = NULL, next_run_at = NULL",
}


@pytest.mark.parametrize("move", MOVES)
async def test_what_moves_on_by_itself_is_resolved_by_the_next_round(world: World, move: str) -> None:
    enrollment = await planted(world, STALLS["unclaimed"])
    await watch(world.database, LIMIT)
    await world.sql(f"UPDATE enrollment SET {MOVES[move]} WHERE id = $1", enrollment)
    await watch(world.database, LIMIT)
    assert await open_stalls(world) == []
    [row] = await world.sql("SELECT resolution FROM stall WHERE enrollment_id = $1", enrollment)
    assert row["resolution"] == "moved_on"


async def test_a_second_standstill_is_a_second_alarm(world: World) -> None:
    enrollment = await planted(world, STALLS["unclaimed"])
    await watch(world.database, LIMIT)
    await repair(world)
    await world.sql(f"UPDATE enrollment SET {STALLS['unclaimed']} WHERE id = $1", enrollment)
    assert await watch(world.database, LIMIT) == 1
    assert len(await alarms(world, enrollment)) == 2


async def test_a_repair_of_what_moved_on_meanwhile_changes_nothing(world: World) -> None:
    enrollment = await planted(world, STALLS["unclaimed"])
    await watch(world.database, LIMIT)
    await world.sql(f"UPDATE enrollment SET {MOVES['claimed']} WHERE id = $1", enrollment)
    before = await world.row(enrollment)
    answer = await repair(world)
    assert (answer["repaired_count"], answer["stalls"][0]["resolution"]) == (0, "moved_on")
    assert dict(await world.row(enrollment)) == dict(before)


async def test_only_the_stalls_that_are_named_are_repaired_and_unknown_ones_refuse_the_whole_call(world: World) -> None:
    first, second = [await planted(world, STALLS["forgotten"]) for _ in range(2)]
    await watch(world.database, LIMIT)
    ids = [row["id"] for row in await world.sql("SELECT id FROM stall WHERE resolved_at IS NULL ORDER BY id")]
    for wrong in (999_999_999, 0, -5, 2**70):
        with pytest.raises(NotFoundError):
            await repair_quietly(world, [ids[0], wrong])
    assert [enrollment for enrollment, _ in await open_stalls(world)] == [first, second]
    await repair(world, [ids[0]])
    assert [enrollment for enrollment, _ in await open_stalls(world)] == [second]


async def repair_quietly(world: World, ids: list[int]) -> None:
    async with world.database.tenant(world.organization_id) as session:
        await service.repair(session, world.principal, CountingWaker(), Repair(ids=ids))


async def test_the_list_says_what_is_open_and_what_was_resolved(world: World) -> None:
    await planted(world, STALLS["forgotten"])
    await watch(world.database, LIMIT)
    request = page_request(None, None, None, sorts=queries.SORTS)
    async with world.database.tenant(world.organization_id) as session:
        shown = {
            state: await service.list_stalls(session, world.principal, state, request) for state in ("open", "resolved")
        }
    assert [row["kind"] for row in shown["open"]["stalls"]] == ["forgotten"]
    assert all(row["resolved_at"] for row in shown["resolved"]["stalls"])


async def test_the_doctor_tells_of_stalls(world: World) -> None:
    async def check() -> tuple[Verdict, str]:
        [found] = [one for one in await check_database(world.settings) if one.name == "stalls"]
        return found.verdict, found.finding

    assert (await check())[0] is Verdict.OK
    await planted(world, STALLS["unclaimed"])
    await watch(world.database, LIMIT)
    verdict, finding = await check()
    assert verdict is Verdict.FAIL
    assert finding.startswith("1 active enrollments stand still, the first since ")


async def test_patience_is_a_lease_a_sweep_and_a_minute(world: World) -> None:
    settings = world.settings.model_copy(update={"lease_seconds": 30, "sweep_seconds": 10})
    assert patience(settings) == timedelta(seconds=40) + MARGIN == timedelta(seconds=100)


async def test_a_round_reads_no_waiting_rows(world: World) -> None:
    """With thousands that wait, both halves are found through indexes that hold nothing healthy."""
    workflow = await world.workflow(step("log", message="x"))
    await world.sql(
        """INSERT INTO enrollment (organization_id, workflow_id, workflow_version, step_id, next_run_at, claimable_at)
        SELECT $1, $2, 1, 'log', now() + interval '9 days', now() + interval '9 days' FROM generate_series(1, 5000)""",
        world.organization_id,
        workflow,
    )
    async with world.database.session(Role.ENGINE) as session:
        rows = await session.fetch(f"EXPLAIN (ANALYZE, BUFFERS OFF, FORMAT JSON) {queries.FIND}", LIMIT, 500)
    plan = orjson.loads(rows[0][0])[0]["Plan"]
    assert max(_rows_of("enrollment", plan)) < 10
    await world.sql("DELETE FROM enrollment WHERE workflow_id = $1", workflow)


def _rows_of(table: str, plan: dict[str, Any]) -> list[float]:
    """Rows looked at by each scan of a table, those filtered out included."""
    count: Callable[[str], float] = lambda name: float(plan.get(name, 0))  # noqa: E731
    own = [count("Actual Rows") + count("Rows Removed by Filter")] if plan.get("Relation Name") == table else []
    return own + [found for part in plan.get("Plans", []) for found in _rows_of(table, part)]


async def test_a_wait_reason_of_earlier_versions_excuses_nothing(world: World) -> None:
    """What holds a run is in its flags; a run that only says so stands still like any other."""
    state = f"next_run_at = {OLD}, claimable_at = NULL, wait_reason = 'workflow_paused', updated_at = {OLD}"
    enrollment = await planted(world, state)
    assert await watch(world.database, LIMIT) == 1
    assert await open_stalls(world) == [(enrollment, "unclaimable")]
