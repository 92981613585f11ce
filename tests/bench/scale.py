"""Whether a million waiting enrollments make anything dearer than ten thousand do."""

import time
from dataclasses import dataclass
from statistics import median

import asyncpg

from drippulse.enrollments import queries
from drippulse.enrollments.claim import claim, release
from tests.bench.engine_steps import FILL, PURE
from tests.bench.table import Results
from tests.support.world import World, step

FEW, MANY = 10_000, 1_000_000
CHUNK = 100_000
DUE = 6_000
ROUNDS = 30
RATIO_TARGET = 1.5

WAIT = """
INSERT INTO enrollment (organization_id, workflow_id, workflow_version, email, step_id, bag, wait_reason, next_run_at,
  claimable_at)
SELECT $1, $2, 1, 'w' || n || '@example.com', 'wait', jsonb_build_object('email', 'w' || n || '@example.com'), 'wait',
  now() + n * interval '1 s' + interval '1 day', now() + n * interval '1 s' + interval '1 day'
FROM generate_series($3::int, $4::int) n
"""


@dataclass(frozen=True, slots=True)
class Costs:
    """Milliseconds of one claim of 200 and one funnel; microseconds of one pure step."""

    claim: float
    funnel: float
    step: float


async def _costs(world: World, waiting: int, working: int) -> Costs:
    await world.sql(FILL, world.organization_id, working, DUE)
    claims, funnels = list[float](), list[float]()
    for _ in range(ROUNDS):
        began = time.perf_counter()
        held = await claim(world.database, 200, 30)
        claims.append(time.perf_counter() - began)
        await release(world.database, [(one.id, one.fence) for one in held])
        async with world.database.tenant(world.organization_id) as session:
            began = time.perf_counter()
            await queries.counts(session, world.organization_id, waiting)
            funnels.append(time.perf_counter() - began)
    async with world.engine() as engine:
        began = time.perf_counter()
        assert await engine.drain() == DUE
        elapsed = time.perf_counter() - began
    return Costs(median(claims) * 1e3, median(funnels) * 1e3, elapsed / (DUE * len(PURE)) * 1e6)


async def _analyze(world: World) -> None:
    """As autovacuum does within a minute; only the owner may."""
    connection = await asyncpg.connect(world.settings.database_owner_url)
    await connection.execute("ANALYZE enrollment; ANALYZE enrollment_count")
    await connection.close()


async def measure(world: World, results: Results) -> None:
    waiting, working = await world.workflow(step("wait", duration=900, unit="days")), await world.workflow(*PURE)
    await world.sql(WAIT, world.organization_id, waiting, 1, FEW)
    await _analyze(world)
    await _costs(world, waiting, working)  # plans and caches settle
    few = await _costs(world, waiting, working)
    for start in range(FEW, MANY, CHUNK):
        await world.sql(WAIT, world.organization_id, waiting, start + 1, min(start + CHUNK, MANY))
    await _analyze(world)
    await _costs(world, waiting, working)
    many = await _costs(world, waiting, working)
    for name, unit, before, after in (
        ("claim of 200", "ms", few.claim, many.claim),
        ("step funnel", "ms", few.funnel, many.funnel),
        ("one pure step", "µs", few.step, many.step),
    ):
        results.add(
            f"{name} beside 1,000,000 waiting",
            after,
            unit,
            limit=f"beside 10,000: {before:.2f} {unit} ({after / before:.2f} x)",
            target=f"<= {RATIO_TARGET} x",
            met=after <= before * RATIO_TARGET,
        )
