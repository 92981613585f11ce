"""`make bench`: every figure beside its limit in the same run."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console

from drippulse_server.embedded.postgres import EmbeddedPostgres
from drippulse_server.embedded.redis import EmbeddedRedis
from tests.bench import engine_steps, http, idle, mail
from tests.bench.table import Results
from tests.support.postgres import fresh_database, prepare, settings_of
from tests.support.stack import Stack, free_port, running_stack, superuser_url
from tests.support.world import make_world

console = Console()


async def engine_figures(results: Results, place: Path) -> None:
    """Figures of the engine, in databases of their own on one embedded server."""
    postgres, redis = EmbeddedPostgres(place / "postgres"), EmbeddedRedis(place / "redis")
    postgres.start()
    redis.start()
    try:
        settings = settings_of(postgres, redis)
        await prepare(postgres, settings)
        async with make_world(await fresh_database(postgres, settings, "steps")) as world:
            await engine_steps.measure(world, postgres.superuser_url, results)
        async with make_world(await fresh_database(postgres, settings, "mails")) as world:
            await mail.measure(world, results)
    finally:
        redis.stop()
        postgres.stop()


@asynccontextmanager
async def bare_server(stack: Stack, workflow: int, database_url: str) -> AsyncGenerator[int]:
    """The bare route on a granian of its own."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(
            "-m",
            "granian",
            "--interface",
            "asginl",
            "--port",
            str(port),
            "--log-level",
            "error",
            "tests.bench.bare_app:app",
        ),
        env={**os.environ, "BARE_DATABASE_URL": database_url, "BARE_WORKFLOW": str(workflow)},
    )
    await asyncio.sleep(2)
    try:
        yield port
    finally:
        process.terminate()
        await process.wait()


async def http_figures(results: Results, place: Path) -> None:
    """Figures of the whole product, started as a user starts it."""
    async with running_stack(place / "data") as stack:
        results.add("`drippulse up` ready", stack.ready_seconds, "s", target="< 15 s", met=stack.ready_seconds < 15)
        url = superuser_url(stack.data_dir)
        await http.starts(stack, results)
        await asyncio.sleep(2)
        await idle.measure(stack, url, results)
        workflow = await http.bulk(stack, results)
        await asyncio.sleep(10)
        async with bare_server(stack, workflow, url) as port:
            await http.lists(stack, port, workflow, results)


async def main() -> None:
    results = Results()
    with tempfile.TemporaryDirectory(prefix="drippulse-bench-") as folder:
        console.print("engine ...")
        await engine_figures(results, Path(folder) / "engine")
        console.print("the whole product ...")
        await http_figures(results, Path(folder))
    results.show()
    console.print(f"stored in {results.store()}")


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
