"""Caps, quiet hours and ramp-up through the engine: never one mail too many, and nobody forgotten."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from drippulse.kit.db import Role
from drippulse.organizations import service as organizations
from tests.conftest import MakeDatabase
from tests.support.smtp_sink import Behaviour
from tests.support.world import World, email, make_world, step


@pytest.fixture(scope="module")
async def shared_world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("sending_caps")) as made:
        yield made


@pytest.fixture
async def world(shared_world: World) -> World:
    shared_world.sink.behaviour = Behaviour.ACCEPT
    shared_world.sink.ledger.clear()
    await shared_world.cancel_all()
    await shared_world.sql("DELETE FROM suppression")
    async with shared_world.database.session(Role.ENGINE) as session:
        await session.execute("DELETE FROM send_count")
    return shared_world


async def allow(world: World, **policy: Any) -> None:
    text = orjson.dumps(policy).decode()
    await world.sql("UPDATE organization SET sending = $1 WHERE id = $2", text, world.organization_id)


def people(count: int, domain: str = "example.com") -> list[dict[str, Any]]:
    return [{"email": f"p{n}@{domain}", "first_name": "P"} for n in range(count)]


async def four_engines(world: World) -> None:
    async with AsyncExitStack() as stack:
        engines = [await stack.enter_async_context(world.engine(worker_batch=20)) for _ in range(4)]
        await asyncio.gather(*(engine.drain() for engine in engines))


async def waiting(world: World) -> Counter[str]:
    rows = await world.sql("SELECT wait_reason FROM enrollment WHERE status = 'active'")
    return Counter(str(row["wait_reason"]) for row in rows)


async def test_four_engines_at_once_send_exactly_what_every_cap_allows(world: World) -> None:
    await allow(world, caps={"organization": {"per_day": 40}, "recipient_domain": {"per_day": 25}})
    workflow = await world.workflow(email())
    await world.enroll(workflow, *people(60, "one.example"), *people(60, "two.example"))
    await four_engines(world)
    domains = Counter(taken.recipients[0].split("@")[1] for taken in world.sink.ledger)
    assert sum(domains.values()) == 40
    assert max(domains.values()) <= 25
    assert sum((await waiting(world)).values()) == 80
    [row] = await world.sql("SELECT sum(sent)::int AS sent FROM send_count WHERE scope = 'organization'")
    assert row["sent"] == 40


async def test_a_contact_is_capped_over_all_workflows(world: World) -> None:
    await allow(world, caps={"contact": {"per_day": 2}})
    workflows = [await world.workflow(email()) for _ in range(5)]
    for number, workflow in enumerate(workflows):
        spelling = "ada@example.com" if number % 2 else "Ada@Example.COM"
        await world.enroll(workflow, {"email": spelling, "first_name": "A"}, {"email": f"x{number}@b.org"})
    await four_engines(world)
    assert Counter(taken.recipients[0].lower() for taken in world.sink.ledger)["ada@example.com"] == 2
    assert len(world.sink.ledger) == 7
    assert await waiting(world) == {"cap:contact": 3}


async def test_what_is_put_off_has_its_time_after_the_window_and_is_spread(world: World) -> None:
    await allow(world, caps={"organization": {"per_day": 5}})
    await world.enroll(await world.workflow(email()), *people(20))
    await world.drain()
    rows = await world.sql("SELECT next_run_at, claimable_at FROM enrollment WHERE status = 'active'")
    tomorrow = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    assert len(rows) == 15
    assert all(row["next_run_at"] >= tomorrow and row["claimable_at"] == row["next_run_at"] for row in rows)
    by_day = Counter((row["next_run_at"] - tomorrow).days for row in rows)
    assert by_day == {0: 5, 1: 5, 2: 5}
    assert len({row["next_run_at"] for row in rows}) == 15


async def test_a_mail_that_is_tried_again_counts_once(world: World) -> None:
    await allow(world, caps={"organization": {"per_day": 3}})
    world.sink.behaviour = Behaviour.REFUSE_TEMPORARILY
    [one] = await world.enroll(await world.workflow(email()), *people(1))
    await world.work_until_rest(one)
    assert (await world.row(one))["status"] == "failed"
    [row] = await world.sql("SELECT sent FROM send_count WHERE scope = 'organization'")
    assert row["sent"] == 1


async def test_organizations_do_not_share_their_counts(world: World) -> None:
    await allow(world, caps={"organization": {"per_day": 1}})
    await world.enroll(await world.workflow(email()), *people(2))
    await world.drain()
    other = World(
        world.settings,
        world.database,
        world.sink,
        await organizations.create_organization(world.database, "Another"),
    )
    await other.enroll(await other.workflow(email()), *people(3))
    await world.drain()
    assert len(world.sink.ledger) == 4
    await other.cancel_all()


async def test_quiet_hours_are_kept_in_the_contacts_zone(world: World) -> None:
    now = datetime.now(UTC)
    start, end = (now - timedelta(hours=1)).strftime("%H:%M"), (now + timedelta(hours=1)).strftime("%H:%M")
    await allow(world, quiet_hours={"start": start, "end": end, "timezone": "contact"})
    here = {"email": "here@example.com", "first_name": "H", "timezone": "UTC"}
    far = {"email": "far@example.com", "first_name": "F", "timezone": "Asia/Tokyo"}
    quiet, loud = await world.enroll(await world.workflow(email(), step("log", message="on")), here, far)
    await world.drain()
    assert [taken.recipients[0] for taken in world.sink.ledger] == ["far@example.com"]
    row = await world.row(quiet)
    assert row["wait_reason"] == "quiet_hours"
    assert timedelta(minutes=55) < row["next_run_at"] - now < timedelta(minutes=75)
    assert (await world.row(loud))["status"] == "completed"


async def test_a_new_sender_gets_the_allowance_of_its_day(world: World) -> None:
    started = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    await allow(world, ramp_up={"start_per_day": 1, "factor": 2, "days": 10, "started_at": started})
    await world.enroll(await world.workflow(email()), *people(9))
    await four_engines(world)
    assert len(world.sink.ledger) == 4
    assert await waiting(world) == {"ramp_up": 5}


async def test_an_address_on_the_suppression_list_is_skipped_without_being_counted(world: World) -> None:
    await allow(world, caps={"organization": {"per_day": 1}})
    insert = "INSERT INTO suppression (organization_id, email, reason) VALUES ($1, 'p0@example.com', 'manual')"
    await world.sql(insert, world.organization_id)
    await world.enroll(await world.workflow(email()), *people(2))
    await world.drain()
    assert [taken.recipients[0] for taken in world.sink.ledger] == ["p1@example.com"]
    assert await waiting(world) == {}
