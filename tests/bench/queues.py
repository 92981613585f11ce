"""graphile-worker, the fastest of the comparable job queues, on the same PostgreSQL in the same run."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import asyncpg

JOBS = 40_000
PLAIN_JOBS = 8_000
LOCAL_QUEUE = 500
SOURCE = Path(__file__).parent / "graphile"


async def rate(folder: Path, superuser_url: str, *, local_queue: bool) -> float:
    """Jobs per second of one node process, in a database of its own."""
    connection = await asyncpg.connect(superuser_url)
    await connection.execute("DROP DATABASE IF EXISTS graphile WITH (FORCE)")
    await connection.execute("CREATE DATABASE graphile")
    await connection.close()
    url = superuser_url.replace("/drippulse?", "/graphile?")
    jobs = JOBS if local_queue else PLAIN_JOBS
    process = await asyncio.create_subprocess_exec(
        *("node", "run.cjs", url, str(jobs), str(LOCAL_QUEUE if local_queue else 0)),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, "graphile-worker ended with an error"
    return float(json.loads(output.splitlines()[-1])["perSecond"])


@dataclass(frozen=True, slots=True)
class Rates:
    """Jobs per second: with the local queue, and one at a time."""

    local_queue: float
    plain: float


async def rates(folder: Path, superuser_url: str) -> Rates:
    return Rates(
        await rate(folder, superuser_url, local_queue=True), await rate(folder, superuser_url, local_queue=False)
    )
