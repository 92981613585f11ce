"""The whole product as a user starts it: `drippulse up` as a process, spoken to over HTTP alone."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import psutil

READY_WITHIN_SECONDS = 60.0
MANY = "10000000"
"""Requests a minute: counted as always, and never one too many."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running instance. `ready_seconds` is from the start of the process to its first healthy answer."""

    port: int
    data_dir: Path
    api_key: str
    username: str
    password: str
    pid: int
    ready_seconds: float

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {self.api_key}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=60)

    def processes(self) -> list[psutil.Process]:
        """The supervisor and everything below it."""
        supervisor = psutil.Process(self.pid)
        return [supervisor, *supervisor.children(recursive=True)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def superuser_url(data_dir: Path) -> str:
    """For looking into the embedded PostgreSQL of a running instance from outside."""
    home = data_dir / "postgres"
    lines = (home / "cluster" / "postmaster.pid").read_text().splitlines()
    password = json.loads((home / "passwords.json").read_text())["superuser"]
    return f"postgresql://postgres:{password}@/drippulse?host={quote(lines[4], safe='/')}&port={lines[3]}"


def credentials(data_dir: Path) -> dict[str, str]:
    """What the first start wrote to `credentials.env`."""
    lines = (data_dir / "credentials.env").read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.removeprefix("export "): value.strip("'\"") for name, value in pairs}


@asynccontextmanager
async def running_stack(data_dir: Path, **environment: str) -> AsyncGenerator[Stack]:
    """`drippulse up` on a free port; stopped with SIGTERM at the end, which has to succeed."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DRIPPULSE_")}
    log = data_dir.parent / f"{data_dir.name}.log"
    began = time.monotonic()
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "drippulse_server", "up", "--port", str(port), "--data-dir", str(data_dir)),
            env={**kept, "DRIPPULSE_RATE_LIMIT": MANY, **environment},
            stdout=output,
            stderr=output,
        )
    try:
        await _healthy(port, process, log)
        known = credentials(data_dir)
        yield Stack(
            port,
            data_dir,
            known["DRIPPULSE_API_KEY"],
            known["DRIPPULSE_ADMIN_USERNAME"],
            known["DRIPPULSE_ADMIN_PASSWORD"],
            process.pid,
            time.monotonic() - began,
        )
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(process.wait(), 30)
    assert code == 0, log.read_text()[-3000:]


async def _healthy(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    end = time.monotonic() + READY_WITHIN_SECONDS
    async with httpx.AsyncClient() as client:
        while time.monotonic() < end and process.returncode is None:
            try:
                if (await client.get(f"http://127.0.0.1:{port}/health", timeout=2)).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    raise AssertionError(f"not healthy within {READY_WITHIN_SECONDS} s, see {log}")
