"""Small situations with one fault each: what a chaos run meets by chance, on purpose."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from drippulse.approvals import service as approvals
from drippulse.approvals.errors import ApprovalClosedError
from drippulse.approvals.schemas import Decision
from tests.chaos.evidence import Decided
from tests.chaos.lab import Lab, approval, crm, keyed, mail, pause, step
from tests.support.happenings import Wakes
from tests.support.smtp_sink import Behaviour

Scenario = Callable[[Lab], Awaitable[None]]

LOG = step("log", "log", message="on")
ACTIVE = "SELECT count(*) FROM enrollment WHERE status = 'active'"
WAITS_OR_ENDED = """
SELECT count(*) FROM enrollment WHERE step_id = 'w' AND attempt = 0 AND fence > 0 OR status <> 'active'
"""


async def eventually(holds: Callable[[], Awaitable[bool]], within: float = 30) -> bool:
    """Whether it came to that in time."""
    end = time.monotonic() + within
    while not await holds():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.05)
    return True


async def rested(lab: Lab, within: float | None = None) -> bool:
    """Whether nothing is under way any more."""

    async def none_active() -> bool:
        for organization_id in lab.organization_ids:
            async with lab.database.tenant(organization_id) as session:
                if await session.fetchval(ACTIVE):
                    return False
        return True

    return await eventually(none_active, lab.within if within is None else within)


async def plain(lab: Lab) -> None:
    """Every class of effect once, with a wait between, nothing going wrong."""
    steps = (step("start", "trigger"), mail("a"), pause("w", 0.3), lab.hook("h"), keyed("k"), LOG)
    await lab.enroll(await lab.workflow(*steps), 5)
    await lab.enroll(await lab.workflow(*steps, organization=1), 2, organization=1)
    await lab.fleet.start("worker-0")
    await rested(lab)


async def killed_after_a_call(lab: Lab) -> None:
    """The worker dies between an effect and its record; another takes over."""
    for effect in (mail("a"), lab.hook("h"), keyed("k")):
        await lab.enroll(await lab.workflow(effect, LOG))
        await lab.fleet.start("worker-0", DRIPPULSE_FAILPOINT="effect.after_call")
        assert await lab.fleet.died("worker-0", 30)
    await lab.fleet.start("worker-0")
    await rested(lab)


async def frozen_in_a_call(lab: Lab) -> None:
    """A worker stands still past its lease in the middle of a mail and wakes when another has gone on."""
    await lab.enroll(await lab.workflow(mail("a"), pause("w", 2), LOG))
    lab.sink.behaviour = Behaviour.TAKE_AND_WAIT
    await lab.fleet.start("worker-0", DRIPPULSE_SMTP_TIMEOUT_SECONDS="20")
    await eventually(_mailed(lab, 1))
    lab.fleet.freeze("worker-0")
    await lab.fleet.start("worker-1")
    await eventually(_waits(lab))
    lab.sink.behaviour = Behaviour.ACCEPT
    lab.sink.gate.set()
    lab.fleet.thaw("worker-0")
    await rested(lab)


async def two_at_once(lab: Lab) -> None:
    """A second worker comes while the first is in a long call."""
    await lab.enroll(await lab.workflow(mail("a"), LOG))
    lab.sink.behaviour = Behaviour.TAKE_AND_WAIT
    await lab.fleet.start("worker-0", DRIPPULSE_SMTP_TIMEOUT_SECONDS="20")
    await eventually(_mailed(lab, 1))
    await lab.fleet.start("worker-1")
    await asyncio.sleep(2.5)
    lab.sink.gate.set()
    await rested(lab)


async def unsubscribed(lab: Lab) -> None:
    """Somebody is put on the list during the wait before the second mail."""
    [token] = await lab.enroll(await lab.workflow(mail("a"), pause("w", 1.5), mail("b"), LOG))
    await lab.fleet.start("worker-0")
    await eventually(_waits(lab))
    await lab.suppress(token)
    await rested(lab)


async def long_wait(lab: Lab) -> None:
    """A wait of half an hour, and a moment in which nothing may happen."""
    await lab.enroll(await lab.workflow(pause("w", 1800), mail("a")))
    await lab.fleet.start("worker-0")
    await eventually(_waits(lab))
    await asyncio.sleep(1)


async def writing(lab: Lab) -> None:
    """Each way to write into the CRM."""
    writes = (crm("made", "create"), crm("kept", "upsert"), crm("noted", "add_activity"), crm("at", "update"))
    await lab.enroll(await lab.workflow(*writes, LOG), 2)
    await lab.fleet.start("worker-0")
    await rested(lab)


async def begun_by_an_event(lab: Lab) -> None:
    workflow_id = await lab.workflow(step("start", "trigger"), lab.hook("h"), LOG)
    token = await lab.tell("chaos.start", workflow_id)
    await lab.fleet.start("worker-0")
    await eventually(lambda: _hooked(lab, token), lab.within)
    await rested(lab)


async def decided_twice(lab: Lab) -> None:
    """Yes and then no, each by a client that believes what it is answered."""
    await lab.enroll(await lab.workflow(approval("ask", 30), LOG))
    await lab.fleet.start("worker-0")
    numbers: list[int] = []
    await eventually(lambda: _asked(lab, numbers))
    await lab.fleet.end("worker-0")
    for decision, status in (("approve", "approved"), ("reject", "rejected")):
        with contextlib.suppress(ApprovalClosedError):
            async with lab.database.tenant(lab.organization_ids[0]) as session:
                data = Decision.model_validate({"decision": decision})
                await approvals.decide(session, lab.somebody, Wakes(), numbers[0], data)
            lab.promises.decided.append(Decided(numbers[0], status))
    await lab.fleet.start("worker-0")
    await rested(lab)


async def _hooked(lab: Lab, token: str) -> bool:
    return any(arrival.token == token for arrival in lab.receiver.arrivals)


async def _asked(lab: Lab, numbers: list[int]) -> bool:
    """Whether an approval is open; its number."""
    async with lab.database.tenant(lab.organization_ids[0]) as session:
        numbers[:] = [row["id"] for row in await session.fetch("SELECT id FROM approval WHERE status = 'open'")]
    return bool(numbers)


def _mailed(lab: Lab, number: int) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        return len(lab.sink.ledger) >= number

    return holds


def _waits(lab: Lab) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        async with lab.database.tenant(lab.organization_ids[0]) as session:
            return bool(await session.fetchval(WAITS_OR_ENDED))

    return holds
