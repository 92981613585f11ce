"""Every chore of the scheduler, with the rights that its role has in a real database."""

from collections.abc import AsyncGenerator

import pytest

from drippulse.kit.db import Database, Role
from drippulse.kit.idempotency.service import forget_old
from drippulse_workers.chores import CHORES, Chore
from tests.conftest import MakeDatabase


@pytest.fixture
async def database(make_database: MakeDatabase) -> AsyncGenerator[Database]:
    """An empty one of its own: chores look at all organizations."""
    opened = Database(await make_database("chores"))
    await opened.open()
    yield opened
    await opened.close()


@pytest.mark.parametrize("chore", CHORES, ids=lambda chore: chore.name)
async def test_every_chore_runs_with_the_rights_of_its_role(database: Database, chore: Chore) -> None:
    await chore.work(database)


async def test_idempotency_keys_are_forgotten_after_a_day_and_not_before(database: Database) -> None:
    async with database.session(Role.APP, 1) as session:
        await session.execute(
            """INSERT INTO idempotency_key (organization_id, method, path, key, fingerprint, status, body, created_at)
               SELECT 1, 'POST', '/v1/contacts', age, '', 201, '', now() - age::interval
               FROM unnest(ARRAY['25 hours', '23 hours']) AS age"""
        )
    await forget_old(database)
    async with database.session(Role.APP, 1) as session:
        assert [row["key"] for row in await session.fetch("SELECT key FROM idempotency_key")] == ["23 hours"]
