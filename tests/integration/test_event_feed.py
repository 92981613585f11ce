"""The feed over the event log: in the order of commits, each event once, with and without Redis."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

import pytest
from redis.asyncio import Redis

from drippulse.events import service as events
from drippulse.events.feed import Feed, Pace
from drippulse.events.log_position import LogPosition
from drippulse.events.log_reading import LogEntry, log_end, read_on
from drippulse.events.news import ALL, News
from drippulse.kit.db import Database, Role
from drippulse.settings import Settings
from tests.conftest import MakeOrganization
from tests.support.organizations import TestOrganization
from tests.support.waiting import eventually

SLOW = Pace(poll=60, poll_alone=60)
NOBODY = "redis://127.0.0.1:1/0"


@dataclass(eq=False)
class Listener:
    """A watcher that keeps what it hears."""

    organization_id: int
    heard: list[str] = field(default_factory=list[str])
    ends: list[LogPosition] = field(default_factory=list[LogPosition])

    def hear(self, entries: Sequence[LogEntry], end: LogPosition) -> None:
        self.heard += [entry.record_id for entry in entries]
        self.ends.append(end)


@pytest.fixture
async def database(settings: Settings) -> AsyncGenerator[Database]:
    opened = Database(settings)
    await opened.open()
    yield opened
    await opened.close()


async def append(database: Database, organization: TestOrganization, record: int | str) -> None:
    async with database.tenant(organization.id) as session:
        await events.append(session, "test.done", "event", record, organization.principal, {})


async def append_and_fail(database: Database, organization: TestOrganization) -> None:
    async with database.tenant(organization.id) as session:
        await events.append(session, "test.done", "event", 2, organization.principal, {})
        raise ZeroDivisionError


def redis_of(url: str) -> Redis:
    return Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)  # pyright: ignore[reportUnknownMemberType]


async def test_what_commits_late_is_told_late_and_not_lost(database: Database, organization: TestOrganization) -> None:
    feed = Feed(database, redis_of(NOBODY), Pace(poll_alone=0.05))
    listener = Listener(organization.id)
    await feed.join(listener)
    async with database.tenant(organization.id) as late:
        await events.append(late, "test.done", "event", "late", organization.principal, {})
        await append(database, organization, "early")
        await asyncio.sleep(0.3)
        assert listener.heard == []  # it has an id behind one that is not there yet
    await eventually(lambda: listener.heard == ["late", "early"], 5)
    await feed.close()


async def test_one_statement_reads_for_all_who_watch(
    database: Database, organization: TestOrganization, new_organization: MakeOrganization
) -> None:
    other, unwatched = await new_organization(), await new_organization()
    async with database.session(Role.ENGINE) as session:
        start = await log_end(session)
    for number, one in enumerate([organization, other, unwatched, organization]):
        await append(database, one, number)
    async with database.session(Role.ENGINE) as session:
        part = await read_on(session, start, [organization.id, other.id])
        assert session.statements == 1
    assert [entry.record_id for entry in part.entries] == ["0", "1", "3"]
    assert part.end > part.entries[-1].position
    async with database.session(Role.ENGINE) as session:
        small = await read_on(session, start, [organization.id], window=3)
        rest = await read_on(session, small.end, [organization.id])
    assert (small.more, [entry.record_id for entry in (*small.entries, *rest.entries)]) == (True, ["0", "3"])


async def test_redis_wakes_the_feed_of_another_process_at_once(
    database: Database, settings: Settings, organization: TestOrganization
) -> None:
    feed, news = Feed(database, redis_of(settings.redis_url), SLOW), News.of(settings.redis_url)
    writing = Database(settings)
    await writing.open()
    writing.on_news = news.tell
    listener = Listener(organization.id)
    await feed.join(listener)
    await asyncio.sleep(0.2)  # until Redis is listened to
    await append(writing, organization, 1)
    await eventually(lambda: listener.heard == ["1"], 2)
    await asyncio.sleep(0.2)
    rounds = feed.rounds
    with pytest.raises(ZeroDivisionError):
        await append_and_fail(writing, organization)
    await asyncio.sleep(0.3)
    assert feed.rounds == rounds  # what is undone is no news
    await feed.close()
    await news.close()
    await writing.close()


async def test_without_redis_the_log_is_read_by_the_clock(database: Database, organization: TestOrganization) -> None:
    feed = Feed(database, redis_of(NOBODY), Pace(poll_alone=0.1))
    listener = Listener(organization.id)
    await feed.join(listener)
    for number in range(5):
        await append(database, organization, number)
    await eventually(lambda: listener.heard == ["0", "1", "2", "3", "4"], 5)
    assert listener.ends == sorted(listener.ends)
    await feed.close()


async def test_who_joins_twice_hears_once_and_who_has_left_nothing(
    database: Database, organization: TestOrganization
) -> None:
    feed = Feed(database, redis_of(NOBODY), Pace(poll_alone=0.05))
    listener, other = Listener(organization.id), Listener(organization.id)
    for one in (listener, listener, other):
        await feed.join(one)
    await append(database, organization, 1)
    await eventually(lambda: listener.heard == ["1"] and other.heard == ["1"], 5)
    feed.leave(listener)
    await append(database, organization, 2)
    await eventually(lambda: other.heard == ["1", "2"], 5)
    assert listener.heard == ["1"]
    await feed.close()


@pytest.mark.parametrize("turns", range(6))
async def test_a_feed_that_has_just_been_woken_can_be_closed(
    database: Database, organization: TestOrganization, turns: int
) -> None:
    """Whatever it is about to do: the cancellation comes in each of its first steps after the news."""
    feed = Feed(database, redis_of(NOBODY), SLOW)
    listener = Listener(organization.id)
    await feed.join(listener)
    feed.leave(listener)
    await asyncio.sleep(0.05)
    feed.told({ALL})
    for _ in range(turns):
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await feed.close()
