"""All subscriptions of one organization: what the feed hears is executed once per group and handed to everybody."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

import structlog
from graphql import GraphQLSchema

from drippulse.events.feed import AWAY, Feed
from drippulse.events.log_position import LogPosition
from drippulse.events.log_reading import LogEntry, LogPart, read_on
from drippulse.kit.db import Role, Session
from drippulse.kit.services import AppServices
from drippulse_graphql.kit.context import MAX_ROWS, Context
from drippulse_graphql.subscriptions.groups import Asked, Group, GroupKey, Message, anybody
from drippulse_graphql.subscriptions.source import chosen
from drippulse_graphql.subscriptions.subscriber import Subscriber
from drippulse_graphql.subscriptions.wards import Wards

MOST_PENDING = 2_000
"""Entries that wait to be told. Beyond, everybody reads them from the log."""
BATCH = 200
CATCH_UP_BATCH = 50
PAUSE_SECONDS = 0.5
READERS = 4
"""Transactions of subscriptions at one time in this process; the rest of the pool is for requests."""

log = structlog.get_logger("drippulse.graphql")


@dataclass(slots=True)
class Shared:
    """What the channels of one process have in common."""

    services: AppServices
    schema: GraphQLSchema
    feed: Feed
    wards: Wards
    readers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READERS))


class Channel:
    """A `Watcher` of the feed while there are subscribers; `on_empty` is called after the last one."""

    def __init__(self, shared: Shared, organization_id: int, on_empty: Callable[[], None]) -> None:
        self._shared = shared
        self._organization_id = organization_id
        self._on_empty = on_empty
        self._groups: dict[GroupKey, Group] = {}
        self._pending: deque[tuple[list[LogEntry], LogPosition]] = deque()
        self._count = 0
        self._telling: asyncio.Task[None] | None = None

    @property
    def organization_id(self) -> int:
        return self._organization_id

    def __len__(self) -> int:
        return sum(len(group.subscribers) for group in self._groups.values())

    @property
    def subscribers(self) -> list[Subscriber]:
        return [one for group in self._groups.values() for one in group.subscribers]

    def add(self, asked: Asked, after: LogPosition | None) -> Subscriber:
        group = self._groups.get(asked.key)
        if group is None:
            group = self._groups[asked.key] = Group(asked, self._shared.schema)
            self._shared.wards.add(group.ward)
        return Subscriber(self, group, after)

    def left(self, subscriber: Subscriber) -> None:
        for key in [key for key, group in self._groups.items() if not group.subscribers]:
            self._shared.wards.remove(self._groups.pop(key).ward)
        if not self._groups:
            self._shared.feed.leave(self)
            if self._telling is not None:
                self._telling.cancel()
            self._on_empty()

    async def join(self) -> LogPosition:
        """How far the log is complete; everything behind it is offered to the subscribers."""
        return await self._shared.feed.join(self)

    def hear(self, entries: Sequence[LogEntry], end: LogPosition) -> None:
        self._count += len(entries)
        if self._count > MOST_PENDING:
            self._pending.clear()
            self._count = 0
            for subscriber in self.subscribers:
                subscriber.fall_behind()
            return
        self._pending.append((list(entries), end))
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        while self._pending:
            entries: list[LogEntry] = []
            end = self._pending[0][1]
            while self._pending and len(entries) < BATCH:
                more, end = self._pending.popleft()
                entries += more
            self._count -= len(entries)
            await self._tell_all(entries, end)

    async def _tell_all(self, entries: list[LogEntry], end: LogPosition) -> None:
        """Of as many as fit into one short transaction at a time."""
        work = [(group, entry) for group in self._groups.values() for entry in chosen(group.asked.wanted, entries)]
        for start in range(0, len(work), BATCH):
            part = work[start : start + BATCH]
            messages = await self._executed(part)
            if messages is None:
                for subscriber in self.subscribers:
                    subscriber.fall_behind()
                return
            for (group, _), message in zip(part, messages, strict=True):
                for subscriber in list(group.subscribers):
                    subscriber.offer(message)
        for subscriber in self.subscribers:
            subscriber.has_heard(end)

    async def _executed(self, work: Sequence[tuple[Group, LogEntry]]) -> list[Message] | None:
        """None, after a pause, when it cannot be done now. What fails among others is tried alone."""
        try:
            messages = await self._in_transaction(work)
            if any(message.failed for message in messages) and len(work) > 1:
                messages = [(await self._in_transaction([one]))[0] for one in work]
        except AWAY as error:
            log.warning("subscription_not_told", reason=str(error) or type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)
            return None
        return messages

    async def _in_transaction(self, work: Sequence[tuple[Group, LogEntry]]) -> list[Message]:
        async with self._shared.readers, self._shared.services.database.tenant(self._organization_id) as session:
            return await self._execute(session, work)

    async def _execute(self, session: Session, work: Sequence[tuple[Group, LogEntry]]) -> list[Message]:
        """At once, so that the loaders of a role read what all of them need together."""
        contexts: dict[str, Context] = {}
        for group, _ in work:
            asked = group.asked
            role = asked.principal.role.value
            if role not in contexts:
                made = Context(anybody(asked.principal), session, self._shared.services, asked.document)
                made.rows_left = MAX_ROWS * len(work)
                contexts[role] = made
        return await asyncio.gather(
            *(group.message(contexts[group.asked.principal.role.value], entry) for group, entry in work)
        )

    async def between(self, group: Group, after: LogPosition, until: LogPosition) -> AsyncGenerator[Message]:
        """The messages of the log behind `after` up to `until`, read as they are taken."""
        while after < until:
            part = await self._page(after)
            found = [entry for entry in part.entries if entry.position <= until]
            entries = chosen(group.asked.wanted, found)
            for start in range(0, len(entries), CATCH_UP_BATCH):
                work = [(group, entry) for entry in entries[start : start + CATCH_UP_BATCH]]
                while (messages := await self._executed(work)) is None:
                    pass
                for message in messages:
                    yield message
            after = part.end

    async def _page(self, after: LogPosition) -> LogPart:
        """As soon as the database lets us."""
        while True:
            try:
                async with self._shared.readers, self._shared.services.database.session(Role.ENGINE) as session:
                    return await read_on(session, after, [self._organization_id])
            except AWAY as error:
                log.warning("log_not_read", reason=str(error) or type(error).__name__)
                await asyncio.sleep(PAUSE_SECONDS)

    async def first(self, group: Group, at: LogPosition) -> AsyncGenerator[Message]:
        """What is told before anything has happened."""
        kind = group.asked.wanted.first
        if kind is None:
            return
        entry = LogEntry(at, self._organization_id, kind, "", "", self._shared.services.clock(), None)
        while (messages := await self._executed([(group, entry)])) is None:
            pass
        for message in messages:
            yield message
