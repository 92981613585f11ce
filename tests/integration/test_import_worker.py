"""A worker process imports what waits, and takes an import along when it is killed."""

from collections.abc import AsyncGenerator

import pytest

from drippulse.crm.importing.chores import look_after_imports
from drippulse.organizations import service as organizations
from tests.conftest import MakeDatabase
from tests.support.imports import everything, import_row, queue_import
from tests.support.processes import process
from tests.support.waiting import eventually
from tests.support.world import World, make_world


@pytest.fixture(scope="module")
async def world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("import_worker")) as made:
        yield made


def people(count: int) -> bytes:
    return b"email\n" + b"".join(b"p%d@example.com\n" % number for number in range(count))


async def _status(world: World, organization_id: int, import_id: int) -> str:
    return (await import_row(world.database, organization_id, import_id))["status"]


async def test_a_worker_that_is_killed_leaves_its_import_to_the_next(world: World) -> None:
    organization_id = await organizations.create_organization(world.database, "Killed worker")
    import_id = await queue_import(world.database, organization_id, people(30_000))
    assert await look_after_imports(world.database)

    async def begun() -> bool:
        return (await import_row(world.database, organization_id, import_id))["created_count"] > 0

    async with process(world.settings, "worker") as worker:
        await eventually(begun, within=40)
        worker.kill()
        await worker.wait()
    row = await import_row(world.database, organization_id, import_id)
    assert row["status"] == "running"
    assert not await look_after_imports(world.database)  # the claim counts for a while

    async with world.database.tenant(organization_id) as session:
        # nobody's any more: neither does the process that the worker leaves behind commit another portion
        await session.execute("UPDATE record_import SET claim = NULL, claimed_until = now() - interval '1 s'")

    async def completed() -> bool:
        return await _status(world, organization_id, import_id) == "completed"

    assert await look_after_imports(world.database)
    async with process(world.settings, "worker"):
        await eventually(completed, within=60)
    found = await everything(world.database, organization_id)
    assert (found["contacts"], found["creations"], found["created_events"]) == (30_000,) * 3


async def test_an_upload_that_broke_off_is_given_up(world: World) -> None:
    organization_id = await organizations.create_organization(world.database, "Broken off")
    async with world.database.tenant(organization_id) as session:
        import_id = await session.fetchval(
            """INSERT INTO record_import (organization_id, record_type, status, actor_type, updated_at)
               VALUES ($1, 'contact', 'uploading', 'user', now() - interval '2 days') RETURNING id""",
            organization_id,
        )
    await look_after_imports(world.database)
    row = await import_row(world.database, organization_id, import_id)
    assert row["status"] == "failed"
    assert "broke off" in row["problem"]
