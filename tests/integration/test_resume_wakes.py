"""Resuming a workflow wakes the workers; without it what is due would wait for the sweeper."""

import asyncio
import time

import httpx
import redis.asyncio

from drippulse.settings import Settings
from drippulse_workers.broker import NAMESPACE, QUEUE


async def test_resuming_a_workflow_sends_a_wake_up(client: httpx.AsyncClient, settings: Settings) -> None:
    body = {"name": "W", "status": "paused", "steps": [{"type": "log", "config": {"message": "x"}}]}
    workflow = (await client.post("/api/v1/workflows", json=body)).json()
    queue = redis.asyncio.from_url(settings.redis_url)  # pyright: ignore[reportUnknownMemberType] - untyped
    await queue.delete(f"{NAMESPACE}:{QUEUE}")
    path = f"/api/v1/workflows/{workflow.get('workflow', workflow)['id']}"
    assert (await client.patch(path, json={"status": "active"})).status_code == 200
    end = time.monotonic() + 5
    while not await queue.llen(f"{NAMESPACE}:{QUEUE}"):
        assert time.monotonic() < end, "nobody was woken"
        await asyncio.sleep(0.02)
    await queue.aclose()
