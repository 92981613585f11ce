"""How long an engine that found nothing due waits before it looks again."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

SHORTEST_NAP_SECONDS = 0.005

Hears: TypeAlias = Callable[[], Awaitable[bool]]


async def always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds."""

    nap: float = 60.0
    alert_nap: float = 2.0
    alert: float = 30.0  # that long after something was due, more is likely
    listen: float = 10.0  # between two looks whether wake-ups can arrive


class Naps:
    """Wake-ups are hints that get lost: with the process that took one, or with Redis. Where that is likely naps are
    short, so that what came due unheard is late by seconds; an idle installation is asked once a minute.

    Args:
        hears: whether a wake-up that is sent now can arrive.
    """

    def __init__(self, hears: Hears = always, patience: Patience = Patience()) -> None:
        self._hears = hears
        self._patience = patience
        self._alert_until = 0.0

    def busy(self) -> None:
        """Something was due."""
        self._alert_until = time.monotonic() + self._patience.alert

    async def nap(self, poked: asyncio.Event, next_due: float | None) -> None:
        """Until a poke, or until what is known to come is due.

        Args:
            next_due: in seconds; None when nothing is known.
        """
        patience = self._patience
        longest = patience.nap if next_due is None else min(max(next_due, SHORTEST_NAP_SECONDS), patience.nap)
        ends = time.monotonic() + longest
        while not poked.is_set() and (left := ends - time.monotonic()) > 0:
            alert = time.monotonic() < self._alert_until or (left > patience.alert_nap and not await self._hears())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, patience.alert_nap if alert else patience.listen)):
                    await poked.wait()
            if alert:
                return
