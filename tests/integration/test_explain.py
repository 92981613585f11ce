"""Explanations of runs in every situation, against what the engine really did."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Any

import pytest

from drippulse.enrollments.actions import Action
from drippulse.enrollments.control import Order, act_on_one
from drippulse.enrollments.explaining.schemas import ExplanationOut
from drippulse.enrollments.explaining.service import explain
from drippulse.kit.crypto import Vault
from drippulse.workflows import pausing, service
from drippulse.workflows.schemas import WorkflowUpdate
from drippulse.workflows.templates import Templates
from tests.conftest import MakeDatabase
from tests.support.smtp_sink import Behaviour
from tests.support.waiting import eventually
from tests.support.world import World, email, make_world, step

VIP = [{"field": "score", "operator": "gte", "value": 70}]


@pytest.fixture(scope="module")
async def made(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("explain")) as world:
        yield world


@pytest.fixture
async def world(made: World) -> World:
    await made.cancel_all()
    made.sink.behaviour = Behaviour.ACCEPT
    return made


async def explained(world: World, workflow: int, one: int) -> dict[str, Any]:
    """The answer, which fits its documented shape."""
    vault = Vault.of(world.settings)
    async with world.database.tenant(world.organization_id) as session:
        answer = await explain(session, world.principal, vault, Templates(), workflow, one)
    ExplanationOut.model_validate(answer)
    return answer


def upcoming(answer: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [(entry["step_id"], entry["what"], entry["sure"]) for entry in answer["next"]]


def hours_from_now(answer: dict[str, Any], place: int, member: str = "at") -> float:
    moment = datetime.fromisoformat(answer["next"][place][member])
    return (moment - datetime.now(moment.tzinfo)) / timedelta(hours=1)


async def test_why_here_with_the_values_that_the_conditions_saw(world: World) -> None:
    workflow = await world.workflow(
        {
            **step("branch", branches=[{"name": "hot", "conditions": VIP, "goto": "mail"}], default_goto="end"),
            "name": "Hot?",
        },
        email(),
        {**step("wait", duration=2, unit="hours"), "id": "pause", "name": "Rest"},
        {**step("log", message="x"), "id": "end"},
    )
    [one] = await world.enroll(workflow, {"email": "ada@x.org", "score": 85})
    await world.drain()
    await world.sql("UPDATE enrollment SET bag = bag || '{\"score\": 10}' WHERE id = $1", one)
    answer = await explained(world, workflow, one)
    assert [entry["logs"] for entry in answer["path"][:1]] == [["score (85) gte 70: yes", "Took branch hot"]]
    assert (answer["here"]["step_id"], answer["here"]["led_by"]["step_id"]) == ("pause", "mail")
    assert "step 3 (Rest)" in answer["here"]["sentence"]
    [received] = answer["received"]
    assert (received["to"], received["status"]) == ("ada@x.org", "sent")
    assert received["path"] == "Hot? (score (85) gte 70: yes; Took branch hot)"
    assert upcoming(answer) == [("pause", "completed", True), ("end", "completed", True)]
    assert 1.9 < hours_from_now(answer, 1) <= 2


async def test_a_condition_that_led_here_is_shown_with_todays_value_beside_what_it_saw(world: World) -> None:
    workflow = await world.workflow(step("filter", conditions=VIP), step("wait", duration=1, unit="hours"))
    [one] = await world.enroll(workflow, {"email": "ada@x.org", "score": 85})
    await world.drain()
    await world.sql("UPDATE enrollment SET bag = bag || '{\"score\": 10}' WHERE id = $1", one)
    led_by = (await explained(world, workflow, one))["here"]["led_by"]
    assert led_by["logs"] == ["score (85) gte 70: yes"]
    assert led_by["conditions"] == [{"field": "score", "operator": "gte", "value": 70, "actual": 10, "passed": False}]


async def test_what_is_decided_later_is_called_so(world: World) -> None:
    workflow = await world.workflow(
        step("wait", duration=1, unit="days"),
        step("filter", conditions=VIP),
        email(),
        {**step("wait", duration=3, unit="days"), "id": "w2"},
        step("log", message="bye"),
    )
    [one] = await world.enroll(workflow, {"email": "ada@x.org", "score": 85})
    await world.drain()
    answer = await explained(world, workflow, one)
    assert upcoming(answer) == [
        ("wait", "completed", True),
        ("filter", "completed", False),
        ("mail", "act", True),
        ("w2", "completed", True),
        ("log", "completed", True),
    ]
    assert "today it would go like this" in answer["next"][1]["note"]
    assert "Would" in answer["next"][2]["logs"][0]
    assert 23.9 < hours_from_now(answer, 2) <= 24
    assert 95.9 < hours_from_now(answer, 4) <= 96
    assert "It waits for its time, until" in answer["waiting"]["sentence"]


async def test_what_depends_on_somebody_ends_the_forecast(world: World) -> None:
    last = {**step("log", message="y"), "id": "last"}
    workflow = await world.workflow(step("log", message="x"), step("approval", message="ok?"), last)
    [one] = await world.enroll(workflow)
    before = await explained(world, workflow, one)
    assert upcoming(before) == [("log", "completed", True), ("approval", "wait", False)]
    assert "due" in before["waiting"]["sentence"]
    await world.drain()
    answer = await explained(world, workflow, one)
    assert upcoming(answer) == [("approval", "wait", False)]
    assert answer["waiting"]["reason"] == "approval"
    assert "no time limit" in answer["waiting"]["sentence"]


async def test_holds_name_the_call_that_lifts_them(world: World) -> None:
    workflow = await world.workflow(email())
    [one] = await world.enroll(workflow)
    async with world.database.tenant(world.organization_id) as session:
        await pausing.pause_step(session, world.principal, workflow, "mail")
        await act_on_one(session, world.principal, workflow, one, Order(Action.PAUSE))
    waiting = (await explained(world, workflow, one))["waiting"]
    assert waiting["reason"] == "paused"
    assert [hold["lifted_by"] for hold in waiting["holds"]] == [
        f"POST …/enrollments/{one}/resume",
        f"POST /workflows/{workflow}/steps/mail/resume",
    ]
    assert waiting["sentence"] == "This run is paused. The step it stands on is paused."


async def test_why_not_sent(world: World) -> None:
    await world.sql(
        "INSERT INTO suppression (organization_id, email, reason) VALUES ($1, 'no@x.org', 'unsubscribe')",
        world.organization_id,
    )
    workflow = await world.workflow(email())
    [one] = await world.enroll(workflow, {"email": "no@x.org"})
    await world.drain()
    answer = await explained(world, workflow, one)
    [entry] = answer["not_sent"]
    assert "suppression list" in entry["why"]
    assert "completed" in answer["waiting"]["sentence"]
    assert answer["here"]["sentence"].startswith("It ended on step 1 (Mail)")
    assert (answer["next"], answer["exit_reason"]) == ([], "end_of_steps")


async def test_a_mail_that_the_sending_policy_puts_off_is_told_so(world: World) -> None:
    """A cap may put it off again, so the time is when it is looked at and not when it goes."""
    await world.sql(
        """UPDATE organization SET sending = '{"caps": {"contact": {"per_day": 1}}}' WHERE id = $1""",
        world.organization_id,
    )
    try:
        workflow = await world.workflow(email(), {**email(), "id": "again"})
        [one] = await world.enroll(workflow, {"email": "capped@x.org"})
        await world.drain()
        answer = await explained(world, workflow, one)
    finally:
        await world.sql("UPDATE organization SET sending = '{}' WHERE id = $1", world.organization_id)
    assert answer["waiting"]["reason"] == "cap:contact"
    assert "the cap of mails to one contact" in answer["waiting"]["sentence"]
    assert "looked at again at" in answer["waiting"]["sentence"]
    assert upcoming(answer) == [("again", "act", False)]


async def test_a_retry_shows_its_error_and_its_time(world: World) -> None:
    world.sink.behaviour = Behaviour.REFUSE_TEMPORARILY
    workflow = await world.workflow(email())
    [one] = await world.enroll(workflow)
    async with world.engine(step_retry_base_seconds=600) as engine:
        await engine.drain()
    answer = await explained(world, workflow, one)
    assert answer["waiting"]["reason"] == "retry"
    assert "Attempt 1 failed" in answer["waiting"]["sentence"]
    assert ". The next attempt is at" in answer["waiting"]["sentence"]
    assert [entry["step_id"] for entry in answer["next"]] == ["mail"]
    assert 0.1 < hours_from_now(answer, 0, "until") < 0.2


async def test_a_failed_run_says_how_to_go_on(world: World) -> None:
    world.sink.behaviour = Behaviour.REFUSE_RECIPIENT
    workflow = await world.workflow(email())
    [one] = await world.enroll(workflow)
    await world.drain()
    answer = await explained(world, workflow, one)
    assert answer["status"] == "failed"
    assert f"POST …/enrollments/{one}/retry" in answer["waiting"]["sentence"]


async def test_a_call_in_flight_and_its_lease(world: World) -> None:
    world.sink.behaviour, world.sink.gate = Behaviour.TAKE_AND_WAIT, asyncio.Event()
    workflow = await world.workflow(email())
    [one] = await world.enroll(workflow)
    before = len(world.sink.ledger)
    async with world.engine(smtp_timeout_seconds=20) as engine:
        task = asyncio.create_task(engine.drain())
        await eventually(lambda: len(world.sink.ledger) > before)
        answer = await explained(world, workflow, one)
        world.sink.gate.set()
        await task
    assert answer["lease"]["held"]
    assert answer["lease"]["call_begun_at"]
    assert "A worker is at it" in answer["waiting"]["sentence"]


async def test_the_pinned_version_beside_the_newest(world: World) -> None:
    workflow = await world.workflow(step("wait", duration=1, unit="hours"))
    [one] = await world.enroll(workflow)
    update = WorkflowUpdate.model_validate({"steps": [step("log", message="x")]})
    async with world.database.tenant(world.organization_id) as session:
        await service.update_workflow(session, world.principal, Vault.of(world.settings), workflow, update)
    version = (await explained(world, workflow, one))["version"]
    assert (version["pinned"], version["newest"], version["moves"]) == (1, 2, [])
    assert "stays on its own" in version["sentence"]


async def test_credentials_in_a_url_are_in_no_timeline_and_no_forecast(world: World) -> None:
    """Whether they stand in the step or come out of the contact's data."""
    url = "https://{{ vars.host }}/a?n=1&api_key=canary-1&token={{ vars.t }}"
    shown = "https://10.0.0.1/a?n=1&api_key=********&token=********"
    workflow = await world.workflow(step("webhook_callback", url=url))
    [one] = await world.enroll(workflow, {"email": "ada@x.org", "vars": {"t": "canary-2", "host": "10.0.0.1"}})
    before = await explained(world, workflow, one)
    assert shown in before["next"][0]["logs"][0]
    await world.work_until_rest(one)
    entries = await world.sql("SELECT input, output, error FROM enrollment_step WHERE enrollment_id = $1", one)
    assert shown in (entries[-1]["input"] or "")
    texts = [str(before), str(await explained(world, workflow, one)), *(str(dict(entry)) for entry in entries)]
    assert [text for text in texts if "canary" in text] == []
