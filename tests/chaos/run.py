"""One seeded run: processes, a client, faults; then a drain, and the evidence."""

import asyncio
import itertools
import signal
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg

from drippulse.kit.db import Role
from drippulse.settings import Settings
from drippulse_server.embedded.postgres import EmbeddedPostgres
from drippulse_server.embedded.redis import EmbeddedRedis
from tests.chaos.acts_people import START
from tests.chaos.client import Client
from tests.chaos.driver import Driver
from tests.chaos.faults import Faults
from tests.chaos.lab import Lab, open_lab, superuser_of
from tests.chaos.report import Report
from tests.chaos.schedule import API, ONCE, failpoints, schedule
from tests.support.stack import free_port

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 45.0  # with a lease of 2 s and a sweep every second
BACKLOG = """
SELECT (SELECT count(*) FROM enrollment WHERE status = 'active' AND claimable_at < now() + $1)
  + (SELECT count(*) FROM event e WHERE e.type = $2 AND NOT EXISTS (
    SELECT FROM enrollment n WHERE n.organization_id = e.organization_id AND n.origin = 'event:' || e.id))
"""
CONNECTED = """
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'worker-%'
"""
LOOK_SECONDS = 0.2
PROGRAM = "tests.support.skewed_clock"  # the product, whose clock may be wrong


@dataclass(frozen=True, slots=True)
class Scale:
    """How much: `gap` seconds between faults on average, `rate` contacts a second, until `seconds` or `kills`.

    What is away for long is so for `away_seconds`; 0 leaves that out.
    """

    workers: int = 3
    gap: float = 0.5
    rate: float = 20.0
    seconds: float | None = None
    kills: int | None = None
    drain_seconds: float = 60.0
    horizon_seconds: float = 5.0  # what is due within this much is waited for
    away_seconds: float = 6.0
    schedulers: int = 2


async def run(
    settings: Settings, postgres: EmbeddedPostgres, redis: EmbeddedRedis, place: Path, seed: int, scale: Scale
) -> Report:
    """Chaos in this fresh database. PostgreSQL and Redis are restarted on the way."""
    port = free_port()
    commands = {
        **{f"worker-{number}": (PROGRAM, "worker") for number in range(scale.workers)},
        **{f"scheduler-{number}": (PROGRAM, "scheduler") for number in range(scale.schedulers)},
        "web": (PROGRAM, "web", "--port", str(port)),
    }
    url = superuser_of(postgres.superuser_url, settings.database_url)
    public_url = f"http://127.0.0.1:{port}"
    async with open_lab(settings, url, place, commands, public_url=public_url) as lab:
        for slot in commands:
            await lab.fleet.start(slot)
        watching = asyncio.create_task(_note_who_is_ready(lab))
        driver = Driver(Client(lab, public_url), seed, scale.rate)
        await driver.prepare()
        began = time.monotonic()
        names, of_the_api = failpoints(ROOT), failpoints(ROOT, API)
        faults = Faults(lab, postgres, redis, names, of_the_api, scale.away_seconds)
        telling = asyncio.create_task(_tell(faults))
        await _play(scale, seed, faults, driver)
        await _drain(lab, scale)
        telling.cancel()
        await faults.end()
        took = time.monotonic() - began
        watching.cancel()
        evidence = await lab.evidence(PATIENCE_SECONDS)
        for slot in list(lab.fleet.lives):
            await lab.fleet.end(slot, signal.SIGTERM, within=30)
        counts = {fault.value: number for fault, number in faults.done.items()}
        actions = {**driver.client.done, "without an answer": driver.client.unanswered}
        return Report(seed, took, faults.kills, counts, actions, faults.exits, evidence, lab.fleet.past, faults.outages)


async def _note_who_is_ready(lab: Lab) -> None:
    """A worker is, once it is connected; looked at until cancelled."""
    while True:
        try:
            connection = await asyncpg.connect(lab.superuser_url, timeout=5)
            try:
                while True:
                    names = {row["application_name"] for row in await connection.fetch(CONNECTED, timeout=5)}
                    for life in lab.fleet.lives.values():
                        if life.name in names:
                            life.note_ready()
                    await asyncio.sleep(LOOK_SECONDS)
            finally:
                connection.terminate()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            await asyncio.sleep(LOOK_SECONDS)


async def _tell(faults: Faults) -> None:
    """How far it is, once a minute, until cancelled."""
    for minutes in itertools.count(1):
        await asyncio.sleep(60)
        sys.stderr.write(f"after {minutes} min: {faults.kills} kills\n")


async def _play(scale: Scale, seed: int, faults: Faults, driver: Driver) -> None:
    """Faults and load together; the guard goes on until the processes are to end."""
    once = ONCE if scale.away_seconds else ()
    planned = schedule(seed, scale.workers, scale.gap, seconds=scale.seconds, kills=scale.kills, once=once)
    stop = asyncio.Event()
    guard = asyncio.create_task(faults.guard())
    load = asyncio.create_task(driver.run(stop))
    playing = asyncio.create_task(faults.play(planned, scale.seconds))
    done, _ = await asyncio.wait({guard, load, playing}, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    await playing
    stop.set()
    await load
    await driver.close()
    faults.keep(guard)


async def _drain(lab: Lab, scale: Scale) -> None:
    """Until nothing is due, or the time is over: what is left then is for the checks to find."""
    end = time.monotonic() + scale.drain_seconds
    while time.monotonic() < end:
        async with lab.database.session(Role.ENGINE) as session:
            if not await session.fetchval(BACKLOG, timedelta(seconds=scale.horizon_seconds), START):
                return
        await asyncio.sleep(0.25)
