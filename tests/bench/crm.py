"""The CRM beside a million contacts: the list beside a bare route, search by classes of words, an export of all."""

import asyncio
import random
import time
from collections.abc import Sequence
from urllib.parse import urlencode

import asyncpg
import psutil

from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from tests.bench.backlog import Peak
from tests.bench.importing import PORTION, SEED, THERE
from tests.bench.load import Load, exchange, generate, request_bytes
from tests.bench.table import Results
from tests.support.stack import Stack

SECONDS = 5.0
LIST_TARGET = 0.6
EACH = 40
"""Searches of each class, each for something else."""
SEARCH_TARGET = 0.05
EXPORT_TARGET_MIB = 200
LIST = "/api/v1/crm/contacts?per_page=50&page=1"
BARE = f"""SELECT {", ".join(SPECS[RecordType.CONTACT].columns)} FROM contact
WHERE organization_id = $1 AND deleted_at IS NULL ORDER BY id DESC LIMIT 50"""
SAMPLE = "SELECT email, first_name, last_name, company FROM contact TABLESAMPLE SYSTEM (0.1) LIMIT $1"


async def seed(url: str) -> int:
    """A million contacts in the one organization of this installation; its id."""
    connection = await asyncpg.connect(url)
    try:
        organization_id = int(await connection.fetchval("SELECT min(id) FROM organization"))
        for begin in range(0, THERE, PORTION):
            await connection.execute(SEED, organization_id, begin + 1, begin + PORTION)
        await connection.execute("VACUUM ANALYZE contact")
        await connection.execute("VACUUM ANALYZE record_tally")
    finally:
        await connection.close()
    return organization_id


async def lists(stack: Stack, bare_port: int, results: Results) -> None:
    """The newest 50, with everything an answer shows and the total."""
    await generate(stack.port, request_bytes("GET", LIST, stack.api_key), seconds=1)
    await generate(bare_port, request_bytes("GET", "/", stack.api_key), seconds=1)
    own = await generate(stack.port, request_bytes("GET", LIST, stack.api_key), seconds=SECONDS)
    bare = await generate(bare_port, request_bytes("GET", "/", stack.api_key), seconds=SECONDS)
    ratio = own.per_second / bare.per_second
    results.add(
        "REST list of 50 of 1,000,000 contacts",
        own.per_second,
        "requests/s",
        limit=f"bare asyncpg route {bare.per_second:,.0f} requests/s ({ratio:.2f} x)",
        target=f">= {LIST_TARGET} x",
        met=ratio >= LIST_TARGET and own.failures == bare.failures == 0,
    )


async def searches(stack: Stack, url: str, results: Results) -> None:
    """One at a time, a page of 50 each."""
    connection = await asyncpg.connect(url)
    people = await connection.fetch(SAMPLE, EACH)
    await connection.close()
    everything: list[float] = []
    for name, words in classes(people).items():
        took = await _times(stack, words)
        everything += took.latencies
        _add(results, f"search among 1,000,000 contacts, {name}", took, len(words))
    everything.sort()
    _add(results, "search among 1,000,000 contacts, all of these", Load(0, everything, 0), len(everything))


def classes(people: Sequence[asyncpg.Record]) -> dict[str, list[str]]:
    """Kind of words -> what is typed, each time something else."""
    source = random.Random(1)
    return {
        "full e-mail": [one["email"] for one in people],
        "first and last name": [f"{one['first_name']} {one['last_name']}" for one in people],
        "first name, beginning of the last": [f"{one['first_name']} las" for one in people],
        "three letters": [f"{source.randrange(16**3):03x}" for _ in range(EACH)],
        "company": [one["company"] for one in people],
        "no hit": [f"zz{source.randrange(10**6)} {one['first_name']}" for one in people],
        "one letter": list("abcdeflcfabcdefl"),
    }


async def export(stack: Stack, results: Results) -> None:
    """All of them as one answer; what the web process holds meanwhile."""
    peak = Peak(web_of(stack))
    watching = asyncio.create_task(peak.watch())
    began, size = time.perf_counter(), 0
    async with stack.client() as client, client.stream("GET", "/api/v1/crm/export?record_types=contacts") as answer:
        assert answer.status_code == 200, answer.status_code
        async for piece in answer.aiter_raw():
            size += len(piece)
    seconds = time.perf_counter() - began
    watching.cancel()
    results.add(
        "export of 1,000,000 contacts, peak memory of the web process",
        peak.mib,
        "MiB",
        limit=f"{size / 2**20:,.0f} MiB in {seconds:.0f} s",
        target=f"< {EXPORT_TARGET_MIB} MiB",
        met=peak.mib < EXPORT_TARGET_MIB,
    )


def web_of(stack: Stack) -> psutil.Process:
    """The process that answers; another one looks after it."""
    webs = [process for process in stack.processes() if "web" in process.cmdline()]
    return next(process for process in webs if process.parent() in webs)


async def _times(stack: Stack, words: Sequence[str]) -> Load:
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.port, limit=2**22)
    latencies: list[float] = []
    failures = 0
    for typed in words:
        path = f"/api/v1/crm/contacts?{urlencode({'q': typed, 'per_page': 50, 'page': 1})}"
        began = time.perf_counter()
        status, _ = await exchange(reader, writer, request_bytes("GET", path, stack.api_key))
        latencies.append(time.perf_counter() - began)
        failures += status != 200
    writer.close()
    return Load(len(latencies) / sum(latencies), sorted(latencies), failures)


def _add(results: Results, name: str, took: Load, count: int) -> None:
    results.add(
        f"{name}, p95",
        took.percentile(0.95) * 1000,
        "ms",
        limit=f"p50 {took.percentile(0.5) * 1000:.1f} ms of {count}",
        target=f"< {SEARCH_TARGET * 1000:.0f} ms",
        met=took.percentile(0.95) < SEARCH_TARGET and took.failures == 0,
    )
