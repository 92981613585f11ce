"""How many records there are and how many have a tag, as triggers keep it, beside a recount while many write."""

import asyncio
import random
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from drippulse.crm import list_queries, service
from drippulse.crm.bulk import service as bulk
from drippulse.crm.bulk.schemas import changes_of
from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.changes.tables import Source
from drippulse.crm.importing.sink import RecordSink, Target
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.crm.tags import queries as tag_queries
from drippulse.crm.tags import service as tags
from drippulse.events.service import SystemActor
from drippulse.kit.db import Database, Session
from drippulse.kit.errors import DomainError
from drippulse.organizations import service as organizations
from drippulse.settings import Settings
from tests.conftest import MakeDatabase

CONTACT, LEAD = RecordType.CONTACT, RecordType.LEAD
WRITERS, ROUNDS = 6, 12
TAGS = ["a", "b", "c", "d"]
LIVE = "SELECT id FROM {} WHERE deleted_at IS NULL ORDER BY random() LIMIT $1"
GONE = "SELECT id FROM {} WHERE deleted_at IS NOT NULL ORDER BY random() LIMIT 1"
RECORDS = """SELECT record_type, sum(delta)::int AS number FROM record_tally GROUP BY 1 HAVING sum(delta) <> 0"""
TAGGED = """SELECT record_type || ' ' || tag AS tagged, sum(delta)::int AS number FROM tag_tally GROUP BY 1
  HAVING sum(delta) <> 0"""
RECOUNTED_TAGS = """SELECT '{0} ' || tag AS tagged, count(DISTINCT id)::int AS number FROM {0}, unnest(tags) AS tag
  WHERE deleted_at IS NULL GROUP BY 1"""
FORGETFUL = """CREATE OR REPLACE FUNCTION tally_updated() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
  INSERT INTO record_tally (organization_id, record_type, delta)
  SELECT organization_id, TG_TABLE_NAME, -count(*) FROM removed WHERE deleted_at IS NULL AND organization_id IN (
    SELECT organization_id FROM added WHERE deleted_at IS NOT NULL) GROUP BY 1;
  RETURN NULL;
END$$"""
"""Restoring is forgotten, and tags are."""
Write = Callable[[Session, SystemActor], Awaitable[Any]]


class Office:
    """An organization in which many write at once."""

    def __init__(self, database: Database, organization_id: int) -> None:
        self.database = database
        self.actor = SystemActor(organization_id)
        self.random = random.Random(organization_id)

    @property
    def some_tags(self) -> list[str]:
        return self.random.sample(TAGS, self.random.randrange(3))

    async def work(self) -> None:
        """What people, imports and the scheduler do, all at once; some of it is rolled back."""
        await asyncio.gather(*(self._writer() for _ in range(WRITERS)), self._folder())

    async def compare(self) -> None:
        """Raises AssertionError where the tallies are not what a recount says."""
        counted: dict[str, int] = {}
        tagged: dict[str, int] = {}
        async with self.database.tenant(self.actor.organization_id) as session:
            for kind in RecordType:
                number = await session.fetchval(f"SELECT count(*) FROM {kind.value} WHERE deleted_at IS NULL")
                counted |= {kind.value: number} if number else {}
                tagged |= {
                    row["tagged"]: row["number"] for row in await session.fetch(RECOUNTED_TAGS.format(kind.value))
                }
            told = {row["record_type"]: row["number"] for row in await session.fetch(RECORDS)}
            told_tags = {row["tagged"]: row["number"] for row in await session.fetch(TAGGED)}
        assert (told, told_tags) == (counted, tagged)
        assert counted.get("contact", 0) > 0

    async def _writer(self) -> None:
        writes: list[Write] = [self._create, self._import, self._change, self._delete, self._restore, self._bulk]
        writes += [self._bulk_delete, self._rename, self._create]
        for _ in range(ROUNDS):
            chosen = self.random.choice(writes)
            try:
                async with self.database.tenant(self.actor.organization_id) as session:
                    await chosen(session, self.actor)
                    if self.random.random() < 0.2:
                        raise _TakenBackError
            except (_TakenBackError, DomainError, asyncpg.DeadlockDetectedError):
                continue

    async def _folder(self) -> None:
        for _ in range(ROUNDS):
            async with self.database.tenant(self.actor.organization_id) as session:
                for kind in (CONTACT, LEAD):
                    await session.execute(list_queries.FOLD, self.actor.organization_id, kind.value)
                await session.execute(tag_queries.FOLD, self.actor.organization_id)

    async def _create(self, session: Session, actor: SystemActor) -> None:
        kind = self.random.choice([CONTACT, LEAD])
        await service.create_record(session, actor, kind, SPECS[kind].changes(tags=self.some_tags))

    async def _import(self, session: Session, actor: SystemActor) -> None:
        target = Target(CONTACT, actor, OpenChangeset(Source.IMPORT, "people.csv"))
        rows = [{"email": f"p{self.random.randrange(60)}@x.org", "tags": ",".join(self.some_tags)} for _ in range(20)]
        sink = await RecordSink.open(session, target)
        await sink.write(session, sink.read(list(enumerate(rows, 1))))

    async def _change(self, session: Session, actor: SystemActor) -> None:
        for ref in await self._refs(session, LIVE.format("contact"), 1):
            await service.update_record(session, actor, CONTACT, ref, SPECS[CONTACT].changes(tags=self.some_tags))

    async def _delete(self, session: Session, actor: SystemActor) -> None:
        for ref in await self._refs(session, LIVE.format("lead"), 1):
            await service.delete_record(session, actor, LEAD, ref)

    async def _restore(self, session: Session, actor: SystemActor) -> None:
        for ref in await self._refs(session, GONE.format("lead")):
            await service.restore_record(session, actor, LEAD, ref)

    async def _bulk(self, session: Session, actor: SystemActor) -> None:
        refs = await self._refs(session, LIVE.format("contact"), 15)
        changes = changes_of(CONTACT)(add_tags=self.some_tags, remove_tags=["a"])
        await bulk.update_records(session, actor, CONTACT, refs, changes)

    async def _bulk_delete(self, session: Session, actor: SystemActor) -> None:
        await bulk.delete_records(session, actor, LEAD, await self._refs(session, LIVE.format("lead"), 3))

    async def _rename(self, session: Session, actor: SystemActor) -> None:
        name, other = self.random.sample(TAGS, 2)
        await tags.rename_tag(session, actor, name, other)

    async def _refs(self, session: Session, sql: str, *args: Any) -> list[str]:
        return [str(row["id"]) for row in await session.fetch(sql, *args)]


class _TakenBackError(Exception):
    """The transaction is rolled back."""


@pytest.fixture
async def office(settings: Settings) -> AsyncGenerator[Office]:
    async for made in _office(settings):
        yield made


async def _office(settings: Settings) -> AsyncGenerator[Office]:
    database = Database(settings)
    await database.open()
    try:
        yield Office(database, await organizations.create_organization(database, secrets.token_hex(8)))
    finally:
        await database.close()


async def test_tallies_are_what_a_recount_says_while_many_write(office: Office) -> None:
    await office.work()
    await office.compare()


async def test_a_tally_that_forgets_restored_records_is_found_out(make_database: MakeDatabase) -> None:
    """The comparison is one that fails."""
    settings = await make_database("tallies")
    owner = await asyncpg.connect(settings.database_owner_url)
    await owner.execute(FORGETFUL)
    await owner.close()
    async for office in _office(settings):
        await office.work()
        with pytest.raises(AssertionError):
            await office.compare()
