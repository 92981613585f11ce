"""When explain says that the next mail goes out, compared with what the engine then does."""

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from drippulse.enrollments.explaining.schemas import ExplanationOut
from drippulse.enrollments.explaining.service import explain
from drippulse.kit.clock import utc_now
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Role
from drippulse.workflows.templates import Templates
from tests.conftest import MakeDatabase
from tests.support.world import World, email, make_world, step

SECOND = {**email(subject="second"), "id": "second", "name": "Second"}
LOG = step("log", message="x")


@pytest.fixture(scope="module")
async def made(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("explain_sends")) as world:
        yield world


@pytest.fixture
async def world(made: World) -> World:
    await made.cancel_all()
    await as_engine(made, "DELETE FROM send_count")
    await made.sql("UPDATE sending_state SET breaker = 'ok'")
    await allow(made)
    return made


async def as_engine(world: World, statement: str, *args: Any) -> None:
    async with world.database.session(Role.ENGINE) as session:
        await session.execute(statement, *args)


async def allow(world: World, **policy: Any) -> None:
    await world.sql("UPDATE organization SET sending = $1", orjson.dumps(policy).decode())


async def explained(world: World, workflow: int, one: int) -> dict[str, Any]:
    vault = Vault.of(world.settings)
    async with world.database.tenant(world.organization_id) as session:
        answer = await explain(session, world.principal, vault, Templates(), workflow, one)
    ExplanationOut.model_validate(answer)
    return answer


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def put_off(world: World, one: int) -> tuple[str, datetime]:
    """What the engine makes of it: why and until when it waits."""
    await world.drain()
    row = await world.row(one)
    return row["wait_reason"], row["next_run_at"]


def off_by(until: datetime, answer: dict[str, Any]) -> float:
    return abs((until - moment(answer["next_send"]["at"])).total_seconds())


async def test_without_a_policy_a_mail_goes_out_when_it_is_reached(world: World) -> None:
    workflow = await world.workflow(step("wait", duration=2, unit="hours"), email())
    [one] = await world.enroll(workflow)
    await world.drain()
    answer = await explained(world, workflow, one)
    assert (answer["next_send"]["step_id"], answer["next_send"]["held_by"]) == ("mail", [])
    assert moment(answer["next_send"]["at"]) == (await world.row(one))["next_run_at"].replace(
        microsecond=moment(answer["next_send"]["at"]).microsecond
    )
    assert 'Its next mail ("Mail") likely goes out at' in " ".join(answer["summary"])


async def test_a_full_cap_is_named_with_the_time_at_which_the_engine_looks_again(world: World) -> None:
    await allow(world, caps={"contact": {"per_day": 1}})
    workflow = await world.workflow(LOG, email(), SECOND)
    [one] = await world.enroll(workflow)
    before = await explained(world, workflow, one)
    sends = [entry for entry in before["next"] if entry["sends_at"]]
    assert [entry["held_by"] for entry in sends] == [
        [],
        ["the cap on mail to one contact, over all workflows, of 1 mail per day is reached"],
    ], "its own first mail counts"
    assert (sends[1]["reason"], sends[1]["sure"]) == ("cap:contact", False)
    reason, until = await put_off(world, one)
    assert (reason, await world.deliveries(one)) == ("cap:contact", ["sent"])
    assert abs((until - moment(sends[1]["sends_at"])).total_seconds()) < 0.01


async def test_what_others_have_sent_counts(world: World) -> None:
    await allow(world, caps={"organization": {"per_day": 2}})
    await world.enroll(await world.workflow(email()), {"email": "a@x.org"}, {"email": "b@x.org"})
    await world.drain()
    workflow = await world.workflow(email())
    [one] = await world.enroll(workflow)
    answer = await explained(world, workflow, one)
    assert answer["next_send"]["held_by"] == ["the cap of the organization of 2 mails per day is reached"]
    reason, until = await put_off(world, one)
    assert reason == "cap:organization"
    assert off_by(until, answer) < 0.01


async def test_quiet_hours_are_forecast_in_the_contacts_zone(world: World) -> None:
    now = utc_now()
    start, end = now - timedelta(hours=1), now + timedelta(hours=3)
    hours = {"start": f"{start:%H:%M}", "end": f"{end:%H:%M}", "timezone": "contact"}
    await allow(world, quiet_hours=hours)
    workflow = await world.workflow(email())
    quiet, loud = await world.enroll(
        workflow, {"email": "q@x.org", "timezone": "UTC"}, {"email": "l@x.org", "timezone": "Asia/Tokyo"}
    )
    assert (await explained(world, workflow, loud))["next_send"]["held_by"] == []
    answer = await explained(world, workflow, quiet)
    assert answer["next_send"]["held_by"][0].startswith("quiet hours end at")
    assert answer["next"][0]["sure"]
    reason, until = await put_off(world, quiet)
    assert reason == "quiet_hours"
    assert off_by(until, answer) < 0.01


async def test_the_time_after_quiet_hours_is_held_to_the_caps_as_well(world: World) -> None:
    now = utc_now()
    hours = {"start": f"{now - timedelta(hours=1):%H:%M}", "end": f"{now + timedelta(minutes=2):%H:%M}"}
    await allow(world, quiet_hours={**hours, "timezone": "UTC"}, caps={"organization": {"per_week": 1}})
    await as_engine(
        world,
        """INSERT INTO send_count (organization_id, scope, key, seconds, starts_at, sent) VALUES
           ($1, 'organization', '', 604800, date_trunc('week', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', 1)""",
        world.organization_id,
    )
    workflow = await world.workflow(email())
    [one] = await world.enroll(workflow)
    held_by = (await explained(world, workflow, one))["next_send"]["held_by"]
    assert [sentence.split(" at ")[0] for sentence in held_by][:2] == [
        "quiet hours end",
        "the cap of the organization of 1 mail per week is reached",
    ]


async def test_while_the_breaker_has_stopped_all_mail_nobody_can_tell(world: World) -> None:
    workflow = await world.workflow(email(), LOG)
    [one] = await world.enroll(workflow)
    await world.sql(
        """INSERT INTO sending_state (organization_id, breaker) VALUES ($1, 'stopped')
           ON CONFLICT (organization_id) DO UPDATE SET breaker = 'stopped'""",
        world.organization_id,
    )
    answer = await explained(world, workflow, one)
    assert answer["next_send"]["at"] is None
    assert "breaker" in answer["next_send"]["sentence"]
    assert [entry["step_id"] for entry in answer["next"]] == ["mail"], "what follows cannot be told"


async def test_a_mail_that_was_tried_before_has_its_place(world: World) -> None:
    await allow(world, caps={"contact": {"per_day": 1}})
    workflow = await world.workflow(email())
    [one] = await world.enroll(workflow)
    await world.drain()
    await world.sql("UPDATE enrollment SET status = 'active', current_step_index = 0, visit = 1 WHERE id = $1", one)
    assert (await explained(world, workflow, one))["next_send"]["held_by"] == []


async def test_a_run_without_a_coming_mail_has_no_next_send(world: World) -> None:
    workflow = await world.workflow(LOG)
    [one] = await world.enroll(workflow)
    assert (await explained(world, workflow, one))["next_send"] is None
