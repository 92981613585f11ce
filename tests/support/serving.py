"""The web application as a process, over settings that a test prepared."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx

from drippulse.settings import Settings
from tests.support.processes import environment
from tests.support.stack import free_port
from tests.support.waiting import eventually


@asynccontextmanager
async def serving(settings: Settings, **changes: str) -> AsyncGenerator[str]:
    """`drippulse web` over these settings, on a port of its own; its URL."""
    port = free_port()
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "drippulse_server", "web", "--port", str(port)), env=environment(settings, **changes)
    )
    url = f"http://127.0.0.1:{port}"

    async def healthy() -> bool:
        try:
            async with httpx.AsyncClient() as probe:
                return (await probe.get(f"{url}/docs/api")).status_code == 200
        except httpx.TransportError:
            return False

    try:
        await eventually(healthy, 60)
        yield url
    finally:
        running.terminate()
        await asyncio.wait_for(running.wait(), 20)
