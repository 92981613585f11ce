"""100,000 enrollments due at one instant, on the product as a user starts it."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import psutil

from tests.bench.http import make_workflow
from tests.bench.load import Load, generate, request_bytes
from tests.bench.table import Results
from tests.support.stack import Stack, superuser_url
from tests.support.world import step

DUE = 100_000
DRAIN_TARGET = 60.0
TIMER_TARGET = 5.0
API_RATIO_TARGET = 2.0
WORKER_MIB_TARGET = 300
PREPARE_SECONDS = 45.0
LOAD_SECONDS = 6.0

STEPS = [
    step("set_fields", fields={"tier": "gold"}),
    step("log", message="Hello {{ first_name }}"),
]
FILL = """
INSERT INTO enrollment (organization_id, workflow_id, workflow_version, email, step_id, bag, next_run_at, claimable_at)
SELECT organization_id, id, 1, 'p' || n || '@example.com', 'set_fields',
  jsonb_build_object('email', 'p' || n || '@example.com', 'first_name', 'Ada', 'score', 50), $3::timestamptz, $3
FROM workflow, generate_series(1, $2) n WHERE id = $1
"""
SMALL = """
WITH made AS (INSERT INTO organization (name) VALUES ('Small') RETURNING id),
drip AS (INSERT INTO workflow (organization_id, name, status) SELECT id, 'Timer', 'active' FROM made RETURNING id,
  organization_id),
version AS (INSERT INTO workflow_version (organization_id, workflow_id, version, steps) SELECT organization_id, id, 1,
  '[{"id": "log", "type": "log", "name": "Log", "position": 0, "config": {"message": "x"}}]' FROM drip)
INSERT INTO enrollment (organization_id, workflow_id, workflow_version, step_id, next_run_at, claimable_at)
SELECT organization_id, id, 1, 'log', $1::timestamptz, $1 FROM drip RETURNING id
"""
LEFT = "SELECT count(*) FROM enrollment WHERE status = 'active' AND workflow_id = $1"
COMPLETED = "SELECT count(*) FROM enrollment WHERE status = 'completed' AND workflow_id = $1"
LATE = "SELECT extract(epoch FROM created_at - $2::timestamptz)::float8 FROM enrollment_walk WHERE enrollment_id = $1"


@dataclass
class Peak:
    """The most memory that a process held while it was looked at, in MiB of its unique set."""

    process: psutil.Process
    mib: float = 0.0

    async def watch(self) -> None:
        while True:
            self.mib = max(self.mib, self.process.memory_full_info().uss / 2**20)
            await asyncio.sleep(0.2)


def worker_of(stack: Stack) -> psutil.Process:
    return next(process for process in stack.processes() if "worker" in process.cmdline())


async def _api(stack: Stack, workflow: int, seconds: float) -> Load:
    """What a dashboard does meanwhile: a page of enrollments, four at a time."""
    path = f"/api/v1/workflows/{workflow}/enrollments?per_page=50&page=1"
    return await generate(stack.port, request_bytes("GET", path, stack.api_key), seconds=seconds, connections=4)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is due at `due`: `workflow` has `DUE` enrollments, `small` is the one of another organization."""

    stack: Stack
    connection: "asyncpg.Connection[asyncpg.Record]"
    workflow: int
    small: int
    due: datetime

    async def drained(self) -> float:
        """Seconds until nothing of it is left."""
        began = time.perf_counter()
        while await self.connection.fetchval(LEFT, self.workflow):
            assert time.perf_counter() - began < 300, "the backlog does not drain"
            await asyncio.sleep(0.5)
        elapsed = time.perf_counter() - began
        assert await self.connection.fetchval(COMPLETED, self.workflow) == DUE
        return elapsed

    async def lateness(self) -> float:
        """Seconds from due to done of the other organization's timer, by the database's clock."""
        return float(await self.connection.fetchval(LATE, self.small, self.due))


async def measure(stack: Stack, results: Results) -> None:
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(superuser_url(stack.data_dir))
    try:
        backlog, before = await _prepared(stack, connection)
        peak = Peak(worker_of(stack))
        watching = asyncio.create_task(peak.watch())
        load = asyncio.create_task(_api(stack, backlog.workflow, LOAD_SECONDS))
        elapsed = await backlog.drained()
        watching.cancel()
        _report(results, elapsed, before, await load, await backlog.lateness(), peak.mib)
    finally:
        await connection.close()


async def _prepared(stack: Stack, connection: "asyncpg.Connection[asyncpg.Record]") -> tuple[Backlog, Load]:
    """The backlog at the moment it comes due, and how the API answered just before."""
    async with stack.client() as client:
        workflow = await make_workflow(client, "Backlog", *STEPS)
    due: datetime = await connection.fetchval("SELECT now() + $1", timedelta(seconds=PREPARE_SECONDS))
    end = time.perf_counter() + PREPARE_SECONDS
    await connection.execute(FILL, workflow, DUE, due)
    await connection.execute("ANALYZE enrollment")
    small = await connection.fetchval(SMALL, due)
    before = await _api(stack, workflow, LOAD_SECONDS)
    assert time.perf_counter() < end, "filling took longer than the time to the due date"
    await asyncio.sleep(end - time.perf_counter())
    return Backlog(stack, connection, workflow, small, due), before


def _report(results: Results, elapsed: float, before: Load, during: Load, late: float, mib: float) -> None:
    steps = DUE * len(STEPS) / elapsed
    ratio = during.percentile(0.99) / before.percentile(0.99)
    results.add(
        "100,000 due at once, drained",
        elapsed,
        "s",
        limit=f"{steps:,.0f} steps/s with clients on the API",
        target=f"<= {DRAIN_TARGET:.0f} s",
        met=elapsed <= DRAIN_TARGET,
    )
    results.add(
        "REST list p99 meanwhile, 4 clients",
        during.percentile(0.99) * 1000,
        "ms",
        limit=f"just before {before.percentile(0.99) * 1000:.1f} ms ({ratio:.1f} x)",
        target=f"<= {API_RATIO_TARGET:.0f} x",
        met=ratio <= API_RATIO_TARGET,
    )
    results.add(
        "another organization's single timer meanwhile, late by",
        late,
        "s",
        target=f"<= {TIMER_TARGET:.0f} s",
        met=late <= TIMER_TARGET,
    )
    results.add(
        "worker process meanwhile, peak memory",
        mib,
        "MiB",
        limit="unique set size",
        target=f"< {WORKER_MIB_TARGET} MiB",
        met=mib < WORKER_MIB_TARGET,
    )
