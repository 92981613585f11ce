"""`make chaos`: the long run, and with `--seconds` the one that CI makes. SEED says which."""

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from drippulse_server.embedded.postgres import EmbeddedPostgres
from drippulse_server.embedded.redis import EmbeddedRedis
from tests.chaos.report import Report
from tests.chaos.run import Scale, run
from tests.support.postgres import fresh_database, prepare, settings_of

LONGEST_SECONDS = 3600.0
HORIZON_SECONDS = 200.0  # a call whose run was paused meanwhile is settled 150 s after it began


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def chaos(seed: int, scale: Scale, place: Path) -> Report:
    """A run on PostgreSQL and Redis of its own, which end with it."""
    postgres, redis = EmbeddedPostgres(place / "postgres"), EmbeddedRedis(place / "redis")
    try:
        postgres.start()
        redis.start()
        settings = settings_of(postgres, redis)
        await prepare(postgres, settings)
        fresh = await fresh_database(postgres, settings, "chaos")
        async with asyncio.timeout(LONGEST_SECONDS):
            return await run(fresh, postgres, redis, place, seed, scale)
    finally:
        redis.stop()
        postgres.stop()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seconds", type=float, help="faults for so long, instead of so many kills")
    parser.add_argument("--away", type=float, default=60.0, help="seconds that what is away for long is away")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--gap", type=float, default=0.6, help="seconds between two faults, on average")
    parser.add_argument("--rate", type=float, default=10.0, help="contacts a second")
    told = parser.parse_args()
    short = told.seconds is not None
    length: dict[str, Any] = {"seconds": told.seconds} if short else {"kills": told.kills}
    scale = Scale(
        told.workers,
        told.gap,
        told.rate,
        drain_seconds=60 if short else 300,
        horizon_seconds=5 if short else HORIZON_SECONDS,
        away_seconds=told.away,
        **length,
    )
    [(what, number)] = length.items()
    say(f"seed {told.seed}, {number:g} {what}, {told.workers} workers")
    logging.getLogger("asyncpg").setLevel(logging.CRITICAL)  # its pool tells of every outage that is made here
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="drippulse-chaos-") as place:
        report = asyncio.run(chaos(told.seed, scale, Path(place)))
        say("\n".join(report.lines()))
        if report.broken:
            say((Path(place) / "processes.log").read_text(errors="replace")[-4000:])
    say(f"the whole run took {time.monotonic() - began:.0f} s")
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
