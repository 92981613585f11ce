"""One subscriber between the live end and the log: every message once, in order, however slowly it reads."""

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from drippulse.events.log_position import LogPosition
from drippulse_graphql.subscriptions.groups import Group, Message
from drippulse_graphql.subscriptions.subscriber import MOST_QUEUED, Subscriber

ACTS = st.lists(st.sampled_from(["write", "tell", "take", "take", "overrun"]), max_size=40)
AT_ONCE = 20


class Tape:
    """A log of numbers and its live end, which tells later than it writes. In place of an organization's channel."""

    def __init__(self) -> None:
        self.written = 0
        self.told = 0

    async def join(self) -> LogPosition:
        return LogPosition(self.written, 0)

    async def first(self, group: Group, at: LogPosition) -> AsyncGenerator[Message]:
        return
        yield

    async def between(self, group: Group, after: LogPosition, until: LogPosition) -> AsyncGenerator[Message]:
        for number in range(after.xid + (after.id > 0), until.xid):
            await asyncio.sleep(0)
            yield message(number)

    def left(self, subscriber: Subscriber) -> None:
        pass


class Reader:
    """Takes messages one at a time."""

    def __init__(self, subscriber: Subscriber) -> None:
        self.taken: list[int] = []
        self._messages = subscriber.messages()
        self._next: asyncio.Task[Message] | None = None

    async def take(self) -> bool:
        self._next = self._next or asyncio.create_task(cast("Any", anext(self._messages)))
        for _ in range(10):
            await asyncio.sleep(0)
            if self._next.done():
                self.taken.append(int(self._next.result().payload))
                self._next = None
                return True
        return False

    async def stop(self) -> None:
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait([self._next])


def message(number: int) -> Message:
    return Message(LogPosition(number, 1), str(number).encode())


async def played(acts: list[str], after: int | None) -> tuple[list[int], int, int]:
    """What was taken, from which number on, and how many there are."""
    tape = Tape()
    tape.written = 30
    group = Group(cast("Any", SimpleNamespace(running=None)), cast("Any", None))
    start = None if after is None else LogPosition(after, 0)
    subscriber = Subscriber(cast("Any", tape), group, start)
    tell(tape, subscriber, AT_ONCE)
    await subscriber.begin()
    reader = Reader(subscriber)
    for act in acts:
        if act == "write":
            tape.written += AT_ONCE
        elif act == "tell":
            tell(tape, subscriber, AT_ONCE * 2)
        elif act == "overrun":
            tape.told = tape.written
            subscriber.fall_behind()
        else:
            await reader.take()
    tell(tape, subscriber, tape.written)
    while await reader.take():
        pass
    await reader.stop()
    return reader.taken, 30 if after is None else after, tape.written


def tell(tape: Tape, subscriber: Subscriber, most: int) -> None:
    end = min(tape.written, tape.told + most)
    for number in range(tape.told, end):
        subscriber.offer(message(number))
    tape.told = end
    subscriber.has_heard(LogPosition(end, 0))


@settings(deadline=None)
@given(ACTS, st.none() | st.integers(0, 30))
def test_every_message_comes_once_and_in_order(acts: list[str], after: int | None) -> None:
    taken, start, end = asyncio.run(played(acts, after))
    assert taken == list(range(start, end))


def test_who_does_not_read_keeps_a_bounded_number_in_memory() -> None:
    taken, _, end = asyncio.run(played(["write", "tell"] * 40, None))
    assert end > MOST_QUEUED * 3
    assert taken == list(range(30, end))
