"""Approvals through the engine: asked once, decided once, and where a run goes then."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import orjson
import pytest

from drippulse.approvals import queries, service
from drippulse.approvals.errors import ApprovalClosedError, OwnRequestError
from drippulse.approvals.schemas import Decision
from drippulse.kit.errors import ForbiddenError
from drippulse.kit.filters import Filter, Kind, Operator
from drippulse.kit.pagination import ListRequest, page_request
from drippulse.organizations.policy import Principal
from drippulse.organizations.tables import MemberRole
from tests.conftest import MakeDatabase
from tests.support.world import World, make_world, step

BACK = """UPDATE enrollment SET step_entered_at = step_entered_at - interval '2 hours', next_run_at = now(),
claimable_at = now() WHERE id = $1"""


class NoWaker:
    async def wake(self) -> None: ...


@pytest.fixture(scope="module")
async def world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("approvals")) as world:
        yield world


@pytest.fixture(autouse=True)
async def alone(world: World) -> None:
    await world.cancel_all()


def approver(world: World, number: int = 7, role: MemberRole = MemberRole.APPROVER) -> Principal:
    return Principal(world.organization_id, role, "user", number, f"session:{number}")


OTHER = {"id": "other", "type": "exit", "config": {"reason": "elsewhere"}}
SPLIT = {"variants": [{"id": "a"}, {"id": "b", "weight": 0, "goto": "other"}]}
"""Keeps the other exit reachable, and nobody goes there."""


async def asked(world: World, **config: Any) -> tuple[int, int]:
    """(enrollment, approval) of a run that waits on an approval, with another exit to go to."""
    workflow = await world.workflow(
        step("approval", message="Take {{ first_name }}?", **config),
        step("log", message="went on"),
        step("ab_test", **SPLIT),
        step("exit", reason="done"),
        OTHER,
    )
    [enrollment] = await world.enroll(workflow)
    await world.drain()
    [row] = await world.sql("SELECT id FROM approval WHERE enrollment_id = $1", enrollment)
    return enrollment, int(row["id"])


async def end(world: World, enrollment: int) -> tuple[str, str | None, list[str]]:
    """(status, exit reason, types of the steps in the timeline), once nothing is due."""
    await world.drain()
    row = await world.row(enrollment)
    return row["status"], row["exit_reason"], [kind for kind, _ in await world.timeline(enrollment)]


async def decide(world: World, approval: int, decision: str = "approve", **changes: Any) -> dict[str, Any]:
    by = changes.pop("by", None) or approver(world)
    data = Decision.model_validate({"decision": decision, **changes})
    async with world.database.tenant(world.organization_id) as session:
        return await service.decide(session, by, NoWaker(), approval, data)


async def status(world: World, approval: int) -> str:
    async with world.database.tenant(world.organization_id) as session:
        return (await service.get_approval(session, approver(world), approval))["status"]


async def events(world: World, kind: str, approval: int) -> list[dict[str, Any]]:
    rows = await world.sql("SELECT data FROM event WHERE type = $1 AND record_id = $2", kind, str(approval))
    return [orjson.loads(row["data"]) for row in rows]


WENT_ON = ["approval", "log", "ab_test", "exit"]


async def test_a_run_waits_with_an_open_approval_until_it_is_decided(world: World) -> None:
    enrollment, approval = await asked(world)
    row = await world.row(enrollment)
    assert (row["status"], row["wait_reason"], row["next_run_at"]) == ("active", "approval", None)
    assert await world.drain() == 0
    [asked_for] = await events(world, "approval.requested", approval)
    assert (asked_for["message"], asked_for["role"]) == ("Take Ada?", "Approver")
    await decide(world, approval, note="fits", output={"owner": "grace"})
    assert await end(world, enrollment) == ("completed", "done", WENT_ON)
    bag = orjson.loads((await world.row(enrollment))["bag"])
    assert (bag["owner"], bag["approval"]["decision"], bag["approval"]["note"]) == ("grace", "approved", "fits")
    assert bag["approval"]["decided_by"] == {"type": "user", "id": 7}
    assert len(await events(world, "approval.decided", approval)) == 1


@pytest.mark.parametrize(
    ("on_reject", "expected"),
    [
        ({}, ("completed", "approval_rejected", ["approval"])),
        ({"on_reject": "continue"}, ("completed", "done", WENT_ON)),
        ({"on_reject": "other"}, ("completed", "elsewhere", ["approval", "exit"])),
    ],
)
async def test_a_no_goes_where_the_step_says(world: World, on_reject: dict[str, str], expected: Any) -> None:
    enrollment, approval = await asked(world, **on_reject)
    await decide(world, approval, "reject")
    assert await end(world, enrollment) == expected
    assert orjson.loads((await world.row(enrollment))["bag"])["approval"]["decision"] == "rejected"


@pytest.mark.parametrize(
    ("on_timeout", "expected"),
    [
        ({}, ("completed", "approval_timeout", ["approval"])),
        ({"on_timeout": "continue"}, ("completed", "done", WENT_ON)),
        ({"on_timeout": "other"}, ("completed", "elsewhere", ["approval", "exit"])),
    ],
)
async def test_the_end_of_the_time_closes_the_approval_and_goes_where_the_step_says(
    world: World, on_timeout: dict[str, str], expected: Any
) -> None:
    enrollment, approval = await asked(world, timeout={"duration": 1, "unit": "hour"}, **on_timeout)
    assert await world.drain() == 0
    await world.sql(BACK, enrollment)
    assert await end(world, enrollment) == expected
    assert await status(world, approval) == "expired"
    with pytest.raises(ApprovalClosedError, match="time has run out"):
        await decide(world, approval)


async def test_two_decisions_at_once_leave_one(world: World) -> None:
    enrollment, approval = await asked(world)
    choices = ("approve", "reject") * 4
    answers = await asyncio.gather(*(decide(world, approval, one) for one in choices), return_exceptions=True)
    made = [one for one in answers if isinstance(one, dict)]
    assert len(made) == 1
    assert all(isinstance(one, ApprovalClosedError) for one in answers if one not in made)
    assert len(await events(world, "approval.decided", approval)) == 1
    await world.drain()
    bag = orjson.loads((await world.row(enrollment))["bag"])
    assert bag["approval"]["decision"] == made[0]["status"] == await status(world, approval)


async def test_a_decision_after_the_time_is_refused_although_nobody_has_looked_yet(world: World) -> None:
    enrollment, approval = await asked(world, timeout={"duration": 1, "unit": "hour"})
    await world.sql("UPDATE approval SET due_at = now() - interval '1 second' WHERE id = $1", approval)
    await world.sql("UPDATE enrollment SET next_run_at = now() - interval '1 second' WHERE id = $1", enrollment)
    before = await world.row(enrollment)
    with pytest.raises(ApprovalClosedError):
        await decide(world, approval)
    assert dict(await world.row(enrollment)) == dict(before)


@pytest.mark.parametrize(
    "ending",
    [
        "UPDATE enrollment SET status = 'cancelled', claimable_at = NULL WHERE id = $1",
        "UPDATE enrollment SET status = 'cancelled', deleted_at = now() WHERE id = $1",
        "UPDATE enrollment SET visit = visit + 1 WHERE id = $1",
    ],
)
async def test_an_approval_of_a_run_that_ended_or_left_is_cancelled_and_not_decided(world: World, ending: str) -> None:
    enrollment, approval = await asked(world)
    await world.sql(ending, enrollment)
    assert await status(world, approval) == "cancelled"
    assert approval not in await listed(world, "open")
    assert approval in await listed(world, "cancelled")
    with pytest.raises(ApprovalClosedError, match="ended or gone on"):
        await decide(world, approval)
    await queries.tidy(world.database)
    [row] = await world.sql("SELECT status FROM approval WHERE id = $1", approval)
    assert row["status"] == "cancelled"


async def listed(world: World, wanted: str) -> list[int]:
    async with world.database.tenant(world.organization_id) as session:
        of_status = Filter("status", Kind.TEXT, Operator.EQ, (wanted,))
        request = ListRequest(page_request(None, None, None, sorts=queries.SORTS), filters=(of_status,))
        answer = await service.list_approvals(session, approver(world), request)
    assert answer["total_count"] == len(answer["approvals"])
    return [row["id"] for row in answer["approvals"]]


async def test_tidying_up_leaves_open_approvals_of_waiting_runs(world: World) -> None:
    _, approval = await asked(world)
    await queries.tidy(world.database)
    assert approval in await listed(world, "open")


async def test_a_decision_on_a_held_run_is_kept_until_it_goes_on(world: World) -> None:
    enrollment, approval = await asked(world, timeout={"duration": 1, "unit": "hour"})
    await world.sql("UPDATE enrollment SET holds = 4, claimable_at = NULL, held_at = now() WHERE id = $1", enrollment)
    await world.sql("UPDATE approval SET due_at = now() - interval '1 day' WHERE id = $1", approval)
    assert (await decide(world, approval))["held"] is True
    assert await world.drain() == 0
    assert (await world.row(enrollment))["claimable_at"] is None
    resume = "UPDATE enrollment SET holds = 0, claimable_at = next_run_at, signal = $2 WHERE id = $1"
    await world.sql(resume, enrollment, '{"skip_sends": "stale"}')
    assert await end(world, enrollment) == ("completed", "done", WENT_ON)


async def test_the_roles_decide_that_the_step_names(world: World) -> None:
    _, approval = await asked(world, role="Admin")
    with pytest.raises(ForbiddenError, match="needs Admin"):
        await decide(world, approval)
    assert (await decide(world, approval, by=approver(world, 8, MemberRole.ADMIN)))["status"] == "approved"


async def created_by(world: World, enrollment: int, kind: str, number: int | None) -> None:
    await world.sql(
        "INSERT INTO event (organization_id, type, record_type, record_id, actor_type, actor_id) "
        "VALUES ($1, 'enrollment.created', 'enrollment', $2, $3, $4)",
        world.organization_id,
        str(enrollment),
        kind,
        number,
    )


@pytest.mark.parametrize("requester", ["user", "key of the user", "run of the user"])
async def test_nobody_decides_about_whom_they_enrolled(world: World, requester: str) -> None:
    workflow = await world.workflow(step("approval"))
    [enrollment, parent] = await world.enroll(workflow, {"email": "a@b.com"}, {"email": "parent@b.com"})
    if requester == "user":
        await created_by(world, enrollment, "user", 7)
    elif requester == "key of the user":
        [key] = await world.sql(
            "INSERT INTO api_key (organization_id, name, key_hash, key_prefix, last_four, role, created_by) "
            "VALUES ($1, 'k', gen_random_uuid()::text, 'a', 'b', 'Admin', 7) RETURNING id",
            world.organization_id,
        )
        await created_by(world, enrollment, "api_key", key["id"])
    else:
        await world.sql("UPDATE enrollment SET origin = $2 WHERE id = $1", enrollment, f"enroll:{parent}:1")
        await created_by(world, enrollment, "workflow", workflow)
        await created_by(world, parent, "user", 7)
    await world.drain()
    [row] = await world.sql("SELECT id FROM approval WHERE enrollment_id = $1", enrollment)
    with pytest.raises(OwnRequestError):
        await decide(world, row["id"])
    assert await status(world, row["id"]) == "open"
    assert (await decide(world, row["id"], by=approver(world, 8)))["status"] == "approved"


async def test_a_run_that_is_asked_again_asks_nobody_again(world: World) -> None:
    workflow = await world.workflow(step("approval"))
    [enrollment] = await world.enroll(workflow)
    await world.drain()
    await world.sql("UPDATE enrollment SET next_run_at = now(), claimable_at = now() WHERE id = $1", enrollment)
    await world.drain()
    rows = await world.sql("SELECT id, status FROM approval WHERE enrollment_id = $1", enrollment)
    assert [row["status"] for row in rows] == ["open"]
    assert len(await events(world, "approval.requested", rows[0]["id"])) == 1
