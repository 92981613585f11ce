"""The order of things in `drippulse up`: check, lock, embed, prepare, start, wait, tell, stop."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from dataclasses import replace

from rich.console import Console

from drippulse_server.embedded.files import FolderLock
from drippulse_server.embedded.postgres import EmbeddedPostgres
from drippulse_server.embedded.processes import process_guard
from drippulse_server.embedded.redis import EmbeddedRedis
from drippulse_server.env_files import write_env_file
from drippulse_server.failures import CommandFailure, ExitCode
from drippulse_server.instance import checked_settings
from drippulse_server.supervisor import Output, Supervisor
from drippulse_server.up.announcement import announcement
from drippulse_server.up.checks import free_port, reachable_database, reachable_redis, usable_data_dir
from drippulse_server.up.embedded import keep_running, start_service, unabandoned, uninterrupted
from drippulse_server.up.environment import (
    Services,
    child_environment,
    children,
    full_environment,
    instance_values,
    secret_key,
    store_credentials,
)
from drippulse_server.up.health import wait_until_healthy
from drippulse_server.up.options import UpOptions
from drippulse_server.up.output import LineOutput
from drippulse_server.up.preparation import prepare_database

HEALTHY_SECONDS = 60.0
HOPELESS_RESTARTS = 3
LOCK_SECONDS = 1.0  # another command may look at the lock just now
TOLD_LINES = 15


async def run_up(options: UpOptions, console: Console) -> None:
    """Runs an instance until SIGINT or SIGTERM, and stops it cleanly.

    Raises:
        CommandFailure: it cannot run; whatever had been started is stopped again.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    options = replace(options, port=free_port(options.host, options.port))
    made = usable_data_dir(options.data_dir)
    try:
        await _check_outside()
    except CommandFailure:
        if made:
            with contextlib.suppress(OSError):
                options.data_dir.rmdir()
        raise
    async with contextlib.AsyncExitStack() as stack:
        running = asyncio.create_task(_start(options, console, stack))
        stop = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait((running, stop), return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
                await stop
            console.print("stopping ...", style="dim")
        finally:
            for task in (running, stop):
                task.cancel()
            await asyncio.wait((running, stop))


async def _check_outside() -> None:
    checked_settings(env=os.environ.get("DRIPPULSE_ENV") or "development")
    for name in ("DRIPPULSE_DATABASE_URL", "DRIPPULSE_DATABASE_OWNER_URL"):
        if url := os.environ.get(name):
            await reachable_database(url, name)
    if url := os.environ.get("DRIPPULSE_REDIS_URL"):
        await reachable_redis(url)


async def _start(options: UpOptions, console: Console, stack: contextlib.AsyncExitStack) -> None:
    """Brings everything up; `stack` takes what has to be undone, in order."""
    await _lock(options, stack)
    output = LineOutput(options.log_file)
    stack.callback(output.close)
    with console.status("starting ..."):
        services = await _services(options, output, stack)
        values = instance_values(options, services, secret_key(options))
        first, credentials = await _prepare(options, full_environment(values))
        stack.callback(options.runtime_file.unlink, missing_ok=True)
        write_env_file(options.runtime_file, values, "The running `drippulse up`; gone when it ends.")
        await _start_children(options, services, values, output, stack)
    mailbox = services.mailbox_port is not None
    console.print(announcement(options, credentials, first_start=bool(first), mailbox=mailbox))


async def _prepare(options: UpOptions, environment: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Prepares the database and stores the first credentials; the one does not stay without the other."""

    async def work() -> tuple[dict[str, str], dict[str, str]]:
        first = await prepare_database(environment)
        return first, store_credentials(options, first)

    return await unabandoned(asyncio.create_task(work()))


async def _lock(options: UpOptions, stack: contextlib.AsyncExitStack) -> None:
    lock = FolderLock(options.lock_file)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LOCK_SECONDS
    while not lock.acquire():
        if loop.time() > deadline:
            sentence = f"Another `drippulse up` runs on the data folder {options.data_dir}: stop it, or use --data-dir."
            raise CommandFailure(sentence, ExitCode.DATA_FOLDER)
        await asyncio.sleep(0.05)
    stack.callback(lock.release)


async def _services(options: UpOptions, say: Output, stack: contextlib.AsyncExitStack) -> Services:
    database_url = os.environ.get("DRIPPULSE_DATABASE_URL", "")
    owner_url = os.environ.get("DRIPPULSE_DATABASE_OWNER_URL", "") or database_url
    if not database_url:
        postgres = EmbeddedPostgres(options.data_dir)
        await _embed("postgres", postgres, say, stack)
        database_url, owner_url = postgres.database_url, postgres.owner_url
    redis_url = os.environ.get("DRIPPULSE_REDIS_URL", "")
    if not redis_url:
        redis = EmbeddedRedis(options.data_dir)
        await _embed("redis", redis, say, stack)
        redis_url = redis.url
    if smtp_url := os.environ.get("DRIPPULSE_SMTP_URL", ""):
        return Services(database_url, owner_url, redis_url, smtp_url, None)
    port = free_port("127.0.0.1", 0)
    return Services(database_url, owner_url, redis_url, f"smtp://127.0.0.1:{port}", port)


async def _embed(
    name: str, service: EmbeddedPostgres | EmbeddedRedis, say: Output, stack: contextlib.AsyncExitStack
) -> None:
    async def stop() -> None:
        await uninterrupted(service.stop)

    stack.push_async_callback(stop)
    await start_service(service)
    keeper = asyncio.create_task(keep_running(name, service, say), name=f"keep {name}")

    async def leave() -> None:
        keeper.cancel()
        await asyncio.wait((keeper,))

    stack.push_async_callback(leave)


async def _start_children(
    options: UpOptions,
    services: Services,
    values: Mapping[str, str],
    output: Output,
    stack: contextlib.AsyncExitStack,
) -> None:
    supervisor = Supervisor(output, process_guard())
    stack.push_async_callback(supervisor.stop)
    for spec in children(options, services, child_environment(values)):
        await supervisor.start(spec)

    def hopeless() -> bool:
        return supervisor.restarts("web") >= HOPELESS_RESTARTS

    trouble = await wait_until_healthy(options, HEALTHY_SECONDS, hopeless)
    if trouble is not None:
        lines = "\n".join(supervisor.recent_lines("web")[-TOLD_LINES:])
        told = f"The web process did not get ready: {trouble}. Its last lines (all are in {options.log_file}):"
        raise CommandFailure(f"{told}\n{lines}")
