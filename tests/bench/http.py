"""The running product over HTTP: bulk enroll, the lists, how soon due work starts."""

import asyncio
import json
import time
from datetime import datetime
from typing import Any

import asyncpg
import httpx

from tests.bench.load import Load, generate, request_bytes
from tests.bench.table import Results
from tests.support.stack import Stack
from tests.support.world import step

ROWS = 10_000
SECONDS = 5.0
STARTS = 200
BULK_TARGET = 10_000
START_P50_TARGET, START_P99_TARGET = 0.05, 1.0

BARE = """SELECT id, workflow_id, status, email, first_name, last_name, current_step_index, next_run_at, created_at
FROM enrollment WHERE workflow_id = $1 AND deleted_at IS NULL ORDER BY id DESC LIMIT 50"""
QUERY = """{ enrollments(first: 50) { totalCount nodes { id status contact { email name } workflow { id name }
  currentStep { index name type } progress { percent } } } }"""


async def make_workflow(client: httpx.AsyncClient, name: str, *steps: dict[str, Any]) -> int:
    answer = await client.post("/api/v1/workflows", json={"name": name, "status": "active", "steps": list(steps)})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


async def bulk(stack: Stack, results: Results) -> int:
    """One call with `ROWS` contacts; the id of the workflow they wait in."""
    contacts = [{"email": f"p{n}@example.com", "first_name": "Ada", "lead_ref": f"crm-{n}"} for n in range(ROWS)]
    async with stack.client() as client:
        workflow = await make_workflow(client, "Bulk", step("wait", duration=30, unit="days"))
        began = time.perf_counter()
        answer = await client.post(f"/api/v1/workflows/{workflow}/enrollments/bulk", json={"contacts": contacts})
        rate = ROWS / (time.perf_counter() - began)
    assert answer.json()["created_count"] == ROWS, answer.text[:500]
    results.add(
        "bulk enroll over REST, one call of 10,000",
        rate,
        "rows/s",
        target=f">= {BULK_TARGET:,}",
        met=rate >= BULK_TARGET,
    )
    return workflow


async def settle(url: str) -> None:
    """What autovacuum would do within a minute: without statistics the lists are planned for an empty table."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("VACUUM ANALYZE enrollment")
    finally:
        await connection.close()
    await asyncio.sleep(5)


async def starts(stack: Stack, results: Results) -> None:
    """From accepted to the first step done, one at a time on an idle installation, by the database's clock."""
    waits: list[float] = []
    async with stack.client() as client:
        workflow = await make_workflow(client, "Starts", step("log", message="x"))
        base = f"/api/v1/workflows/{workflow}/enrollments"
        for number in range(STARTS):
            made = await client.post(f"{base}/bulk", json={"contacts": [{"email": f"s{number}@example.com"}]})
            waits.append(await _start_of(client, f"{base}/{made.json()['enrollment_ids'][0]}"))
    waits.sort()
    results.add(
        "due to start, idle, p50",
        waits[len(waits) // 2] * 1000,
        "ms",
        limit=f"p95 {waits[int(STARTS * 0.95)] * 1000:.0f} ms, p99 {waits[int(STARTS * 0.99)] * 1000:.0f} ms",
        target=f"<= {START_P50_TARGET * 1000:.0f} ms, p99 <= {START_P99_TARGET:.0f} s",
        met=waits[len(waits) // 2] <= START_P50_TARGET and waits[int(STARTS * 0.99)] <= START_P99_TARGET,
    )


async def _start_of(client: httpx.AsyncClient, path: str) -> float:
    """Seconds from created to the first step done."""
    while True:
        await asyncio.sleep(0.15)
        detail = (await client.get(path)).json()
        if detail["status"] == "completed":
            return _seconds(detail["timeline"][0]["finished_at"]) - _seconds(detail["created_at"])


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


async def lists(stack: Stack, bare_port: int, workflow: int, results: Results) -> None:
    """Lists of 50 over REST and GraphQL beside the same rows from a bare asyncpg route, all on one server kind."""
    bare = await generate(bare_port, request_bytes("GET", "/", stack.api_key), seconds=SECONDS)
    path = f"/api/v1/workflows/{workflow}/enrollments?per_page=50&page=1"
    rest = await generate(stack.port, request_bytes("GET", path, stack.api_key), seconds=SECONDS)
    body = json.dumps({"query": QUERY}).encode()
    graphql = await generate(stack.port, request_bytes("POST", "/graphql", stack.api_key, body), seconds=SECONDS)
    for name, load in (
        ("REST list of 50 enrollments, with funnel", rest),
        ("GraphQL list of 50, with contact and workflow", graphql),
    ):
        _report(results, name, load, bare)


def _report(results: Results, name: str, load: Load, bare: Load) -> None:
    results.add(
        name,
        load.per_second,
        "requests/s",
        limit=f"bare asyncpg route {bare.per_second:,.0f} requests/s ({load.per_second / bare.per_second:.2f} x)",
        target="no failure",
        met=load.failures == 0,
    )
