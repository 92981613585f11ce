"""Local steps: what they write is there exactly when the enrollment has moved on."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from drippulse.enrollments.claim import claim
from drippulse.enrollments.engine import Engine
from drippulse.enrollments.state import begin, walk_state
from drippulse.kit.db import Session
from drippulse.kit.errors import DomainError
from drippulse.workflows.steps.base import (
    Advance,
    Category,
    Decision,
    Guarantee,
    LocalStep,
    Prepared,
    Rehearsal,
    StepConfig,
    StepContext,
)
from drippulse.workflows.templates import Templates
from drippulse.workflows.walk import advance
from tests.conftest import MakeDatabase
from tests.support.world import World, email, make_world, step


class MarkConfig(StepConfig):
    then: str = "go on"


class MarkStep(LocalStep[MarkConfig]):
    """Writes an event; then goes on, refuses, or hands the database something that it refuses."""

    type: ClassVar[str] = "mark"
    label: ClassVar[str] = "Mark"
    category: ClassVar[Category] = Category.DATA
    description: ClassVar[str] = "Writes an event."
    guarantee: ClassVar[Guarantee] = Guarantee.EXACTLY_ONCE
    test_behaviour: ClassVar[str] = "Writes nothing."
    config_model = MarkConfig

    def prepare(self, config: MarkConfig, ctx: StepContext) -> Prepared | Decision:
        then = str(ctx.bag.get("then", config.then))
        return Prepared(request=then, summary={"then": then}, guarantee=self.guarantee)

    async def apply(self, prepared: Prepared, ctx: StepContext, session: Session) -> Decision:
        await session.execute(
            "INSERT INTO event (organization_id, type, record_type, record_id, actor_type) "
            "VALUES ($1, 'test.marked', 'enrollment', $2, 'workflow')",
            ctx.organization_id,
            str(ctx.enrollment_id),
        )
        if prepared.request == "refuse":
            raise DomainError("Not today.", code="not_today")
        if prepared.request == "bad data":
            await session.execute("SELECT $1::text::int", "no number")
        return Advance(output={"marked": True})

    def rehearse(self, prepared: Prepared, ctx: StepContext) -> Rehearsal:
        return Rehearsal(logs=("[test] Would mark",))


@pytest.fixture
async def world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("engine_local_steps")) as world:
        yield world
        await world.cancel_all()


async def marks(world: World, enrollment_id: int) -> int:
    [row] = await world.sql(
        "SELECT count(*) AS n FROM event WHERE type = 'test.marked' AND record_id = $1", str(enrollment_id)
    )
    return int(row["n"])


@asynccontextmanager
async def marking(world: World, workflow: int) -> AsyncGenerator[Engine]:
    """An engine for which the log steps of this workflow whose id starts with `mark` are `MarkStep`s."""
    async with world.engine() as engine:
        graphs = engine._graphs  # pyright: ignore[reportPrivateUsage] - step types are found in their folder alone
        graph = await graphs.get(world.organization_id, workflow, 1)
        assert graph is not None
        marks = [
            replace(node, step=MarkStep(), config=MarkConfig(), effect=True, local=True)
            if node.id.startswith("mark")
            else node
            for node in graph.nodes
        ]
        key = (world.organization_id, workflow, 1)
        graphs._graphs[key] = replace(graph, nodes=tuple(marks))  # pyright: ignore[reportPrivateUsage]
        yield engine


def mark(name: str = "mark") -> dict[str, Any]:
    return {**step("log", message="x"), "id": name}


async def test_a_local_step_writes_once_and_the_enrollment_goes_on(world: World) -> None:
    workflow = await world.workflow(mark(), step("log", message="on"))
    [one] = await world.enroll(workflow)
    async with marking(world, workflow) as engine:
        await engine.drain()
    assert await marks(world, one) == 1
    assert [status for _, status in await world.timeline(one)] == ["completed", "completed"]


async def test_what_a_failing_local_step_wrote_is_undone_and_nobody_else_loses_anything(world: World) -> None:
    workflow = await world.workflow(mark())
    people = [{"then": "go on"}, {"then": "refuse"}, {"then": "bad data"}, {"then": "go on"}]
    ids = await world.enroll(workflow, *people)
    async with marking(world, workflow) as engine:
        await engine.drain()
    assert [await marks(world, one) for one in ids] == [1, 0, 0, 1]
    assert [(await world.row(one))["status"] for one in ids] == ["completed", "failed", "failed", "completed"]
    assert (await world.error(ids[1]))["code"] == "not_today"
    assert (await world.error(ids[2]))["code"] == "data_refused"


async def test_local_steps_and_calls_follow_each_other(world: World) -> None:
    workflow = await world.workflow(mark(), email(), mark("mark again"), step("log", message="on"))
    [one] = await world.enroll(workflow)
    async with marking(world, workflow) as engine:
        await engine.drain()
    assert await marks(world, one) == 2
    assert len(world.sink.ledger) == 1
    assert [status for _, status in await world.timeline(one)] == ["completed"] * 4


async def test_a_worker_that_lost_the_enrollment_writes_nothing(world: World) -> None:
    """Its fence rises between the walk and the commit."""
    workflow = await world.workflow(mark())
    [one] = await world.enroll(workflow)
    async with marking(world, workflow) as engine:
        local = engine._local  # pyright: ignore[reportPrivateUsage] - the moment between walk and commit
        graph = await engine._graphs.get(world.organization_id, workflow, 1)  # pyright: ignore[reportPrivateUsage]
        assert graph is not None
        [held] = await claim(world.database, 10, 30)
        run = begin(held, graph, Templates(), 0)
        walk = advance(run.graph, walk_state(run), run.subject, held.now)
        await world.sql("UPDATE enrollment SET fence = fence + 1 WHERE id = $1", one)
        assert await local.settle([(run, walk)], held.now) == []
    assert await marks(world, one) == 0
    assert await world.timeline(one) == []
