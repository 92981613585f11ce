"""What people do in the demo once workers have moved the runs on: book calls, approve, pause, cancel."""

import asyncio
from typing import Any

from drippulse.approvals import service as approvals
from drippulse.approvals.schemas import Decision
from drippulse.enrollments import service as enrollments
from drippulse.enrollments.actions import Action
from drippulse.enrollments.control import Order, act_on_one
from drippulse.enrollments.queries import Filters
from drippulse.enrollments.wake import Waker
from drippulse.events import intake
from drippulse.events.schemas import EventIn
from drippulse.kit.db import Database
from drippulse.kit.pagination import ListRequest, PageRequest
from drippulse.organizations.tables import MemberRole
from drippulse_server.demo.contents import Contents
from drippulse_server.demo.seeding import Seeded
from drippulse_server.demo.workflows import BOOKED, CALL_BOOKED, CANCELLED, PAUSED, WORKFLOWS

POLL_SECONDS = 0.2
EVERYTHING = PageRequest(limit=200)

# Runs that workers have to move on right now, or are moving on; those that are held are not among them.
DUE = """SELECT count(*) FROM enrollment e
WHERE e.organization_id = $1 AND e.status = 'active' AND e.holds = 0 AND e.next_run_at <= now()"""
STATES = """SELECT e.status, count(*) AS runs FROM enrollment e WHERE e.organization_id = $1 AND e.deleted_at IS NULL
GROUP BY e.status ORDER BY e.status"""


async def settled(database: Database, organization_id: int, seconds: float) -> bool:
    """Whether workers have moved every run as far as it goes, within so many seconds."""
    end = asyncio.get_running_loop().time() + seconds
    while True:
        async with database.tenant(organization_id) as session:
            if not await session.fetchval(DUE, organization_id):
                return True
        if asyncio.get_running_loop().time() >= end:
            return False
        await asyncio.sleep(POLL_SECONDS)


async def live(database: Database, waker: Waker, seeded: Seeded, contents: Contents) -> None:
    """Calls are booked, one large team is approved and one rejected, an operator pauses and cancels some."""
    admin, approver = seeded.principal(MemberRole.ADMIN), seeded.principal(MemberRole.APPROVER)
    trial = next(one for one in WORKFLOWS if one.name == "Trial until the call")
    async with database.tenant(seeded.organization_id) as session:
        for place in list(trial.people)[:BOOKED]:
            event = EventIn.model_validate({"type": CALL_BOOKED, "email": contents.contacts[place]["email"]})
            await intake.receive(session, admin, waker, event)
        waiting = (await approvals.list_approvals(session, approver, ListRequest(EVERYTHING)))["approvals"]
        for approval, decision in zip(waiting, ("approve", "reject"), strict=False):
            data = Decision.model_validate({"decision": decision, "note": "From the demo."})
            await approvals.decide(session, approver, waker, approval["id"], data)
        welcome = seeded.workflows["Welcome series"]
        runs = await enrollments.list_enrollments(session, admin, welcome, Filters(status="active"), EVERYTHING)
        for place, run in enumerate(runs["enrollments"][: PAUSED + CANCELLED]):
            order = Order(Action.PAUSE if place < PAUSED else Action.CANCEL)
            await act_on_one(session, admin, welcome, run["id"], order)


async def states(database: Database, organization_id: int) -> dict[str, int]:
    """Status -> runs."""
    async with database.tenant(organization_id) as session:
        rows: list[Any] = await session.fetch(STATES, organization_id)
    return {row["status"]: row["runs"] for row in rows}
