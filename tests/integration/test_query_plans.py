"""What the engine and the lists ask most is answered from indexes, whatever lies waiting beside it."""

import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import pytest

from drippulse.enrollments import queries
from drippulse.enrollments.claim import CLAIM, NEXT_DUE, RECORDED
from drippulse.enrollments.commit import RESULTS
from drippulse.enrollments.sweep import SWEEP
from drippulse.kit.db import Role
from drippulse.sending.queries import BEGUN
from tests.conftest import MakeDatabase
from tests.support.world import World, make_world, step

WAITING = 20_000
FEW_ROWS = 1_500
"""What a plan may touch: the rows asked for, and some for the index's edges; far from what lies there."""

FILL = """
INSERT INTO enrollment (organization_id, workflow_id, workflow_version, email, step_id, wait_reason, next_run_at,
  claimable_at)
SELECT $1, $2, 1, 'w' || n || '@example.com', 'wait', 'wait', at, at FROM (
  SELECT n, now() + (n - $4::int) * interval '1 minute' AS at FROM generate_series(1, $3::int) n) rows
"""
MAILS = """
INSERT INTO delivery (organization_id, enrollment_id, workflow_id, visit, step_id, step_index, recipient, subject,
  message_id, status, fence)
SELECT $1, id, $2, 1, 'mail', 0, email, 'Hi', '<' || id || '>', 'intent', 1 FROM enrollment LIMIT 40
"""
PAGE = f"SELECT {queries.COLUMNS} FROM enrollment e WHERE {queries.LIVE} ORDER BY e.id DESC LIMIT 51"


@pytest.fixture
async def world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("query_plans")) as world:
        yield world


async def filled(world: World, due: int = 0) -> int:
    """A workflow in which `WAITING` enrollments wait, `due` of them for nothing any more."""
    workflow = await world.workflow(step("wait", duration=900, unit="days"))
    await world.sql(FILL, world.organization_id, workflow, WAITING, due)
    return workflow


async def plan(world: World, sql: str, *args: Any, role: Role = Role.ENGINE) -> list[dict[str, Any]]:
    """Every node of the plan as it was run; the run is undone."""
    async with world.database.session(role, world.organization_id) as session:
        await session.execute("SAVEPOINT before")
        text = await session.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *args)
        await session.execute("ROLLBACK TO SAVEPOINT before")
    return list(_nodes(orjson.loads(text)[0]["Plan"]))


def _nodes(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(below for child in node.get("Plans", []) for below in _nodes(child))]


def scans(nodes: list[dict[str, Any]]) -> set[str]:
    """Tables that are read from end to end."""
    return {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}


def rows_read(nodes: list[dict[str, Any]]) -> float:
    """Rows of enrollments that the plan touched, those filtered away included."""
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes
        if re.match("enrollment$", node.get("Relation Name", "")) and "Scan" in node["Node Type"]
    )


@pytest.mark.parametrize("analyzed", [False, True])
async def test_the_claim_reads_what_it_takes_and_no_more(world: World, analyzed: bool) -> None:
    await filled(world, due=600)
    if analyzed:
        await analyze(world)
    nodes = await plan(world, CLAIM, 200, timedelta(seconds=30), list[int]())
    assert "enrollment" not in scans(nodes)
    assert rows_read(nodes) <= FEW_ROWS


@pytest.mark.parametrize("sql", [NEXT_DUE, SWEEP], ids=["next due", "sweep"])
async def test_looking_for_due_work_reads_one_row_for_each_organization(world: World, sql: str) -> None:
    await filled(world)
    await analyze(world)
    nodes = await plan(world, sql, *([list[int]()] if "$1" in sql else []))
    assert "enrollment" not in scans(nodes)
    assert rows_read(nodes) <= 10


async def test_the_funnel_is_read_from_counters_and_what_is_due(world: World) -> None:
    workflow = await filled(world, due=100)
    await analyze(world)
    nodes = await plan(world, queries.COUNTS, world.organization_id, [workflow], role=Role.APP)
    assert "enrollment" not in scans(nodes)
    assert rows_read(nodes) <= FEW_ROWS


async def test_the_newest_page_of_a_list_reads_that_page(world: World) -> None:
    workflow = await filled(world)
    await analyze(world)
    nodes = await plan(world, PAGE, world.organization_id, workflow, role=Role.APP)
    assert "enrollment" not in scans(nodes)
    assert rows_read(nodes) <= 60


async def test_a_timeline_is_read_by_its_enrollment(world: World) -> None:
    workflow = await filled(world)
    await world.sql(
        """INSERT INTO enrollment_walk (organization_id, enrollment_id, workflow_id, workflow_version, entries)
           SELECT organization_id, id, workflow_id, 1, '[[1, 0, "completed", 1, "2026-01-01T00:00:00Z"]]'
           FROM enrollment"""
    )
    await analyze(world)
    [one] = await world.sql("SELECT max(id) AS id FROM enrollment WHERE workflow_id = $1", workflow)
    nodes = await plan(world, queries.NEWEST_ENTRIES, world.organization_id, one["id"], role=Role.APP)
    walks = [node for node in nodes if node.get("Relation Name", "").startswith("enrollment_walk")]
    assert sum(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in walks) <= 2


@pytest.mark.parametrize(
    ("sql", "columns"),
    [(RESULTS, [["sent"], ["250"], [None]]), (RECORDED, []), (BEGUN, [])],
    ids=["results", "recorded outcomes", "begun before"],
)
async def test_mails_are_found_by_enrollment_and_visit_before_there_are_statistics(
    world: World, sql: str, columns: list[list[Any]]
) -> None:
    """The first plans stay in use: with an index by the organization alone they would read all of its mails."""
    workflow = await filled(world)
    await world.sql(MAILS, world.organization_id, workflow)
    nodes = await plan(world, sql, [world.organization_id], [1], [1], *columns)
    used = {node["Index Name"] for node in nodes if node.get("Relation Name") == "delivery" and "Index Name" in node}
    assert used == {"delivery_organization_id_enrollment_id_visit_key"}


async def analyze(world: World) -> None:
    """As autovacuum does after a while; only the owner may."""
    connection = await asyncpg.connect(world.settings.database_owner_url)
    await connection.execute("ANALYZE enrollment; ANALYZE enrollment_walk; ANALYZE enrollment_count")
    await connection.close()
