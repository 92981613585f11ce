"""A seeded run of chaos with real processes; CI makes one of three minutes by itself, `make chaos` has the long one."""

import os
from pathlib import Path

import pytest

from drippulse_server.embedded.postgres import EmbeddedPostgres
from drippulse_server.embedded.redis import EmbeddedRedis
from tests.chaos.run import Scale, run
from tests.chaos.schedule import KILLS, Fault, schedule
from tests.conftest import MakeDatabase

SECONDS = float(os.environ.get("DRIPPULSE_CHAOS_SECONDS", "15"))
SEED = int(os.environ.get("DRIPPULSE_CHAOS_SEED", "20261122"))


@pytest.mark.skipif(SECONDS == 0, reason="`make chaos-short` makes a longer run")
@pytest.mark.timeout(SECONDS + 200)
async def test_nothing_is_lost_and_nothing_doubled_whatever_dies(
    make_database: MakeDatabase, postgres: EmbeddedPostgres, redis_server: EmbeddedRedis, tmp_path: Path
) -> None:
    settings = await make_database("random_chaos")
    scale = Scale(workers=2, gap=1.2, rate=15, seconds=SECONDS, drain_seconds=20, away_seconds=0)
    report = await run(settings, postgres, redis_server, tmp_path, SEED, scale)
    told = "\n".join(report.lines())
    assert report.broken == [], told
    assert report.kills > SECONDS / 8, told
    assert len(report.evidence.promises.accepted) > SECONDS, told


def test_a_seed_gives_the_same_faults_again() -> None:
    assert schedule(7, 3, 0.5, seconds=60) == schedule(7, 3, 0.5, seconds=60)
    assert schedule(7, 3, 0.5, seconds=60) != schedule(8, 3, 0.5, seconds=60)


def test_a_long_run_has_every_fault_and_as_many_kills_as_asked_for() -> None:
    planned = schedule(7, 3, 0.5, kills=1000)
    assert {one.fault for one in planned} == set(Fault)
    assert sum(one.fault in KILLS for one in planned) == 1000
