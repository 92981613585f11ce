"""Waiting for something that another task or process brings about."""

import asyncio
import time
from collections.abc import Awaitable, Callable


async def eventually(holds: Callable[[], Awaitable[bool]] | Callable[[], bool], within: float = 10) -> None:
    """Returns as soon as `holds` does; fails after `within` seconds."""
    end = time.monotonic() + within
    while True:
        answer = holds()
        if answer if isinstance(answer, bool) else await answer:
            return
        assert time.monotonic() < end, "it did not come to that"
        await asyncio.sleep(0.02)
