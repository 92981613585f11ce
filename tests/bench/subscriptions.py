"""A thousand subscribers on one process: memory, and how soon a change reaches them, beside a bare fan-out."""

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
from redis.asyncio import Redis

from drippulse_server.embedded.redis import EmbeddedRedis
from tests.bench.backlog import Peak
from tests.bench.bare_fanout import CHANNEL
from tests.bench.crm import web_of
from tests.bench.table import Results
from tests.support.stack import Stack, free_port
from tests.support.websocket import GraphqlSocket, WebSocketClient

SUBSCRIBERS = 1000
AT_ONCE = 50
CHANGES = 40
EVERY_SECONDS = 0.25
LATENCY_TARGET = 0.2
MEMORY_TARGET_MIB = 300
QUERY = """subscription { recordChanged(recordTypes: ["workflow"]) {
  cursor type at recordId record { id ... on Workflow { name status version updatedAt } } } }"""
ENOUGH_WARMING = 40
WARM = "warm-"
MARK = re.compile(r"change-(\d+)-end")
SAMPLE = (
    '{"id":"1","type":"next","payload":{"data":{"recordChanged":{"cursor":"ZTEuODQ0LjE","type":"workflow.updated",'
    '"at":"2026-01-31T09:30:00.000Z","recordId":"1","record":{"id":"V29ya2Zsb3c6MQ==","name":"change-%d-end",'
    '"status":"ACTIVE","version":1,"updatedAt":"2026-01-31T09:30:00.000Z"}}}}}'
)


class Audience:
    """Sockets that note when each change arrives."""

    def __init__(self) -> None:
        self.sockets: list[GraphqlSocket] = []
        self.sent: dict[int, float] = {}
        self.latencies: list[float] = []
        self.warm: set[GraphqlSocket] = set()
        self._reading: list[asyncio.Task[None]] = []

    async def open(self, url: str, token: str | None, count: int) -> None:
        for _ in range(0, count, AT_ONCE):
            await asyncio.gather(*(self._open(url, token) for _ in range(AT_ONCE)))

    async def _open(self, url: str, token: str | None) -> None:
        socket = GraphqlSocket(await WebSocketClient.connect(url, buffer=2**14))
        if token is not None:
            await socket.initialise(token)
            await socket.subscribe("1", QUERY)
        self.sockets.append(socket)
        self._reading.append(asyncio.create_task(self._read(socket)))

    async def _read(self, socket: GraphqlSocket) -> None:
        while True:
            text = await socket.socket.receive()
            if WARM in text:
                self.warm.add(socket)
            found = MARK.search(text)
            if found is not None:
                self.latencies.append(time.perf_counter() - self.sent[int(found[1])])

    async def hear(self, change: Callable[[int], Awaitable[None]]) -> int:
        """Make the changes one after the other; how many messages are missing in the end."""
        for number in range(CHANGES):
            self.sent[number] = time.perf_counter()
            await change(number)
            await asyncio.sleep(EVERY_SECONDS)
        await asyncio.sleep(2)
        self.latencies.sort()
        return CHANGES * len(self.sockets) - len(self.latencies)

    def percentile(self, share: float) -> float:
        return self.latencies[min(int(len(self.latencies) * share), len(self.latencies) - 1)]

    async def close(self) -> None:
        for task in self._reading:
            task.cancel()
        await asyncio.wait(self._reading)
        for socket in self.sockets:
            await socket.socket.close()


async def measure(stack: Stack, results: Results) -> None:
    """Each change is one of the same workflow, made over REST; the time is from sending that request."""
    process = web_of(stack)
    before = process.memory_full_info().uss / 2**20
    audience, peak = Audience(), Peak(process)
    watching = asyncio.create_task(peak.watch())
    await audience.open(f"{stack.url}/graphql", stack.api_key, SUBSCRIBERS)
    async with stack.client() as client:
        body = {"name": "Live", "steps": [{"type": "log", "config": {"message": "x"}}]}
        number = (await client.post("/api/v1/workflows", json=body)).json()["id"]
        for place in range(ENOUGH_WARMING):
            await client.patch(f"/api/v1/workflows/{number}", json={"name": f"{WARM}{place}"})
            await asyncio.sleep(0.5)
            if len(audience.warm) == SUBSCRIBERS:
                break

        async def change(place: int) -> None:
            answer = await client.patch(f"/api/v1/workflows/{number}", json={"name": f"change-{place}-end"})
            assert answer.status_code == 200, answer.text

        missing = await audience.hear(change)
    watching.cancel()
    await audience.close()
    bare = await _bare(stack.data_dir.parent / "fanout")
    _add(results, audience, missing, bare)
    results.add(
        f"{SUBSCRIBERS:,} subscribers, peak memory of the web process",
        peak.mib,
        "MiB",
        limit=f"{before:.0f} MiB without them",
        target=f"< {MEMORY_TARGET_MIB} MiB",
        met=peak.mib < MEMORY_TARGET_MIB,
    )


def _add(results: Results, audience: Audience, missing: int, bare: Audience) -> None:
    results.add(
        f"a change reaches {SUBSCRIBERS:,} subscribers, p95",
        audience.percentile(0.95) * 1000,
        "ms",
        limit=f"bare Redis fan-out {bare.percentile(0.95) * 1000:.0f} ms, p50 {audience.percentile(0.5) * 1000:.0f} ms "
        f"of {bare.percentile(0.5) * 1000:.0f} ms, {missing} of {CHANGES * SUBSCRIBERS:,} missing",
        target=f"< {LATENCY_TARGET * 1000:.0f} ms, none missing",
        met=audience.percentile(0.95) < LATENCY_TARGET and missing == 0,
    )


async def _bare(place: Path) -> Audience:
    redis = EmbeddedRedis(place)
    redis.start()
    try:
        async with _fanout(redis.url) as url:
            audience = Audience()
            await audience.open(url, None, SUBSCRIBERS)
            await asyncio.sleep(1)
            async with Redis.from_url(redis.url) as client:  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs

                async def change(place: int) -> None:
                    await client.publish(CHANNEL, SAMPLE % place)  # pyright: ignore[reportUnknownMemberType]

                await audience.hear(change)
            await audience.close()
    finally:
        redis.stop()
    return audience


@asynccontextmanager
async def _fanout(redis_url: str) -> AsyncGenerator[str]:
    port = free_port()
    command = ("granian", "--interface", "asginl", "--loop", "uvloop", "--port", str(port), "--log-level", "error")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *command, "tests.bench.bare_fanout:app"), env={**os.environ, "BARE_REDIS": redis_url}
    )
    await asyncio.sleep(2)
    try:
        yield f"http://127.0.0.1:{port}/graphql"
    finally:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.terminate()
        process.terminate()
        await process.wait()
