"""How soon work goes on after its worker is gone: killed, or told to stop."""

import asyncio
import time
from contextlib import AsyncExitStack

from tests.bench.engine_steps import FILL, PURE
from tests.bench.table import Results
from tests.support.processes import process
from tests.support.smtp_sink import Behaviour
from tests.support.waiting import eventually
from tests.support.world import World, email

WORKERS = 3
EACH = 20
LEASE_SECONDS = 30.0
ORPHAN_TARGET = 45.0
HANDOVER_TARGET = 2.0
BACKLOG = 60_000

SETTLED = "SELECT extract(epoch FROM created_at)::float8 AS at FROM enrollment_walk WHERE enrollment_id = ANY ($1)"
NOW = "SELECT extract(epoch FROM clock_timestamp())::float8 AS at"
LEASED = """SELECT count(*) AS n FROM enrollment
WHERE status = 'active' AND claimable_at > now() AND claimable_at IS DISTINCT FROM next_run_at"""


async def orphans(world: World, results: Results) -> None:
    """Workers killed -9, some of their enrollments in calls; all are settled by a worker that starts afterwards."""
    workflow = await world.workflow(email())
    ids = await world.enroll(workflow, *({"email": f"o{n}@example.com"} for n in range(WORKERS * EACH)))
    world.sink.behaviour = Behaviour.TAKE_AND_WAIT

    async def all_held() -> bool:
        return len(world.sink.ledger) >= EACH and int((await world.sql(LEASED))[0]["n"]) == len(ids)

    share = {"DRIPPULSE_WORKER_CONCURRENCY": str(EACH), "DRIPPULSE_SMTP_TIMEOUT_SECONDS": "90"}
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(process(world.settings, "worker", **share)) for _ in range(WORKERS)]
        await eventually(all_held, within=60)
        killed_at = float((await world.sql(NOW))[0]["at"])
        for worker in workers:
            worker.kill()
            await worker.wait()
    world.sink.behaviour = Behaviour.ACCEPT

    async def settled() -> bool:
        return len(await world.sql(SETTLED, ids)) == len(ids)

    async with process(world.settings, "worker"):
        await eventually(settled, within=90)
    waits = sorted(float(row["at"]) - killed_at for row in await world.sql(SETTLED, ids))
    p99 = waits[min(int(len(waits) * 0.99), len(waits) - 1)]
    results.add(
        "orphan taken over after kill -9, p99",
        p99,
        "s",
        limit=f"lease {LEASE_SECONDS:.0f} s; p50 {waits[len(waits) // 2]:.1f} s of {len(waits)}",
        target=f"<= {ORPHAN_TARGET:.0f} s",
        met=p99 <= ORPHAN_TARGET,
    )


async def handover(world: World, results: Results) -> None:
    """A worker in the middle of a backlog gets SIGTERM: how long until nothing is leased any more."""
    await world.sql(FILL, world.organization_id, await world.workflow(*PURE), BACKLOG)

    async def leased() -> int:
        return int((await world.sql(LEASED))[0]["n"])

    async def busy() -> bool:
        return await leased() > 0

    async def free() -> bool:
        return await leased() == 0

    async with process(world.settings, "worker") as worker:
        await eventually(busy, within=30)
        await asyncio.sleep(0.3)
        began = time.perf_counter()
        worker.terminate()
        await eventually(free, within=30)
        elapsed = time.perf_counter() - began
        await worker.wait()
    results.add(
        "handover after SIGTERM, in the middle of a backlog",
        elapsed,
        "s",
        target=f"< {HANDOVER_TARGET:.0f} s",
        met=elapsed < HANDOVER_TARGET,
    )
