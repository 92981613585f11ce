"""What the installation costs while nothing happens: memory, and queries that reach PostgreSQL."""

import asyncio

import asyncpg

from tests.bench.table import Results
from tests.support.stack import Stack

WATCH_SECONDS = 60.0
SETTLE_SECONDS = 35.0
"""Workers look more often for half a minute after something was due."""
MEMORY_TARGET_MIB = 600
QUERIES_TARGET = 60
MARKS = ("statement: ", "execute ")


async def measure(stack: Stack, superuser_url: str, results: Results) -> None:
    memory = sum(process.memory_full_info().pss for process in stack.processes()) / 2**20
    results.add(
        "memory of the embedded stack, idle",
        memory,
        "MiB",
        limit="proportional set size of all processes",
        target=f"< {MEMORY_TARGET_MIB} MiB",
        met=memory < MEMORY_TARGET_MIB,
    )
    queries = await count_queries(stack, superuser_url)
    results.add(
        "queries while idle",
        queries,
        "per minute",
        limit="from the server's own statement log",
        target=f"< {QUERIES_TARGET}",
        met=queries < QUERIES_TARGET,
    )


async def count_queries(stack: Stack, superuser_url: str) -> float:
    """Statements in PostgreSQL's log over `WATCH_SECONDS`."""
    logs = sorted(stack.data_dir.glob("postgres/*.log"))
    await _log_statements(superuser_url, "all")
    await asyncio.sleep(SETTLE_SECONDS)
    sizes = [path.stat().st_size for path in logs]
    await asyncio.sleep(WATCH_SECONDS)
    text = ""
    for path, size in zip(logs, sizes, strict=True):
        with path.open("rb") as log:
            log.seek(size)
            text += log.read().decode(errors="replace")
    await _log_statements(superuser_url, "none")
    lines = [line for line in text.splitlines() if "LOG:" in line and any(mark in line for mark in MARKS)]
    return len(lines) * 60 / WATCH_SECONDS


async def _log_statements(superuser_url: str, which: str) -> None:
    connection = await asyncpg.connect(superuser_url)
    await connection.execute(f"ALTER SYSTEM SET log_statement = '{which}'")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()
