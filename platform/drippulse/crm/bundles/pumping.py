"""A stream that is produced in a task of its own: what it holds open is closed there, whatever the reader does."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

AHEAD = 2
"""Pieces that wait for a slow reader; the source stands still meanwhile."""


async def pumped(source: Callable[[], AsyncGenerator[bytes]]) -> AsyncGenerator[bytes]:
    """The pieces of `source`. What it raises is raised here; when the reader goes, it is cancelled and closed."""
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(AHEAD)

    async def produce() -> None:
        try:
            async with contextlib.aclosing(source()) as pieces:
                async for piece in pieces:
                    await queue.put(piece)
        finally:
            if not producer.cancelling():
                await queue.put(None)

    producer = asyncio.create_task(produce())
    try:
        while (piece := await queue.get()) is not None:
            yield piece
        await producer
    finally:
        producer.cancel()
        await asyncio.wait([producer])
