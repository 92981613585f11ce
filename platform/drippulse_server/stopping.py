"""Doing something first when the process is asked to stop, before the server learns of it.

granian cuts WebSockets at once and waits for answers that stay open until it is killed, and only then ends the
lifespan. So what stays open has to be ended before granian hears of the signal.
"""

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import TimeoutError as NotInTimeError
from contextlib import asynccontextmanager

import structlog

SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})
WITHIN_SECONDS = 5.0

log = structlog.get_logger(__name__)


@asynccontextmanager
async def before_stopping(first: Callable[[], Awaitable[None]]) -> AsyncGenerator[None]:
    """The first signal to stop that comes while the block runs leads to `first`, in this event loop, and only then,
    after `WITHIN_SECONDS` at the latest, to whoever handles signals. Later ones are handled as ever.

    For the main thread of a process that has no other threads yet: they inherit which signals are held back.
    """
    loop = asyncio.get_running_loop()
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    threading.Thread(target=_wait, args=(loop, first), name="stopping", daemon=True).start()
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _wait(loop: asyncio.AbstractEventLoop, first: Callable[[], Awaitable[None]]) -> None:
    number = signal.sigwait(SIGNALS)

    async def run() -> None:
        await first()

    try:
        with contextlib.suppress(NotInTimeError, RuntimeError):  # the loop has ended already
            asyncio.run_coroutine_threadsafe(run(), loop).result(WITHIN_SECONDS)
    except Exception as error:  # whatever it is, the process has to stop
        log.warning("not_prepared_to_stop", exc_info=error)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    signal.pthread_kill(threading.get_ident(), number)
