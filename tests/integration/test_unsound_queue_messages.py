"""What anybody may have put into the queue keeps no wake-up back, and is gone afterwards."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import dramatiq
import orjson
import pytest
import redis.asyncio

from drippulse.settings import Settings
from drippulse_workers.actors import declare_wake, wake_message
from drippulse_workers.broker import NAMESPACE, QUEUE, create_broker
from drippulse_workers.run import POLL_MILLISECONDS
from tests.support.waiting import eventually

LIST, CONTENTS = f"{NAMESPACE}:{QUEUE}", f"{NAMESPACE}:{QUEUE}.msgs"
SOUND = {**wake_message().asdict(), "options": {"redis_message_id": "junk"}}


WokenWithin = Callable[[float], Awaitable[bool]]


def changed(**fields: object) -> bytes:
    return orjson.dumps({**SOUND, **fields})


UNSOUND = {
    "no JSON": b"\x00not json",
    "no UTF-8": b"\xff\xfe",
    "no message": b"{}",
    "no object": b"[1, 2]",
    "options that are none": changed(options=["eta"]),
    "no number of its own": changed(options={}),
    "an actor that is no name": changed(actor_name=["a"]),
    "an id that is no text": changed(message_id={"a": 1}),
    "arguments that are none": changed(args=5),
    "members nobody knows": changed(more=1),
}


@pytest.fixture
async def queue(settings: Settings) -> AsyncGenerator["redis.asyncio.Redis"]:
    client = redis.asyncio.from_url(settings.redis_url)  # pyright: ignore[reportUnknownMemberType] - untyped
    await client.delete(LIST, CONTENTS)
    yield client
    await client.aclose()


@pytest.fixture
async def woken_within(settings: Settings) -> AsyncGenerator[WokenWithin]:
    """Sends a wake-up and waits so many seconds at most until a listener as a worker's has got it."""
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    broker = create_broker(settings)

    def on_wake() -> None:
        loop.call_soon_threadsafe(heard.set)

    declare_wake(broker, on_wake)
    listener = dramatiq.Worker(broker, worker_threads=1, worker_timeout=POLL_MILLISECONDS)
    await asyncio.to_thread(listener.start)

    async def wait(seconds: float) -> bool:
        heard.clear()
        await asyncio.to_thread(broker.enqueue, wake_message())  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - dramatiq leaves Message's result type open
        return await asyncio.wait_for(heard.wait(), seconds)

    yield wait
    await asyncio.to_thread(listener.stop, timeout=2000)
    await asyncio.to_thread(broker.close)


@pytest.mark.parametrize("content", UNSOUND.values(), ids=UNSOUND)
async def test_an_unsound_message_delays_no_wake_up_and_is_gone(
    queue: "redis.asyncio.Redis", woken_within: WokenWithin, content: bytes
) -> None:
    assert await woken_within(5)
    await queue.hset(CONTENTS, "junk", content)  # pyright: ignore[reportUnknownMemberType, reportGeneralTypeIssues] - untyped
    await queue.rpush(LIST, "junk", "junk", "without content", b"\xff")  # pyright: ignore[reportUnknownMemberType, reportGeneralTypeIssues] - untyped
    assert await woken_within(1)
    await eventually(lambda: nothing_left(queue))


async def nothing_left(queue: "redis.asyncio.Redis") -> bool:
    return not await queue.hlen(CONTENTS)  # pyright: ignore[reportUnknownMemberType, reportGeneralTypeIssues] - untyped
