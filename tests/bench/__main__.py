"""`make bench`: every figure beside its limit in the same run.

`python -m tests.bench [PART ...]` measures some parts only; `--write-doc` also writes the table into the documentation.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console

from drippulse.kit.collector import tune_collector
from drippulse_server.embedded.postgres import EmbeddedPostgres
from drippulse_server.embedded.redis import EmbeddedRedis
from tests.bench import (
    backlog,
    crm,
    documents,
    engine_steps,
    graphql,
    http,
    idle,
    importing,
    mail,
    queues,
    recovery,
    scale,
    steady,
    subscriptions,
)
from tests.bench.document import write_document
from tests.bench.table import Results
from tests.support.npm import install
from tests.support.postgres import fresh_database, prepare, settings_of
from tests.support.stack import Stack, free_port, running_stack, superuser_url
from tests.support.world import World, make_world

console = Console()
WorldPart = Callable[[World, EmbeddedPostgres, Results], Awaitable[None]]
StackPart = Callable[[Stack, Results], Awaitable[None]]


async def _steps(world: World, postgres: EmbeddedPostgres, results: Results) -> None:
    with tempfile.TemporaryDirectory(prefix="drippulse-graphile-") as folder:
        home = Path(folder) / "graphile"
        missing = await install(queues.SOURCE, home)
        rates = None
        if missing is None:
            rates = await queues.rates(home, postgres.superuser_url)
        await engine_steps.measure(world, postgres.superuser_url, rates, missing or "", results)


async def _mail(world: World, _: EmbeddedPostgres, results: Results) -> None:
    await mail.measure(world, results)


async def _scale(world: World, _: EmbeddedPostgres, results: Results) -> None:
    await scale.measure(world, results)


async def _recovery(world: World, _: EmbeddedPostgres, results: Results) -> None:
    await recovery.orphans(world, results)
    await recovery.handover(world, results)


async def _ready(stack: Stack, results: Results) -> None:
    results.add("`drippulse up` ready", stack.ready_seconds, "s", target="< 15 s", met=stack.ready_seconds < 15)


async def _idle(stack: Stack, results: Results) -> None:
    await idle.measure(stack, superuser_url(stack.data_dir), results)


async def _lists(stack: Stack, results: Results) -> None:
    workflow = await http.bulk(stack, results)
    await http.settle(superuser_url(stack.data_dir))
    async with bare_server(superuser_url(stack.data_dir), http.BARE, workflow) as port:
        await http.lists(stack, port, workflow, results)


async def _crm(stack: Stack, results: Results) -> None:
    url = superuser_url(stack.data_dir)
    organization_id = await crm.seed(url)
    await asyncio.sleep(5)
    async with bare_server(url, crm.BARE, organization_id) as port:
        await crm.lists(stack, port, results)
    await crm.searches(stack, url, results)
    await crm.export(stack, results)


async def _graphql(stack: Stack, results: Results) -> None:
    organization_id = await graphql.measure(stack, results)
    async with bare_server(superuser_url(stack.data_dir), graphql.BARE, organization_id) as port:
        await graphql.flat(stack, port, results)


WORLD_PARTS: dict[str, WorldPart] = {
    "steps": _steps,
    "mail": _mail,
    "scale": _scale,
    "recovery": _recovery,
    "import": importing.measure,
}
STACK_PARTS: dict[str, StackPart] = {
    "ready": _ready,
    "starts": http.starts,
    "idle": _idle,
    "lists": _lists,
    "backlog": backlog.measure,
    "steady": steady.measure,
    "crm": _crm,
    "graphql": _graphql,
    "documents": documents.measure,
    "subscriptions": subscriptions.measure,
}
PARTS = [*WORLD_PARTS, *STACK_PARTS]


async def world_figures(names: list[str], results: Results, place: Path) -> None:
    """Figures of the engine, each in a database of its own on one embedded server."""
    postgres, redis = EmbeddedPostgres(place / "postgres"), EmbeddedRedis(place / "redis")
    postgres.start()
    redis.start()
    try:
        settings = settings_of(postgres, redis)
        await prepare(postgres, settings)
        for name in names:
            console.print(f"{name} ...")
            async with make_world(await fresh_database(postgres, settings, name)) as world:
                await WORLD_PARTS[name](world, postgres, results)
    finally:
        redis.stop()
        postgres.stop()


@asynccontextmanager
async def bare_server(database_url: str, sql: str, of: int) -> AsyncGenerator[int]:
    """The bare route, which answers this statement, on a granian of its own."""
    port = free_port()
    command = ("granian", "--interface", "asginl", "--port", str(port), "--log-level", "error")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *command, "tests.bench.bare_app:app"),
        env={**os.environ, "BARE_DATABASE_URL": database_url, "BARE_SQL": sql, "BARE_OF": str(of)},
    )
    await asyncio.sleep(2)
    try:
        yield port
    finally:
        process.terminate()
        await process.wait()


async def stack_figures(names: list[str], results: Results, place: Path) -> None:
    """Figures of the whole product, started as a user starts it."""
    async with running_stack(place / "data") as stack:
        for name in names:
            console.print(f"{name} ...")
            await STACK_PARTS[name](stack, results)
            await asyncio.sleep(2)


async def main(names: list[str]) -> Results:
    results = Results()
    with tempfile.TemporaryDirectory(prefix="drippulse-bench-") as folder:
        if worlds := [name for name in WORLD_PARTS if name in names]:
            await world_figures(worlds, results, Path(folder) / "engine")
        if stacks := [name for name in STACK_PARTS if name in names]:
            await stack_figures(stacks, results, Path(folder))
    return results


if __name__ == "__main__":
    import uvloop

    asked = [name for name in sys.argv[1:] if not name.startswith("--")]
    if unknown := [name for name in asked if name not in PARTS]:
        sys.exit(f"There is no part {', '.join(unknown)}; the parts are {', '.join(PARTS)}.")
    tune_collector()  # as a worker process does
    measured = uvloop.run(main(asked or PARTS))
    measured.show()
    console.print(f"stored in {measured.store()}")
    if "--write-doc" in sys.argv:
        console.print(f"written into {write_document(measured, whole=not asked)}")
