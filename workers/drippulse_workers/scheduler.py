"""The scheduler: beats, re-issues what is due or whose lease ran out, keeps partitions ahead."""

import asyncio
import contextlib
import time

import asyncpg
import structlog

from drippulse.enrollments.sweep import ensure_partitions, sweep
from drippulse.enrollments.wake import Waker
from drippulse.kit.db import Database

PARTITION_INTERVAL_SECONDS = 6 * 3600

log = structlog.get_logger(__name__)


class Scheduler:
    """One round every `interval` seconds; a round that fails is logged and the next one tries again."""

    def __init__(self, database: Database, waker: Waker, interval: float) -> None:
        self._database = database
        self._waker = waker
        self._interval = interval
        self._partitions_at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._round()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                log.error("sweep_failed", reason=str(error) or type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._interval)

    async def _round(self) -> None:
        if await sweep(self._database):
            await self._waker.wake()
        if time.monotonic() >= self._partitions_at:
            await ensure_partitions(self._database)
            self._partitions_at = time.monotonic() + PARTITION_INTERVAL_SECONDS
