"""Keeps the embedded PostgreSQL and Redis running inside `up`'s event loop."""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

from drippulse_server.embedded.errors import EmbeddedServiceError
from drippulse_server.failures import CommandFailure
from drippulse_server.supervisor import Backoff

WATCH_SECONDS = 0.5
T = TypeVar("T")


class Service(Protocol):
    """EmbeddedPostgres or EmbeddedRedis."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def running(self) -> bool: ...


async def start_service(service: Service) -> None:
    """Starts it without holding up the loop.

    Raises:
        CommandFailure: it cannot start.
    """
    try:
        await uninterrupted(service.start)
    except EmbeddedServiceError as error:
        raise CommandFailure(str(error)) from error


async def keep_running(name: str, service: Service, say: Callable[[str], None]) -> None:
    """Starts the service again whenever it has ended, until cancelled; its URL stays the same."""
    backoff = Backoff()
    crashes = 0
    while True:
        await asyncio.sleep(backoff.seconds(crashes) if crashes else WATCH_SECONDS)
        if service.running():
            crashes = 0
            continue
        say(f"{name:<9} | ended unexpectedly; starting again")
        crashes += 1
        try:
            await uninterrupted(service.start)
        except EmbeddedServiceError as error:
            say(f"{name:<9} | {error}")


async def uninterrupted(function: Callable[[], T]) -> T:
    """Runs a blocking function in a thread; a cancellation waits for its end, since a thread cannot be stopped."""
    return await unabandoned(asyncio.ensure_future(asyncio.to_thread(function)))


async def unabandoned(work: asyncio.Future[T]) -> T:
    """Awaits `work`; a cancellation waits for its end before it goes on."""
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait((work,))
        if not work.cancelled():
            work.exception()  # seen: the cancellation goes first
        raise
