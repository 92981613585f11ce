"""Every failpoint that runs pass: the process dies there, another takes over, every check holds."""

import asyncio
from pathlib import Path

import pytest

from tests.chaos.checks import violations
from tests.chaos.conftest import Labs
from tests.chaos.lab import Lab, keyed, mail, pause, step
from tests.chaos.scenarios import rested
from tests.chaos.schedule import API, DATA_SOURCES, IMPORTS, failpoints

ROOT = Path(__file__).parents[2]
NAMES = failpoints(ROOT)


async def _everything(lab: Lab) -> None:
    """A workflow with every class of effect, a wait and a step that writes into our database, and one of pure steps."""
    other = await lab.workflow(step("begin", "trigger"), mail("c"), step("done", "log", message="on"))
    steps = (step("start", "trigger"), step("into", "enroll", workflow_id=other), mail("a"), pause("w", 0.3))
    workflow = await lab.workflow(*steps, lab.hook("h"), keyed("k"), step("log", "log", message="on"))
    await lab.enroll(workflow, 3)
    await lab.enroll(await lab.workflow(step("first", "trigger"), step("last", "log", message="on")), 2)


async def _dies(lab: Lab, slot: str) -> str:
    while not await lab.fleet.died(slot, 20):
        pass
    return slot


@pytest.mark.parametrize("name", NAMES)
async def test_whatever_dies_at_a_failpoint_is_made_good(labs: Labs, name: str) -> None:
    async with labs(f"fp_{name.replace('.', '_')}") as lab:
        await _everything(lab)
        for slot in ("worker-0", "scheduler"):
            await lab.fleet.start(slot, DRIPPULSE_FAILPOINT=name)
        deaths = [asyncio.create_task(_dies(lab, slot)) for slot in ("worker-0", "scheduler")]
        died, alive = await asyncio.wait(deaths, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        for task in alive:
            task.cancel()
        assert died, f"nothing passed {name}"
        for slot in list(lab.fleet.lives):
            await lab.fleet.end(slot)
        await lab.fleet.start("worker-1")
        await lab.fleet.start("scheduler")
        assert await rested(lab)
        evidence = await lab.evidence(patience=10)
    assert list(violations(evidence)) == []
    assert len(evidence.snapshot.enrollments) == 8


def test_the_boundaries_of_a_commit_and_of_an_effect_are_among_them() -> None:
    boundaries = {"batch.claimed", "batch.before_commit", "batch.after_commit", "local.before_commit"}
    boundaries |= {"local.after_commit", "effect.after_intent", "effect.after_call"}
    assert boundaries <= set(NAMES)
    assert failpoints(ROOT, API) == ["api.before_answer"]


@pytest.mark.parametrize("name", [*failpoints(ROOT, IMPORTS), *failpoints(ROOT, DATA_SOURCES)])
def test_the_failpoints_of_imports_and_data_sources_have_tests_of_their_own(name: str) -> None:
    assert any(f'"{name}' in path.read_text() for path in (ROOT / "tests" / "integration").glob("*.py"))
