"""The simulation and the engine do the same: made-up workflows, run by both, contact by contact."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from drippulse.workflows.errors import InvalidStepGraphError
from drippulse.workflows.graph import compile_graph
from drippulse.workflows.simulation.job import Job, JobContacts
from tests.conftest import MakeDatabase
from tests.support.simulation import MONDAY, job_of, recorded
from tests.support.world import World, make_world

WORKFLOWS = 20
LATE = timedelta(seconds=20)
SOON = timedelta(seconds=1)
BY_THE_SERVER = ("response",)
"""What a real call leaves behind and a rehearsed one does not."""
PEOPLE: list[dict[str, Any]] = [
    {"email": "ada@example.com", "first_name": "Ada", "score": 90, "plan": "pro"},
    {"email": "bob@example.com", "score": 10, "plan": "free", "timezone": "Asia/Kathmandu"},
    {"email": "listed@example.com", "first_name": "Cy", "score": 50, "plan": "pro"},
    {"email": "no address", "score": "many", "plan": None, "timezone": "America/New_York"},
    {"lead_ref": "crm-7", "first_name": "Eve", "score": 0, "deal": {"size": 3}},
]
LISTED = "listed@example.com"
RICH = [{"field": "score", "operator": "gt", "value": 40}]
MAIL = {"subject": "Hi {{ first_name }}", "body": "{{ score | plus: 1 }} {{ nobody }}"}
ANY_STEP: list[dict[str, Any]] = [
    {"type": "wait", "config": {"duration": 0.15, "unit": "seconds"}},
    {"type": "wait", "config": {"duration": 0.05, "unit": "seconds", "jitter_minutes": 0}},
    {"type": "wait_until", "config": {"date_field": "since"}},
    {"type": "wait_until", "config": {"at": "2001-01-01"}},
    {"type": "filter", "config": {"conditions": RICH}},
    {"type": "set_fields", "config": {"fields": {"score": "{{ score | plus: 30 }}", "note": "{{ first_name }}"}}},
    {"type": "score", "config": {"rules": [{"conditions": RICH, "points": 7}], "output_key": "fit"}},
    {"type": "log", "config": {"message": "{{ contact.name }} {{ plan }}"}},
    {"type": "email", "config": MAIL},
    {"type": "email", "config": {**MAIL, "to": "{{ plan }}@example.org"}},
    {"type": "email", "config": {**MAIL, "from": "{{ plan }}"}},
    {"type": "exit", "config": {"reason": "enough"}},
    {"type": "trigger", "config": {}},
]
JUMPS = ("branch", "ab_test", "goto")


def _jump(kind: str, target: str) -> dict[str, Any]:
    if kind == "branch":
        return {"type": kind, "config": {"branches": [{"conditions": RICH, "goto": target}]}}
    if kind == "goto":
        return {"type": kind, "config": {"step": target, "max_visits": 2}}
    return {"type": kind, "config": {"variants": [{"id": "a", "goto": target}, {"id": "b", "weight": 2}]}}


@st.composite
def definitions(draw: st.DrawFn) -> list[dict[str, Any]]:
    size = draw(st.integers(2, 8))
    ids = [f"s{place}" for place in range(size)]
    steps: list[dict[str, Any]] = []
    for name in ids:
        jump = draw(st.sampled_from(["", "", *JUMPS]))
        chosen = _jump(jump, draw(st.sampled_from(ids))) if jump else draw(st.sampled_from(ANY_STEP))
        steps.append({**chosen, "id": name, "name": name})
    return steps


def _made_up() -> list[list[dict[str, Any]]]:
    """The same definitions in every run, all of which compile."""
    found: list[list[dict[str, Any]]] = []

    @hypothesis_settings(
        max_examples=400,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(definitions())
    def collect(steps: list[dict[str, Any]]) -> None:
        try:
            compile_graph(steps)
        except InvalidStepGraphError:
            return
        if len(steps) > 3 and len(found) < WORKFLOWS and _soon_over(steps):
            found.append(steps)

    collect()
    return found


def _soon_over(steps: list[dict[str, Any]]) -> bool:
    """Whether nobody goes round in it for long; it is run in real time."""
    recorder, run = recorded(job_of(steps, PEOPLE, until=MONDAY + SOON))
    return len(recorder.ends) == len(run.people)


@dataclass(frozen=True)
class Lived:
    """What became of one contact. `ended` is (status, reason or error code)."""

    visits: list[tuple[str, str]]
    ended: tuple[str, str]
    bag: dict[str, Any]


@dataclass(frozen=True)
class Both:
    """One workflow over the same contacts, by the engine and by the simulation; `spans` of the engine's visits."""

    engine: list[Lived]
    simulation: list[Lived]
    engine_spans: list[list[timedelta]]
    simulated_spans: list[list[timedelta]]


def _comparable(bag: dict[str, Any]) -> dict[str, Any]:
    """Without what a server answered, and without instants of the real clock."""
    kept = {name: value for name, value in bag.items() if name not in BY_THE_SERVER}
    if "wait_until" in kept:
        kept["wait_until"] = kept["wait_until"]["already_past"]
    return kept


