"""The web application as a process, over settings that a test prepared."""

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from drippulse.settings import Settings
from tests.support.processes import environment
from tests.support.stack import free_port
from tests.support.waiting import eventually


@dataclass(frozen=True, slots=True)
class Web:
    """A running `drippulse web`."""

    url: str
    process: Process


@asynccontextmanager
async def serving(settings: Settings, **changes: str) -> AsyncGenerator[str]:
    """`drippulse web` over these settings, on a port of its own; its URL."""
    async with web_process(settings, None, **changes) as web:
        yield web.url


@asynccontextmanager
async def web_process(settings: Settings, log: Path | None, **changes: str) -> AsyncGenerator[Web]:
    """The same, with the process; what it says goes to `log`, or where the tests say it."""
    port = free_port()
    output = None if log is None else log.open("wb")
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "drippulse_server", "web", "--port", str(port)),
        env=environment(settings, **changes),
        stdout=output,
        stderr=output,
    )
    if output is not None:
        output.close()
    url = f"http://127.0.0.1:{port}"

    async def healthy() -> bool:
        try:
            async with httpx.AsyncClient() as probe:
                return (await probe.get(f"{url}/docs/api")).status_code == 200
        except httpx.TransportError:
            return False

    try:
        await eventually(healthy, 60)
        yield Web(url, running)
    finally:
        if running.returncode is None:
            running.terminate()
        await asyncio.wait_for(running.wait(), 20)
