"""What a simulation may use up, on the process that it really runs in."""

import asyncio
from typing import Any

import psutil
import pytest

from drippulse.kit.services import AppServices
from drippulse.workflows.simulation.errors import SimulationTooLargeError, Spent
from drippulse.workflows.simulation.job import Job
from drippulse.workflows.simulation.process import Limits, resident_bytes
from drippulse.workflows.simulation.runner import MODULE, Simulator
from tests.support.simulation import job_of, people
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("app")  # which closes the services in the end

MIB = 2**20
AMPLE = Limits(cpu_seconds=60)
WAIT = {"type": "wait", "config": {"duration": 1, "unit": "days"}}
LONG_LOOP = "{% for i in (1..9000) %}{{ i | plus: 1 | times: 3 }}{% endfor %}"


def _job(steps: list[dict[str, Any]], contacts: list[dict[str, Any]], organization: int) -> Job:
    named = [{**one, "id": f"s{place}", "name": f"s{place}"} for place, one in enumerate(steps)]
    return job_of(named, contacts, organization_id=organization)


def _fields(text: str) -> dict[str, Any]:
    return {"type": "set_fields", "config": {"fields": {"x": text}}}


def _simulating() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if MODULE in child.cmdline()]


async def _refused(services: AppServices, job: Job, **limits: int) -> str:
    with pytest.raises(SimulationTooLargeError) as caught:
        await Simulator(services.redis, limits=Limits(**limits)).run(job)
    assert not _simulating()
    return str(caught.value.spent)


async def test_a_simulation_that_takes_too_long_is_stopped(services: AppServices) -> None:
    job = _job([_fields(LONG_LOOP), WAIT], people(2000), 78_001)
    assert await _refused(services, job, cpu_seconds=1, cpu_slack_seconds=60) == "its 1 seconds of CPU time"


async def test_one_that_never_comes_to_look_is_stopped_too(services: AppServices) -> None:
    job = _job([_fields(LONG_LOOP)] * 100, people(1), 78_002)
    assert await _refused(services, job, cpu_seconds=1, cpu_slack_seconds=1) == "its 1 seconds of CPU time"


async def test_one_that_needs_too_much_memory_is_stopped(services: AppServices) -> None:
    job = _job([_fields("{{ note }}" * 20), WAIT], people(3000, note="x" * 10_000), 78_003)
    assert await _refused(services, job, memory_bytes=150 * MIB, memory_slack_bytes=4096 * MIB) == Spent.MEMORY


async def test_the_kernel_stops_one_that_needs_too_much_memory_at_once(services: AppServices) -> None:
    """Then libraries break off in the middle of an allocation, each in its own way."""
    job = _job([_fields("{{ note }}" * 20), WAIT], people(3000, note="x" * 10_000), 78_004)
    for size in (1, 100, 200):
        unseen = {"memory_bytes": 4096 * MIB, "memory_slack_bytes": (size - 4096) * MIB}
        assert await _refused(services, job, **unseen) == Spent.MEMORY


async def test_whoever_goes_away_takes_the_simulation_along(services: AppServices) -> None:
    simulator = Simulator(services.redis, limits=AMPLE)
    job = _job([_fields(LONG_LOOP), WAIT], people(2000), 78_005)
    running = asyncio.create_task(simulator.run(job))
    await eventually(lambda: bool(_simulating()))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not _simulating()
    assert await simulator.run(_job([WAIT], people(1), 78_005))


def test_limits_arrive_in_the_process_as_they_were_given() -> None:
    limits = Limits(1, 2, 3, 4)
    assert Limits.read(limits.arguments()) == limits
    assert resident_bytes() > 20 * MIB
