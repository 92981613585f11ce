"""What an organization does not want to keep is deleted, and nothing else."""

import secrets
from collections.abc import AsyncGenerator

import orjson
import pytest

from drippulse.events.dispatcher import dispatch
from drippulse.kit.db import Database, Role
from drippulse.organizations import service
from drippulse.organizations.retention import DUE, forget_expired
from tests.conftest import MakeDatabase

WALK = """INSERT INTO enrollment_walk
  (organization_id, enrollment_id, workflow_id, workflow_version, entries, created_at)
SELECT $1, 1, 1, 1, '[]', now() - make_interval(days => age) FROM unnest($2::int[]) AS age"""
EVENT = """INSERT INTO event (organization_id, type, record_type, record_id, actor_type, created_at)
VALUES ($1, 'thing.happened', 'thing', '1', 'system', now() - make_interval(days => $2))"""
CREATED = """INSERT INTO event (organization_id, type, record_type, record_id, actor_type, created_at)
VALUES ($1, 'enrollment.created', 'enrollment', $2::bigint::text, 'user', now() - interval '99 days')"""
AUDIT = """INSERT INTO audit_entry (organization_id, action, actor_type, created_at)
VALUES ($1, 'login.failed', 'anonymous', now() - make_interval(days => $2))"""
RUN = """INSERT INTO enrollment (organization_id, workflow_id, workflow_version, email, step_id, bag, timezone, status)
VALUES ($1, 1, 1, 'ada@example.com', 's', '{}', 'UTC', $2) RETURNING id"""


@pytest.fixture(scope="module")
async def database(make_database: MakeDatabase) -> AsyncGenerator[Database]:
    """One of its own: a chore looks at all organizations."""
    opened = Database(await make_database("retention"))
    await opened.open()
    yield opened
    await opened.close()


async def an_organization(database: Database, **retention: int) -> int:
    """Two years old."""
    organization = await service.create_organization(database, f"Organization {secrets.token_hex(6)}")
    async with database.tenant(organization) as session:
        await session.execute(
            "UPDATE organization SET retention = $2, created_at = now() - interval '730 days' WHERE id = $1",
            organization,
            orjson.dumps(retention).decode(),
        )
    return organization


async def rounds(database: Database, times: int = 20) -> None:
    """Two years are more than one round takes."""
    for _ in range(times):
        assert await forget_expired(database) is False


async def ages(database: Database, organization: int, table: str) -> list[int]:
    async with database.tenant(organization) as session:
        rows = await session.fetch(
            f"SELECT extract(day FROM now() - created_at)::int AS age FROM {table} ORDER BY created_at DESC"
        )
    return [row["age"] for row in rows]


async def backdated(database: Database, organization: int, statement: str, *days: int) -> None:
    """Entries of these ages, in the order in which time would have written them."""
    async with database.tenant(organization) as session:
        for age in sorted(days, reverse=True):
            await session.execute(statement, organization, age)


async def test_timelines_lose_their_entries_from_before(database: Database) -> None:
    short, forever = await an_organization(database, timeline_days=30), await an_organization(database)
    for organization in (short, forever):
        async with database.tenant(organization) as session:
            await session.execute(WALK, organization, [700, 200, 31, 29, 0])
    await rounds(database)
    assert await ages(database, short, "enrollment_walk") == [0, 29]
    assert await ages(database, forever, "enrollment_walk") == [0, 29, 31, 200, 700]


async def test_a_longer_retention_brings_nothing_back_and_a_shorter_one_goes_on(database: Database) -> None:
    organization = await an_organization(database, timeline_days=100)
    async with database.tenant(organization) as session:
        await session.execute(WALK, organization, [90, 20, 5])
    await rounds(database)
    assert await ages(database, organization, "enrollment_walk") == [5, 20, 90]
    for days, left in ((400, [5, 20, 90]), (10, [5])):
        async with database.tenant(organization) as session:
            retention = orjson.dumps({"timeline_days": days}).decode()
            await session.execute("UPDATE organization SET retention = $2 WHERE id = $1", organization, retention)
        await rounds(database, 3)
        assert await ages(database, organization, "enrollment_walk") == left


async def test_the_audit_log_and_the_event_log_each_have_their_days(database: Database) -> None:
    organization = await an_organization(database, audit_days=90, event_days=30)
    for statement in (EVENT, AUDIT):
        await backdated(database, organization, statement, 200, 91, 60, 31, 29, 1)
    await dispatch(database, lambda: None)
    await rounds(database, 1)
    assert await ages(database, organization, "audit_entry") == [1, 29, 31, 60]
    assert await ages(database, organization, "event") == [1, 29]


async def test_events_that_nobody_has_read_yet_are_kept(database: Database) -> None:
    organization = await an_organization(database, event_days=8)
    await dispatch(database, lambda: None)
    await backdated(database, organization, EVENT, 100)
    await rounds(database, 1)
    assert await ages(database, organization, "event") == [100]
    await dispatch(database, lambda: None)
    await rounds(database, 1)
    assert await ages(database, organization, "event") == []


async def test_who_enrolled_a_run_under_way_is_kept_until_it_ends(database: Database) -> None:
    organization = await an_organization(database, event_days=9)
    runs: dict[str, int] = {}
    async with database.tenant(organization) as session:
        for status in ("active", "completed"):
            runs[status] = int(await session.fetchval(RUN, organization, status))
            await session.execute(CREATED, organization, runs[status])
    await dispatch(database, lambda: None)
    await rounds(database, 1)

    async def left() -> list[str]:
        async with database.tenant(organization) as session:
            return [row["record_id"] for row in await session.fetch("SELECT record_id FROM event")]

    assert await left() == [str(runs["active"])]
    async with database.tenant(organization) as session:
        await session.execute("UPDATE enrollment SET status = 'completed' WHERE id = $1", runs["active"])
    await rounds(database, 1)
    assert await left() == []


async def test_usage_is_kept_for_400_days(database: Database) -> None:
    organization = await an_organization(database, audit_days=31)
    async with database.session(Role.AUTH) as session:
        await session.execute(
            """INSERT INTO api_key_usage (organization_id, key_id, day, requests)
               SELECT $1, 1, current_date - age, 1 FROM unnest(ARRAY[401, 399]) AS age""",
            organization,
        )
    await forget_expired(database)
    async with database.tenant(organization) as session:
        assert await session.fetchval("SELECT count(*) FROM api_key_usage") == 1


async def test_a_round_over_organizations_without_retention_is_one_transaction(database: Database) -> None:
    """Idle cost: what is not set is not looked for."""
    async with database.session(Role.ENGINE) as session:
        due = await session.fetch(DUE)
    organization = await an_organization(database)
    async with database.session(Role.ENGINE) as session:
        assert {row["organization_id"] for row in await session.fetch(DUE)} == {row["organization_id"] for row in due}
    assert organization not in {row["organization_id"] for row in due}
