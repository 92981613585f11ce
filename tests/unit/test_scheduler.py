"""The scheduler's rounds: long chores by themselves, and at once again as long as they find something."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from drippulse.kit.db import Database
from drippulse_workers.chores import Chore
from drippulse_workers.scheduler import Scheduler

NO_DATABASE = cast("Database", None)
"""These chores need none."""


class Wakes:
    def __init__(self) -> None:
        self.count = 0

    async def wake(self) -> None:
        self.count += 1


def counting(work: Callable[[int], Awaitable[bool]]) -> tuple[list[int], Callable[[Any], Awaitable[bool]]]:
    """A chore's work that is told how often it was done before."""
    times: list[int] = []

    async def do(_: Any) -> bool:
        times.append(len(times))
        return await work(times[-1])

    return times, do


async def run_until(scheduler: Scheduler, done: asyncio.Event) -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(scheduler.run(stop))
    await asyncio.wait_for(done.wait(), 5)
    stop.set()
    await task


async def test_a_long_chore_keeps_no_other_waiting() -> None:
    done = asyncio.Event()

    async def slow(_: int) -> bool:
        await done.wait()
        return False

    async def quick(before: int) -> bool:
        if before == 3:
            done.set()
        return False

    _, quick_work = counting(quick)
    _, slow_work = counting(slow)
    chores = [Chore("slow", 0, slow_work, long=True), Chore("quick", 0, quick_work)]
    await run_until(Scheduler(NO_DATABASE, Wakes(), 0.001, chores), done)


async def test_a_long_chore_goes_on_at_once_until_it_finds_nothing() -> None:
    done, wakes = asyncio.Event(), Wakes()

    async def much(before: int) -> bool:
        if before == 5:
            done.set()
        return before < 5

    times, work = counting(much)
    await run_until(Scheduler(NO_DATABASE, wakes, 3600, [Chore("much", 3600, work, long=True)]), done)
    assert (len(times), wakes.count) == (6, 5)


async def test_a_quick_chore_waits_for_its_round_whatever_it_found() -> None:
    found, done = asyncio.Event(), asyncio.Event()

    async def work(_: int) -> bool:
        found.set()
        asyncio.get_running_loop().call_later(0.05, done.set)
        return True

    times, counted = counting(work)
    await run_until(Scheduler(NO_DATABASE, Wakes(), 3600, [Chore("quick", 0, counted)]), done)
    assert (len(times), found.is_set()) == (1, True)
