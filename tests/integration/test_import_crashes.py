"""Imports whose process is killed: nothing is lost and nothing is there twice."""

import asyncio
import secrets
import signal
import time
from collections.abc import AsyncGenerator

import pytest

from drippulse.crm.importing import service
from drippulse.crm.importing.runner import run_next
from drippulse.events.service import SystemActor
from drippulse.organizations import service as organizations
from tests.conftest import MakeDatabase
from tests.support.imports import everything, import_row, queue_import, run_process, start_process
from tests.support.waiting import eventually
from tests.support.workbooks import plain_workbook
from tests.support.world import World, make_world

ROWS = 9_000
HEADER = "email,first_name\n"


@pytest.fixture(scope="module")
async def world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("import_crashes")) as made:
        yield made


async def new_organization(world: World) -> int:
    return await organizations.create_organization(world.database, secrets.token_hex(8))


def people(count: int = ROWS) -> bytes:
    """A bad row among every hundred, and everybody twice in the second half."""
    rows = [f"p{i % (count // 2)}@example.com,Name {i}" if i % 100 else f"bad {i},x" for i in range(count)]
    return (HEADER + "\n".join(rows) + "\n").encode()


async def expire_claims(world: World, organization_id: int) -> None:
    """What waiting for a minute would bring."""
    async with world.database.tenant(organization_id) as session:
        await session.execute("UPDATE record_import SET claimed_until = now()")


async def expected(world: World, content: bytes) -> dict[str, int]:
    """What an import that nobody disturbs leaves behind."""
    organization_id = await new_organization(world)
    await queue_import(world.database, organization_id, content)
    while await run_next(world.database):
        pass
    return await everything(world.database, organization_id)


@pytest.mark.parametrize(
    "place",
    [
        "import.claimed",
        "import.portion_written@1",
        "import.portion_written@2",
        "import.portion_written@3",
        "import.portion_committed@1",
        "import.portion_committed@2",
        "import.portion_committed@3",
    ],
)
async def test_a_kill_at_any_boundary_loses_nothing_and_doubles_nothing(world: World, place: str) -> None:
    content = people()
    organization_id = await new_organization(world)
    import_id = await queue_import(world.database, organization_id, content)
    assert await run_process(world.settings, DRIPPULSE_FAILPOINT=place) == -signal.SIGKILL
    await expire_claims(world, organization_id)
    assert await run_process(world.settings) == 0
    row = await import_row(world.database, organization_id, import_id)
    assert (row["status"], row["failed_count"], row["row_number"]) == ("completed", ROWS // 100, ROWS + 1)
    assert await everything(world.database, organization_id) == await expected(world, content)


async def test_a_kill_while_unpacking_a_workbook_unpacks_it_again(world: World) -> None:
    content = plain_workbook([["email", "first_name"], *([f"p{i}@example.com", f"Name {i}"] for i in range(500))])
    organization_id = await new_organization(world)
    import_id = await queue_import(world.database, organization_id, content)
    assert await run_process(world.settings, DRIPPULSE_FAILPOINT="import.unpacked") == -signal.SIGKILL
    await expire_claims(world, organization_id)
    assert await run_process(world.settings) == 0
    row = await import_row(world.database, organization_id, import_id)
    assert (row["status"], row["created_count"]) == ("completed", 500)
    assert (await everything(world.database, organization_id))["chunks"] == 0


async def test_what_kills_its_process_every_time_is_given_up(world: World) -> None:
    organization_id = await new_organization(world)
    import_id = await queue_import(world.database, organization_id, people(100))
    async with world.database.tenant(organization_id) as session:
        await session.execute("UPDATE record_import SET attempts = 5")
    await run_next(world.database)
    row = await import_row(world.database, organization_id, import_id)
    assert row["status"] == "failed"
    assert "again and again" in row["problem"]


async def test_whoever_lost_the_claim_writes_nothing(world: World) -> None:
    """As when a process stands still for longer than its claim counts."""
    organization_id = await new_organization(world)
    import_id = await queue_import(world.database, organization_id, people(2_000))
    first = asyncio.create_task(run_next(world.database, portion_rows=50))
    await eventually(lambda: _has_begun(world, organization_id, import_id))
    await expire_claims(world, organization_id)
    while await run_next(world.database, portion_rows=50):
        pass
    await first
    row = await import_row(world.database, organization_id, import_id)
    assert row["status"] == "completed"
    assert (await everything(world.database, organization_id))["contacts"] == row["created_count"] == 990


async def test_cancelling_takes_the_open_portion_back(world: World) -> None:
    organization_id = await new_organization(world)
    import_id = await queue_import(world.database, organization_id, people(4_000))
    running = asyncio.create_task(run_next(world.database, portion_rows=50))
    await eventually(lambda: _has_begun(world, organization_id, import_id))
    async with world.database.tenant(organization_id) as session:
        await service.cancel_import(session, SystemActor(organization_id), import_id)
    await running
    row = await import_row(world.database, organization_id, import_id)
    found = await everything(world.database, organization_id)
    assert row["status"] == "cancelled"
    assert 0 < row["created_count"] == found["contacts"] == found["creations"] < 1_980
    assert found["chunks"] == 0


async def test_imports_take_turns(world: World) -> None:
    """A small file does not wait for the end of a large one that came first."""
    organization_id = await new_organization(world)
    large = await queue_import(world.database, organization_id, people(4_000))
    small = await queue_import(world.database, organization_id, b"email\na@example.com\n")
    while (await import_row(world.database, organization_id, small))["status"] != "completed":
        assert await run_next(world.database, turn_seconds=0, portion_rows=100)
    assert (await import_row(world.database, organization_id, large))["status"] == "running"


async def test_the_process_ends_with_its_worker(world: World) -> None:
    organization_id = await new_organization(world)
    import_id = await queue_import(world.database, organization_id, people(60_000))
    process = await start_process(world.settings)
    await eventually(lambda: _has_begun(world, organization_id, import_id), within=30)
    assert process.stdin is not None
    process.stdin.close()
    began = time.monotonic()
    assert await asyncio.wait_for(process.wait(), 10) == 0
    assert time.monotonic() - began < 3
    assert (await import_row(world.database, organization_id, import_id))["status"] == "running"
    async with world.database.tenant(organization_id) as session:
        await session.execute("UPDATE record_import SET status = 'cancelled'")


async def _has_begun(world: World, organization_id: int, import_id: int) -> bool:
    return (await import_row(world.database, organization_id, import_id))["created_count"] > 0
