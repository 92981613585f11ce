"""The worker process and the scheduler process."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import dramatiq
import structlog
from prometheus_client import start_http_server

from drippulse.crm.importing import queries as imports
from drippulse.crm.importing.process import MODULE as IMPORTING
from drippulse.data_sources import run_queries as runs
from drippulse.data_sources.process import MODULE as DATA_SOURCES
from drippulse.events.news import News
from drippulse.kit.collector import tune_collector
from drippulse.kit.db import Database
from drippulse.kit.logging import configure_logging
from drippulse.settings import Settings
from drippulse_workers.actors import declare_wake
from drippulse_workers.beside import BesideLoop
from drippulse_workers.broker import create_broker
from drippulse_workers.dispatching import DispatchLoop
from drippulse_workers.scheduler import Scheduler
from drippulse_workers.starting import opened
from drippulse_workers.wake import DramatiqWaker, Ear

POLL_MILLISECONDS = 40  # how long the Dramatiq consumer sleeps between looks at an empty queue, at most

log = structlog.get_logger(__name__)


def run_worker(settings: Settings) -> None:
    """Advance enrollments until SIGTERM or SIGINT; what is held is handed over before returning."""
    _prepare(settings)
    _run(lambda stop: _work(settings, stop))


def run_scheduler(settings: Settings) -> None:
    """Sweep for due and orphaned enrollments until SIGTERM or SIGINT. Two at once do no harm."""
    _prepare(settings)
    _run(lambda stop: _schedule(settings, stop))


def _prepare(settings: Settings) -> None:
    configure_logging(settings.log_level)
    if settings.metrics_port:
        start_http_server(settings.metrics_port, addr="127.0.0.1" if settings.development else "0.0.0.0")  # noqa: S104


def _run(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    async def supervise() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await main(stop)

    import uvloop

    uvloop.run(supervise())


async def _work(settings: Settings, stop: asyncio.Event) -> None:
    from drippulse.enrollments.engine import Engine  # here, so that the scheduler stays small

    database = Database(settings)
    if not await opened(database, stop):
        return
    ear = Ear(settings)
    news = News.of(settings.redis_url)
    database.on_news = news.tell
    engine = await Engine.create(settings, database, ear.hears)
    tune_collector()
    loop = asyncio.get_running_loop()
    broker = create_broker(settings)
    events = DispatchLoop(settings, engine.poke, news.tell)
    beside = [
        BesideLoop(settings, IMPORTING, imports.anything_to_do),
        BesideLoop(settings, DATA_SOURCES, runs.anything_to_do),
    ]
    declare_wake(broker, lambda: _poke(loop, engine.poke, events.poke, *(one.poke for one in beside)))
    listener = dramatiq.Worker(broker, worker_threads=1, worker_timeout=POLL_MILLISECONDS)
    await asyncio.to_thread(listener.start)
    log.info("worker_started")
    running, dispatching = asyncio.create_task(engine.run()), asyncio.create_task(events.run())
    helping = [asyncio.create_task(one.run()) for one in beside]
    await asyncio.wait([asyncio.create_task(stop.wait()), running], return_when=asyncio.FIRST_COMPLETED)
    dispatching.cancel()
    for task in helping:
        task.cancel()
    await engine.stop()
    await running
    await asyncio.wait([dispatching, *helping])
    await asyncio.to_thread(listener.stop, timeout=1500)
    await engine.close()
    await news.close()
    await ear.close()
    log.info("worker_stopped")


def _poke(loop: asyncio.AbstractEventLoop, *pokes: Callable[[], None]) -> None:
    for poke in pokes:
        if not loop.is_closed():
            loop.call_soon_threadsafe(poke)


async def _schedule(settings: Settings, stop: asyncio.Event) -> None:
    database = Database(settings)
    if not await opened(database, stop):
        return
    waker = DramatiqWaker(settings)
    log.info("scheduler_started")
    try:
        await Scheduler(database, waker, settings.sweep_seconds).run(stop)
    finally:
        await waker.close()
        await database.close()
    log.info("scheduler_stopped")
