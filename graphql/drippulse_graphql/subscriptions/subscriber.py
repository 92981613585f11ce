"""One subscription: a bounded queue at the live end of the log, and the log itself for who is not there."""

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from drippulse.events.log_position import BadEventCursorError, LogPosition
from drippulse.kit.errors import DomainError
from drippulse_graphql.subscriptions.groups import Group, Message

if TYPE_CHECKING:
    from drippulse_graphql.subscriptions.channel import Channel

MOST_QUEUED = 64
MOST_QUEUED_BYTES = 256_000


class Subscriber:
    """Made by `Streams.answer`. Iterate over `messages` once, then `close` it.

    Who does not keep up loses the queue's end, not the log's: after what is queued the rest is read from the log, at
    the pace that it is taken, until the live end is reached again. There are thousands: an idle one has to be small,
    and so has neither a deque nor an event, which take 760 bytes each.
    """

    __slots__ = (
        "_behind",
        "_bytes",
        "_caught_up",
        "_channel",
        "_floor",
        "_group",
        "_position",
        "_queue",
        "_waiting",
        "closed",
        "ended",
    )

    def __init__(self, channel: "Channel", group: Group, after: LogPosition | None) -> None:
        self._channel = channel
        self._group = group
        self._position = after
        self._floor: LogPosition | None = None
        self._queue: list[Message] = []
        self._bytes = 0
        self._behind = False
        self._caught_up = False
        self._waiting: asyncio.Future[None] | None = None
        self.ended: DomainError | None = None
        self.closed = False
        group.subscribers.add(self)

    @property
    def begun(self) -> bool:
        return self._floor is not None

    @property
    def place(self) -> LogPosition | None:
        """Before the first message: where to go on if none of them arrives. None for anew, where one comes at once."""
        told_at_once = self._position is None and self._group.asked.wanted.first is not None
        return None if told_at_once else self._position or self._floor

    def offer(self, message: Message) -> None:
        """The next message of the live end."""
        if self._behind or (self._floor is not None and message.position <= self._floor):
            return
        if len(self._queue) >= MOST_QUEUED or self._bytes > MOST_QUEUED_BYTES:
            self._behind = True
            return
        self._queue.append(message)
        self._bytes += len(message.payload)
        self._wake()

    def has_heard(self, end: LogPosition) -> None:
        """Everything up to `end` has been offered."""
        if self._caught_up and not self._queue and not self._behind and self._position is not None:
            self._position = max(self._position, end)

    def fall_behind(self) -> None:
        """What was to be offered is not: read it from the log."""
        self._behind = True
        self._wake()

    def end(self, error: DomainError | None = None) -> None:
        """No more messages. `error` says why, if it is not the client's own wish."""
        self.ended = self.ended or error
        self.closed = True
        self._wake()

    def close(self) -> None:
        self.end()
        self._group.subscribers.discard(self)
        self._channel.left(self)

    async def begin(self) -> None:
        """Join the live end: what is committed from now on is told.

        Raises:
            BadEventCursorError: the cursor lies behind the end of the log.
        """
        self._behind, self._caught_up, self._floor = False, False, None
        until = await self._channel.join()
        if self._position is not None and self._position > until:
            raise BadEventCursorError(
                "This cursor lies behind the end of the event log: it is of another installation."
            )
        self._queue = [one for one in self._queue if one.position > until]
        self._bytes = sum(len(one.payload) for one in self._queue)
        self._floor = until

    async def messages(self) -> AsyncGenerator[Message]:
        """After `begin`: every message once, in the order of the log."""
        while not self.closed:
            async for message in self._from_log():
                yield message
                if self.closed:
                    return
            self._caught_up = True
            while not self.closed and (self._queue or not self._behind):
                if self._queue:
                    message = self._queue.pop(0)
                    self._bytes -= len(message.payload)
                    self._position = message.position
                    yield message
                else:
                    await self._change()
            if not self.closed:
                await self.begin()

    async def _change(self) -> None:
        """Until something has happened since the last look at it; for the one who reads."""
        self._waiting = asyncio.get_running_loop().create_future()
        await self._waiting

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def _from_log(self) -> AsyncGenerator[Message]:
        """What lies before the place where the live end was joined."""
        until = self._floor or LogPosition(0, 0)
        if self._position is None:
            self._position = until
            async for message in self._channel.first(self._group, until):
                yield message
            return
        async for message in self._channel.between(self._group, self._position, until):
            self._position = message.position
            yield message
        self._position = max(self._position, until)
