"""Pure steps through the real worker path, beside the bare batch loop: claim 200, five trivial steps, write, commit."""

import time
from datetime import timedelta

import asyncpg
import orjson

from tests.bench.queues import Rates
from tests.bench.table import Results
from tests.support.world import World, step

ENROLLMENTS = 20_000
STEPS = 5
TARGET = 30_000
BATCH = 200

PURE = [
    step("trigger"),
    step("filter", conditions=[{"field": "score", "operator": "gte", "value": 10}]),
    step("set_fields", fields={"tier": "gold"}),
    step(
        "branch",
        branches=[
            {"name": "gold", "conditions": [{"field": "tier", "operator": "equals", "value": "gold"}], "goto": "log"}
        ],
    ),
    step("log", message="Hello {{ first_name }}"),
]

FILL = """
INSERT INTO enrollment (organization_id, workflow_id, workflow_version, email, step_id, bag)
SELECT $1, $2, 1, 'p' || n || '@example.com', 'trigger',
  jsonb_build_object('email', 'p' || n || '@example.com', 'first_name', 'Ada', 'score', 50)
FROM generate_series(1, $3) n
"""

BARE_SCHEMA = """
CREATE TABLE bare
  (id bigserial PRIMARY KEY, organization_id bigint, status text, run_at timestamptz, cursor int, bag jsonb);
CREATE INDEX ON bare (organization_id, run_at) WHERE status = 'active';
CREATE TABLE bare_step (enrollment_id bigint, visit int, step_id text, status text, at timestamptz);
INSERT INTO bare (organization_id, status, run_at, cursor, bag)
SELECT 1, 'active', now(), 0, jsonb_build_object('email', 'p' || n || '@example.com', 'first_name', 'Ada', 'score', 50)
FROM generate_series(1, {rows}) n;
ANALYZE bare;
"""

BARE_CLAIM = """
WITH due AS (SELECT id FROM bare WHERE organization_id = 1 AND status = 'active' AND run_at <= now() ORDER BY run_at
  LIMIT 200 FOR UPDATE SKIP LOCKED)
UPDATE bare SET run_at = now() + $1 WHERE id = ANY (ARRAY (SELECT id FROM due)) RETURNING id, bag, now() AS now
"""

BARE_WRITE = """
UPDATE bare b SET status = 'completed', cursor = i.cursor, bag = i.bag
FROM unnest($1::bigint[], $2::int[], $3::jsonb[]) AS i(id, cursor, bag) WHERE b.id = ANY ($1) AND b.id = i.id
"""


async def engine_rate(world: World) -> float:
    """Steps per second of one engine over `ENROLLMENTS` fresh enrollments."""
    workflow = await world.workflow(*PURE)
    await world.sql(FILL, world.organization_id, workflow, ENROLLMENTS)
    async with world.engine() as engine:
        began = time.perf_counter()
        claimed = await engine.drain()
        elapsed = time.perf_counter() - began
    done = (await world.sql("SELECT count(*) AS n FROM enrollment_step WHERE status = 'completed'"))[0]["n"]
    assert claimed == ENROLLMENTS
    assert done == ENROLLMENTS * STEPS, done
    return done / elapsed


async def bare_rate(superuser_url: str) -> float:
    """Steps per second of the bare loop on the same server: no graph, templates, fences, row-level security."""
    connection = await asyncpg.connect(superuser_url)
    await connection.execute(BARE_SCHEMA.format(rows=ENROLLMENTS))
    began = time.perf_counter()
    while True:
        async with connection.transaction():
            rows = await connection.fetch(BARE_CLAIM, timedelta(seconds=30))
        if not rows:
            break
        bags: list[str] = []
        steps: list[tuple[int, int, str, str, object]] = []
        for row in rows:
            bag = orjson.loads(row["bag"])
            for visit in range(STEPS):
                bag["tier"] = "gold"
                steps.append((row["id"], visit, "step", "completed", row["now"]))
            bags.append(orjson.dumps(bag).decode())
        async with connection.transaction():
            await connection.execute(BARE_WRITE, [row["id"] for row in rows], [STEPS] * len(rows), bags)
            await connection.copy_records_to_table("bare_step", records=steps)
    elapsed = time.perf_counter() - began
    await connection.execute("DROP TABLE bare, bare_step")
    await connection.close()
    return ENROLLMENTS * STEPS / elapsed


async def measure(world: World, superuser_url: str, queue: Rates | None, missing: str, results: Results) -> None:
    """`queue` is what graphile-worker did on the same server; None when it could not be had, for which `missing` has
    the reason."""
    bare = await bare_rate(superuser_url)
    rate = await engine_rate(world)
    results.add(
        "pure steps, one worker process",
        rate,
        "steps/s",
        limit=f"bare batch loop {bare:,.0f} steps/s ({rate / bare:.2f} x)",
        target=f">= {TARGET:,}",
        met=rate >= TARGET,
    )
    if queue is None:
        results.add(
            "the same beside graphile-worker", 0, "x", limit=f"not measured: {missing}", target=">= 1 x", met=False
        )
        return
    results.add(
        "the same beside graphile-worker's local queue",
        rate / queue.local_queue,
        "x",
        limit=f"{queue.local_queue:,.0f} jobs/s; without local queue {queue.plain:,.0f} jobs/s",
        target=">= 1 x",
        met=rate >= queue.local_queue,
    )
