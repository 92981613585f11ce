"""What 10,000 different documents leave behind: in the web process, and in the connections that it prepared them on."""

import asyncio
import json
from collections.abc import Callable

import psutil

from tests.bench.load import exchange, request_bytes
from tests.bench.table import Results
from tests.support.stack import Stack

DOCUMENTS, WARM, CONNECTIONS = 10_000, 4_000, 8
ALLOWED_MIB = 50.0
DOCUMENT = """query Deals%d { opportunities(first: %d) { totalCount nodes { deal%d: name amount status createdAt
  contact { email firstName lastName } account { name domain } stage { name } } } }"""
MIB = 2**20


async def measure(stack: Stack, results: Results) -> None:
    """The caches hold 1,000 documents and, on each of ten connections, 256 statements: after `WARM` documents the first
    is full, and the others nearly."""
    await _send(stack, range(WARM))
    web, database = _memory(stack, _is_web), _memory(stack, _is_database)
    await _send(stack, range(WARM, DOCUMENTS))
    more, more_there = _memory(stack, _is_web) - web, _memory(stack, _is_database) - database
    results.add(
        f"memory of the web process after {DOCUMENTS:,} different documents",
        web + more,
        "MiB",
        limit=f"{web:.0f} MiB after {WARM:,}; PostgreSQL {database:.0f} and then {database + more_there:.0f} MiB",
        target=f"< {ALLOWED_MIB:.0f} MiB more",
        met=more < ALLOWED_MIB,
    )


async def _send(stack: Stack, numbers: range) -> None:
    waiting = iter(numbers)

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", stack.port, limit=2**22)
        for number in waiting:
            body = json.dumps({"query": DOCUMENT % (number, 1 + number % 200, number)}).encode()
            status, text = await exchange(reader, writer, request_bytes("POST", "/graphql", stack.api_key, body))
            assert status == 200, text
            assert b'"errors"' not in text, text
        writer.close()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))


def _memory(stack: Stack, which: Callable[[str], bool]) -> float:
    """MiB that the processes hold for themselves."""
    chosen = [one for one in stack.processes() if which(" ".join(one.cmdline()))]
    assert chosen
    return sum(one.memory_full_info().uss for one in chosen if one.status() != psutil.STATUS_ZOMBIE) / MIB


def _is_web(command: str) -> bool:
    return " web " in command


def _is_database(command: str) -> bool:
    return command.startswith("postgres: ") and "drippulse" in command
