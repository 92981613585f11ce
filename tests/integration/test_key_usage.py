"""Counting requests: by portions, over processes, and while the database is away."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import pytest

from drippulse.kit.db import Database
from drippulse.kit.services import AppServices
from drippulse.organizations.keys.usage import PORTION, KeyUsage
from drippulse.settings import Settings
from tests.support.organizations import TestOrganization
from tests.support.waiting import eventually

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NEVER = 3600.0


@pytest.fixture
async def database(settings: Settings) -> AsyncGenerator[Database]:
    opened = Database(settings)
    await opened.open()
    yield opened
    await opened.close()


async def stored(services: AppServices, organization: TestOrganization) -> dict[int, int]:
    async with services.database.tenant(organization.id) as session:
        rows = await session.fetch("SELECT key_id, requests FROM api_key_usage WHERE day = '2026-03-01'")
    return {row["key_id"]: row["requests"] for row in rows}


async def test_counts_are_added_by_themselves_after_a_while(
    database: Database, services: AppServices, organization: TestOrganization
) -> None:
    usage = KeyUsage(database, seconds=0.02)
    for key in (1, 1, 2):
        usage.count(organization.id, key, NOON)

    async def added() -> bool:
        return await stored(services, organization) == {1: 2, 2: 1}

    await eventually(added)
    usage.count(organization.id, 2, NOON)
    await usage.close()
    assert await stored(services, organization) == {1: 2, 2: 2}


async def test_nothing_runs_while_nothing_is_counted(database: Database) -> None:
    before = asyncio.all_tasks()
    usage = KeyUsage(database, seconds=NEVER)
    await usage.flush()
    await usage.close()
    assert asyncio.all_tasks() == before


async def test_two_processes_add_to_the_same_day(
    database: Database, services: AppServices, organization: TestOrganization
) -> None:
    processes = [KeyUsage(database, seconds=NEVER) for _ in range(2)]
    for key in range(1, PORTION + 200):
        for usage in processes:
            usage.count(organization.id, key, NOON)
    await asyncio.gather(*(usage.close() for usage in processes))
    found = await stored(services, organization)
    assert (len(found), set(found.values())) == (PORTION + 199, {2})


async def test_what_cannot_be_added_now_is_added_later(
    settings: Settings, services: AppServices, organization: TestOrganization
) -> None:
    away = Database(settings.model_copy(update={"database_pool_size": 1}))
    await away.open()
    usage = KeyUsage(away, seconds=NEVER)
    usage.count(organization.id, 1, NOON)
    await away.pool.close()
    await usage.flush()
    usage.count(organization.id, 1, NOON)
    await away.open()
    await usage.close()
    await away.close()
    assert await stored(services, organization) == {1: 2}


async def test_the_last_use_of_a_key_does_not_go_back(
    database: Database, services: AppServices, organization: TestOrganization
) -> None:
    key = (await organization.client.post("/api/v1/api_keys")).json()["id"]
    for at in (NOON, NOON.replace(hour=9)):
        usage = KeyUsage(database, seconds=NEVER)
        usage.count(organization.id, key, at)
        await usage.close()
    shown = (await organization.client.get(f"/api/v1/api_keys/{key}")).json()
    assert shown["last_used_at"] == "2026-03-01T12:00:00.000Z"
