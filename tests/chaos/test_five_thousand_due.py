"""One organization has thousands due at once: they drain, and another's single timer does not wait for them."""

import asyncio
import time

from tests.chaos.checks import violations
from tests.chaos.conftest import Labs
from tests.chaos.lab import Lab, step
from tests.chaos.scenarios import eventually, rested

MANY = 5000
SMALL_WITHIN_SECONDS = 5.0


async def test_a_small_tenants_timer_does_not_wait_for_a_big_tenants_backlog(labs: Labs) -> None:
    async with labs("five_thousand") as lab:
        big = await lab.workflow(step("start", "trigger"), step("log", "log", message="x"))
        await lab.enroll(big, MANY)
        small = await lab.workflow(step("log", "log", message="x"), organization=1)
        await lab.fleet.start("worker-0")
        await eventually(lambda: _ended(lab, 0, 200))
        await lab.enroll(small, organization=1)
        began = time.monotonic()
        assert await eventually(lambda: _ended(lab, 1, 1), SMALL_WITHIN_SECONDS)
        took = time.monotonic() - began
        assert await rested(lab, 60)
        evidence = await lab.evidence(patience=10)
    assert took < SMALL_WITHIN_SECONDS
    assert await asyncio.to_thread(lambda: list(violations(evidence))) == []
    assert {row.status for row in evidence.snapshot.enrollments} == {"completed"}


async def _ended(lab: Lab, organization: int, number: int) -> bool:
    async with lab.database.tenant(lab.organization_ids[organization]) as session:
        return await session.fetchval("SELECT count(*) FROM enrollment WHERE status = 'completed'") >= number
