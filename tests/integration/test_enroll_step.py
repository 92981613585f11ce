"""The enroll step through the engine: another workflow's run, exactly once for each visit."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import orjson
import pytest

from drippulse.kit.crypto import Vault
from drippulse.kit.db import Record, Role
from drippulse.workflows import service as workflows
from drippulse.workflows.errors import InvalidStepGraphError
from drippulse.workflows.schemas import WorkflowUpdate
from tests.conftest import MakeDatabase
from tests.support.world import World, make_world, step

ADA = {"email": "ada@example.com", "first_name": "Ada", "plan": "pro", "timezone": "Europe/Berlin"}


@pytest.fixture(scope="module")
async def world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("enroll_step")) as world:
        yield world


@pytest.fixture(autouse=True)
async def alone(world: World) -> None:
    await world.cancel_all()


async def runs_of(world: World, workflow: int) -> Sequence[Record]:
    return await world.sql("SELECT * FROM enrollment WHERE workflow_id = $1 ORDER BY id", workflow)


async def update(world: World, workflow: int, **changes: Any) -> None:
    async with world.database.tenant(world.organization_id) as session:
        data = WorkflowUpdate.model_validate(changes)
        await workflows.update_workflow(session, world.principal, Vault.of(world.settings), workflow, data)


async def test_the_contact_enters_the_other_workflow_with_all_of_its_data(world: World) -> None:
    target = await world.workflow(step("log", message="hello {{ first_name }}"))
    source = await world.workflow(step("enroll", workflow_id=target), step("log", message="after"))
    [parent] = await world.enroll(source, {**ADA, "lead_ref": "lead-1"})
    await world.drain()
    [child] = await runs_of(world, target)
    bag = orjson.loads(child["bag"])
    assert (child["status"], child["email"], child["lead_ref"]) == ("completed", "ada@example.com", "lead-1")
    assert (child["timezone"], bag["plan"]) == ("Europe/Berlin", "pro")
    assert child["origin"] == f"enroll:{parent}:1"
    enrolled = orjson.loads((await world.row(parent))["bag"])["enrolled"]
    assert enrolled == {"workflow_id": target, "enrollment_id": child["id"], "status": "enrolled", "reason": None}
    created = await world.sql(
        "SELECT actor_type, actor_id FROM event WHERE type = 'enrollment.created' AND record_id = $1", str(child["id"])
    )
    assert [tuple(row) for row in created] == [("workflow", source)]


async def test_a_contact_of_templates_is_rendered(world: World) -> None:
    target = await world.workflow(step("log", message="x"))
    contact = {"email": "boss@{{ company }}.com", "about": {"who": "{{ first_name }}"}, "score": 3}
    source = await world.workflow(step("enroll", workflow_id=target, contact=contact))
    await world.enroll(source, {"first_name": "Ada", "company": "acme", "timezone": "Asia/Tokyo"})
    await world.drain()
    [child] = await runs_of(world, target)
    assert (child["email"], child["timezone"]) == ("boss@acme.com", "Asia/Tokyo")
    bag = orjson.loads(child["bag"])
    assert (bag["about"], bag["score"], "company" in bag) == ({"who": "Ada"}, 3, False)


async def test_a_visit_that_runs_twice_enrolls_once(world: World) -> None:
    """As after a commit whose answer was lost: the step is applied again for the same visit."""
    target = await world.workflow(step("log", message="x"))
    source = await world.workflow(step("enroll", workflow_id=target), step("wait", duration=1, unit="days"))
    [parent] = await world.enroll(source, ADA)
    await world.drain()
    again = """UPDATE enrollment SET current_step_index = 0, step_id = 'enroll', visit = 1, next_run_at = now(),
        claimable_at = now() WHERE id = $1"""
    await world.sql(again, parent)
    await world.drain()
    assert len(await runs_of(world, target)) == 1
    assert (await world.row(parent))["step_id"] == "wait"


async def test_every_visit_enrolls_anew(world: World) -> None:
    target = await world.workflow(step("log", message="x"))
    source = await world.workflow(step("enroll", workflow_id=target), step("goto", step="enroll", max_visits=2))
    await world.enroll(source, ADA)
    await world.drain()
    assert len(await runs_of(world, target)) == 3


async def test_a_paused_target_holds_and_a_new_version_is_taken(world: World) -> None:
    target = await world.workflow(step("log", message="old"))
    await update(world, target, steps=[step("exit", reason="new version")], status="paused")
    source = await world.workflow(step("enroll", workflow_id=target))
    [parent] = await world.enroll(source, ADA)
    await world.drain()
    assert (await world.row(parent))["status"] == "completed"
    [child] = await runs_of(world, target)
    assert (child["status"], child["claimable_at"], child["workflow_version"]) == ("active", None, 2)
    await update(world, target, status="active")
    await world.drain()
    assert (await runs_of(world, target))[0]["exit_reason"] == "new version"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE workflow SET status = 'archived' WHERE id = $1", "workflow_archived"),
        ("UPDATE workflow SET deleted_at = now() WHERE id = $1", "workflow_not_found"),
    ],
)
async def test_a_target_that_takes_nobody_any_more_fails_the_step_and_writes_nothing(
    world: World, change: str, code: str
) -> None:
    target = await world.workflow(step("log", message="x"))
    source = await world.workflow(step("enroll", workflow_id=target))
    await world.sql(change, target)
    [parent] = await world.enroll(source, ADA)
    await world.drain()
    assert (await world.row(parent))["status"] == "failed"
    assert (await world.error(parent))["code"] == code
    assert not await runs_of(world, target)


async def test_runs_that_enroll_each_other_end_with_the_tenth(world: World) -> None:
    workflow = await world.workflow(step("log", message="x"))
    await update(world, workflow, steps=[step("enroll", workflow_id=workflow)])
    first = (
        "INSERT INTO enrollment (organization_id, workflow_id, workflow_version, step_id) VALUES ($1, $2, 2, 'enroll')"
    )
    await world.sql(first, world.organization_id, workflow)
    await world.drain()
    rows = await runs_of(world, workflow)
    assert [row["status"] for row in rows] == ["completed"] * 9 + ["failed"]
    assert (await world.error(rows[-1]["id"]))["code"] == "enroll_chain_too_long"


async def test_a_target_that_is_unknown_or_archived_is_refused_at_save(world: World) -> None:
    known = await world.workflow(step("log", message="x"))
    archived = await world.workflow(step("log", message="x"), status="archived")
    for target, problem in ((known + 1000, "does not exist"), (archived, "is archived")):
        with pytest.raises(InvalidStepGraphError) as caught:
            await world.workflow(step("log", message="first"), step("enroll", workflow_id=target))
        assert problem in caught.value.errors["steps.1.config.workflow_id"][0]


async def test_a_run_leads_to_a_thousand_others_at_most(world: World) -> None:
    """A workflow that enrolls itself twice would start 1,022 runs over the ten generations that a chain may have; 990
    of the thousand were before."""
    workflow = await world.workflow(step("log", message="x"))
    await update(
        world,
        workflow,
        steps=[{**step("enroll", workflow_id=workflow), "id": name} for name in ("one", "other")],
    )
    async with world.database.tenant(world.organization_id) as session:
        first = await session.fetchval(
            "INSERT INTO enrollment (organization_id, workflow_id, workflow_version, step_id) "
            "VALUES ($1, $2, 2, 'one') RETURNING id",
            world.organization_id,
            workflow,
        )
    async with world.database.session(Role.ENGINE) as session:
        await session.execute("INSERT INTO enroll_family VALUES ($1, $2, 990)", world.organization_id, first)
    await world.drain()
    runs = await runs_of(world, workflow)
    codes = {orjson.loads(run["last_error"])["code"] for run in runs if run["status"] == "failed"}
    assert len(runs) == 11
    assert "enroll_family_too_large" in codes
    assert not [run for run in runs if run["status"] == "active"]