async def _by_engine(world: World, ids: list[int]) -> tuple[list[Lived], list[list[timedelta]]]:
    lived: list[Lived] = []
    spans: list[list[timedelta]] = []
    for enrollment_id in ids:
        row = await world.row(enrollment_id)
        steps = await world.sql(
            "SELECT step_id, status, started_at, finished_at FROM enrollment_step WHERE enrollment_id = $1 ORDER BY id",
            enrollment_id,
        )
        reason = row["exit_reason"] or (await world.error(enrollment_id)).get("code", "")
        visits = [(step["step_id"], step["status"]) for step in steps]
        lived.append(Lived(visits, (row["status"], reason), _comparable(orjson.loads(row["bag"]))))
        spans.append([step["finished_at"] - (step["started_at"] or step["finished_at"]) for step in steps])
    return lived, spans


def _by_simulation(job: Job) -> tuple[list[Lived], list[list[timedelta]]]:
    recorder, run = recorded(job)
    lived: list[Lived] = []
    for number, person in sorted(run.people.items()):
        end = recorder.ends[number]
        ended = (end.stop.value, end.code or end.reason)
        lived.append(Lived(recorder.visits[number], ended, _comparable(person.state.bag)))
    spans = [[ended - began for began, ended in recorder.spans[number]] for number in sorted(run.people)]
    return lived, spans


@pytest.fixture(scope="module")
async def world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("simulation_engine")) as made:
        await made.sql(
            "INSERT INTO suppression (organization_id, email, reason) VALUES ($1, $2, 'manual')",
            made.organization_id,
            LISTED,
        )
        yield made


@pytest.fixture(scope="module")
async def lived(world: World) -> list[Both]:
    made = [(steps, await world.workflow(*steps)) for steps in _made_up()]
    enrolled = {workflow: await world.enroll(workflow, *PEOPLE) for _, workflow in made}

    async def all_rest() -> bool:
        return not await world.sql("SELECT FROM enrollment WHERE claimable_at IS NOT NULL LIMIT 1")

    await world.work_until(all_rest)
    return [await _both(world, steps, workflow, enrolled[workflow]) for steps, workflow in made]


async def _both(world: World, steps: list[dict[str, Any]], workflow: int, ids: list[int]) -> Both:
    engine, engine_spans = await _by_engine(world, ids)
    simulation, simulated_spans = _by_simulation(_job(world, steps, workflow, ids))
    return Both(engine, simulation, engine_spans, simulated_spans)


def _job(world: World, steps: list[dict[str, Any]], workflow: int, ids: list[int], **changes: Any) -> Job:
    contacts = JobContacts(
        enrollment_ids=ids,
        timezones=[person.get("timezone", "UTC") for person in PEOPLE],
        bags=[orjson.dumps(person).decode() for person in PEOPLE],
    )
    given: dict[str, Any] = {
        "organization_id": world.organization_id,
        "workflow_id": workflow,
        "suppressed": [LISTED],
        "start_at": datetime.fromisoformat("2026-11-23T09:00:00Z"),
        **changes,
    }
    return job_of(steps, PEOPLE, **given).model_copy(update={"contacts": contacts})


def test_every_contact_goes_the_same_way_to_the_same_end(lived: list[Both]) -> None:
    assert len(lived) == WORKFLOWS
    for both in lived:
        assert both.simulation == both.engine
    ends = {contact.ended for both in lived for contact in both.engine}
    assert {"completed", "failed"} == {status for status, _ in ends}, "the made-up workflows show too little"


def test_the_engine_takes_as_long_and_is_never_early(lived: list[Both]) -> None:
    for both in lived:
        for real, simulated in zip(both.engine_spans, both.simulated_spans, strict=True):
            pairs = list(zip(real, simulated, strict=True))
            assert all(planned <= spent + timedelta(milliseconds=1) < planned + LATE for spent, planned in pairs)
    assert any(span for both in lived for spans in both.simulated_spans for span in spans), "nobody ever waited"


async def test_a_simulation_of_something_else_is_told_apart(world: World) -> None:
    """The comparison above can fail: another definition, other ids and a missing suppression all show."""
    steps = [
        {"id": "mail", "type": "email", "config": MAIL},
        {"id": "split", "type": "ab_test", "config": {"variants": [{"id": "a"}, {"id": "b", "weight": 3}]}},
        {"id": "rich", "type": "filter", "config": {"conditions": RICH}},
        {"id": "end", "type": "log", "config": {"message": "x"}},
    ]
    workflow = await world.workflow(*steps)
    ids = await world.enroll(workflow, *PEOPLE)
    await world.drain()
    engine, _ = await _by_engine(world, ids)
    assert _by_simulation(_job(world, steps, workflow, ids))[0] == engine
    others = [
        _job(world, steps[:2] + steps[3:], workflow, ids),
        _job(world, steps, workflow, ids, suppressed=[]),
        *(_job(world, steps, workflow + more, ids) for more in range(1, 4)),
    ]
    assert any(_by_simulation(job)[0] != engine for job in others[2:])
    assert all(_by_simulation(job)[0] != engine for job in others[:2])
