"""The breaker: it warns, it stops, a stop is a stop, and a reset forgets nobody."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import orjson
import pytest

from drippulse.kit.db import Role
from drippulse.organizations import service as organizations
from drippulse.sending import bounces, breaker, queries
from drippulse.sending.tables import Breaker
from tests.conftest import MakeDatabase
from tests.support.smtp_sink import Behaviour
from tests.support.world import World, email, make_world, step


@pytest.fixture(scope="module")
async def shared_world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("sending_breaker")) as made:
        yield made


@pytest.fixture
async def world(shared_world: World) -> World:
    shared_world.sink.behaviour = Behaviour.ACCEPT
    shared_world.sink.ledger.clear()
    await shared_world.cancel_all()
    for table in ("suppression", "nurture_event", "delivery"):
        await shared_world.sql(f"DELETE FROM {table}")
    await shared_world.sql("UPDATE organization SET sending = '{}'")
    await shared_world.sql("UPDATE sending_state SET breaker = 'ok'")
    await shared_world.sql("UPDATE send_total SET sent = 0, bounced = 0, complained = 0, forgiven_sent = 0")
    await shared_world.sql("UPDATE send_total SET forgiven_bounced = 0, forgiven_complained = 0")
    return shared_world


def people(count: int, name: str = "p") -> list[dict[str, Any]]:
    return [{"email": f"{name}{n}@example.com", "first_name": "P"} for n in range(count)]


async def sent_before(world: World, count: int) -> None:
    await world.sql(
        """INSERT INTO send_total AS t (organization_id, day, shard, sent)
           VALUES ($1, (now() AT TIME ZONE 'UTC')::date, 0, $2) ON CONFLICT (organization_id, day, shard)
           DO UPDATE SET sent = excluded.sent""",
        world.organization_id,
        count,
    )


async def report(world: World, kind: str, number: int, call: str = "") -> None:
    async with world.database.tenant(world.organization_id) as session:
        row = {"type": kind, "email": f"p{number}@example.com", "id": f"{kind}-{number}-{call}"}
        await bounces.take(session, world.organization_id, row, None)


async def state(world: World) -> str:
    [row] = await world.sql("SELECT breaker FROM sending_state")
    return str(row["breaker"])


async def begun(world: World, count: int) -> bool:
    [row] = await world.sql("SELECT count(*) >= $1 AS enough FROM delivery", count)
    return bool(row["enough"])


async def reset(world: World) -> int:
    async with world.database.tenant(world.organization_id) as session:
        return await breaker.reset(session, world.organization_id, "cleaned", world.principal)


async def test_mails_sent_are_counted_by_the_day(world: World) -> None:
    await world.enroll(await world.workflow(email()), *people(7))
    await world.drain()
    [row] = await world.sql("SELECT sum(sent)::int AS sent FROM send_total")
    assert row["sent"] == 7


async def test_complaints_of_three_in_a_thousand_stop_everything_and_a_reset_resumes_everyone(world: World) -> None:
    workflow = await world.workflow(email(), step("log", message="done"))
    await world.enroll(workflow, *people(5))
    await world.drain()
    await sent_before(world, 1000 - 5)
    for number, expected in ((0, Breaker.WARN), (1, Breaker.WARN), (2, Breaker.STOPPED)):
        await report(world, "complaint", number, call=str(world.organization_id))
        assert await state(world) == expected
    held = await world.enroll(workflow, *people(40, "later"))
    await world.drain()
    assert len(world.sink.ledger) == 5
    rows = [await world.row(one) for one in held]
    assert {row["wait_reason"] for row in rows} == {"sending_stopped"}
    assert all(row["next_run_at"] is not None and row["claimable_at"] is not None for row in rows)
    assert await reset(world) == 40
    await world.drain()
    assert len(world.sink.ledger) == 45
    assert {(await world.row(one))["status"] for one in held} == {"completed"}
    types = [row["type"] for row in await world.sql("SELECT type FROM event WHERE type LIKE 'sending.%' ORDER BY id")]
    assert types == ["sending.warned", "sending.stopped", "sending.resumed"]


async def test_after_a_reset_the_rates_begin_anew(world: World) -> None:
    await world.enroll(await world.workflow(email()), *people(3))
    await world.drain()
    await sent_before(world, 600)
    for number in range(2):
        await report(world, "complaint", number, call=f"anew{world.organization_id}")
    assert await state(world) == Breaker.STOPPED
    await reset(world)
    await report(world, "complaint", 2, call="anew")
    assert await state(world) == Breaker.OK


async def test_one_in_twenty_hard_bounces_stops(world: World) -> None:
    policy = {"breaker": {"minimum_sends": 20}}
    await world.sql("UPDATE organization SET sending = $1", orjson.dumps(policy).decode())
    await world.enroll(await world.workflow(email()), *people(20))
    await world.drain()
    await report(world, "bounce", 0, call="hard")
    assert await state(world) == Breaker.STOPPED


async def test_bounces_that_came_before_there_was_enough_to_count_are_counted_by_the_chore(world: World) -> None:
    await world.enroll(await world.workflow(email()), *people(3))
    await world.drain()
    await sent_before(world, 30)
    await report(world, "complaint", 0, call="early")
    await report(world, "complaint", 1, call="early")
    assert await state(world) == Breaker.OK
    await sent_before(world, 600)
    await breaker.evaluate_all(world.database)
    assert await state(world) == Breaker.STOPPED


async def test_no_mail_begins_after_the_stop_has_committed(world: World) -> None:
    await world.enroll(await world.workflow(email()), *people(400))
    async with world.engine(worker_batch=20) as one, world.engine(worker_batch=20) as two:
        work = asyncio.gather(one.drain(), two.drain())
        end = time.monotonic() + 20
        while not await begun(world, 30):
            assert time.monotonic() < end
            await asyncio.sleep(0.005)
        async with world.database.session(Role.ENGINE) as session:
            await session.execute("UPDATE sending_state SET breaker = 'stopped'")
        [before] = await world.sql("SELECT count(*) AS mails FROM delivery")
        await work
    [after] = await world.sql("SELECT count(*) AS mails FROM delivery")
    assert after["mails"] == before["mails"] == len(world.sink.ledger) < 400
    [waiting] = await world.sql("SELECT count(*) AS n FROM enrollment WHERE wait_reason = 'sending_stopped'")
    assert waiting["n"] == 400 - after["mails"]


async def test_a_stopped_organization_does_not_stop_another(world: World) -> None:
    await world.sql("UPDATE sending_state SET breaker = 'stopped'")
    their_id = await organizations.create_organization(world.database, "Another")
    other = World(world.settings, world.database, world.sink, their_id)
    await other.enroll(await other.workflow(email()), *people(2, "theirs"))
    await world.enroll(await world.workflow(email()), *people(2, "mine"))
    await world.drain()
    assert {taken.recipients[0][:6] for taken in world.sink.ledger} == {"theirs"}


async def test_a_stop_waits_for_mails_that_are_beginning(world: World) -> None:
    async def stop() -> None:
        async with world.database.session(Role.ENGINE) as session:
            await session.execute("UPDATE sending_state SET breaker = 'stopped'")

    async with world.database.session(Role.ENGINE) as session:
        [row] = await queries.states(session, [world.organization_id])
        assert row["breaker"] == "ok"
        stopping = asyncio.create_task(stop())
        done, _ = await asyncio.wait([stopping], timeout=0.15)
        assert not done
    await stopping
    async with world.database.session(Role.ENGINE) as session:
        [row] = await queries.states(session, [world.organization_id])
    assert row["breaker"] == "stopped"


async def test_who_waits_is_found_through_an_index(world: World) -> None:
    async with world.database.session(Role.ENGINE) as session:
        await session.execute("SET LOCAL enable_seqscan = off")
        rows = await session.fetch(f"EXPLAIN {queries.REISSUE.replace('$1', str(world.organization_id))}")
    assert "enrollment_send_wait" in "\n".join(row[0] for row in rows)
