"""How long an engine that found nothing due waits."""

import asyncio
import time

import pytest

from drippulse.enrollments.napping import Naps, Patience

QUICK = Patience(nap=0.4, alert_nap=0.04, alert=0.2, listen=0.05)


async def _deaf() -> bool:
    return False


async def _seconds(naps: Naps, poked: asyncio.Event, next_due: float | None = None) -> float:
    began = time.monotonic()
    await naps.nap(poked, next_due)
    return time.monotonic() - began


async def test_a_nap_is_long_when_nothing_was_due_lately_and_wake_ups_arrive() -> None:
    assert await _seconds(Naps(patience=QUICK), asyncio.Event()) >= QUICK.nap


async def test_a_poke_ends_it_at_once() -> None:
    poked = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, poked.set)
    assert await _seconds(Naps(patience=QUICK), poked) < QUICK.nap


async def test_it_ends_when_the_next_timer_is_due() -> None:
    assert 0.1 <= await _seconds(Naps(patience=QUICK), asyncio.Event(), 0.1) < QUICK.nap


async def test_naps_are_short_after_something_was_due_and_long_again_later() -> None:
    naps = Naps(patience=QUICK)
    naps.busy()
    assert await _seconds(naps, asyncio.Event()) < QUICK.alert
    await asyncio.sleep(QUICK.alert)
    assert await _seconds(naps, asyncio.Event()) >= QUICK.nap


async def test_naps_are_short_while_wake_ups_cannot_arrive() -> None:
    assert await _seconds(Naps(_deaf, QUICK), asyncio.Event()) < QUICK.alert


@pytest.mark.parametrize("next_due", [0.0, -5.0])
async def test_what_is_due_already_is_no_busy_loop(next_due: float) -> None:
    assert await _seconds(Naps(patience=QUICK), asyncio.Event(), next_due) > 0


async def test_going_deaf_during_a_nap_ends_it() -> None:
    hears = True

    async def listen() -> bool:
        return hears

    def deafen() -> None:
        nonlocal hears
        hears = False

    asyncio.get_running_loop().call_later(0.02, deafen)
    assert await _seconds(Naps(listen, QUICK), asyncio.Event()) < QUICK.nap
