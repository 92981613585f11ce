"""A worker whose clock is wrong does everything at the right time: the database's clock alone decides what is due."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.checks import violations
from tests.chaos.conftest import Labs
from tests.chaos.faults import CLOCKS_OFF
from tests.chaos.lab import approval, keyed, listen, mail, pause, step
from tests.chaos.receivers import Mood
from tests.chaos.scenarios import eventually, rested
from tests.support.skewed_clock import VARIABLE

ROOT = Path(__file__).parents[2]
PARTS = ("approvals", "enrollments", "events", "messaging", "sending", "stalls", "workflows")
ENGINE = (*(f"platform/drippulse/{part}" for part in PARTS), "workers")
READS = {
    *(("datetime", name) for name in ("now", "utcnow", "today")),
    *(("time", name) for name in ("time", "time_ns", "gmtime", "localtime")),
    ("date", "today"),
}
MAY_READ = {
    "platform/drippulse/workflows/conditions.py": "whether a text is a date at all, at save",
    "platform/drippulse/events/starts.py": "`now` in an event's conditions",
    "platform/drippulse/events/endings.py": "`now` in an event's conditions",
    "platform/drippulse/events/wakes.py": "`now` in an event's conditions",
}


@pytest.mark.parametrize("off", CLOCKS_OFF)
async def test_a_worker_with_a_wrong_clock_is_neither_early_nor_late(labs: Labs, off: int) -> None:
    async with labs(f"clock_{'late' if off < 0 else 'early'}_{abs(off)}") as lab:
        steps = (mail("a"), pause("w", 1), approval("ask", 1), listen("on", "chaos.go", 1))
        for refused in (lab.hook("h"), keyed("k")):
            await lab.enroll(await lab.workflow(refused, *steps, step("log", "log", message="on")), 2)
        lab.receiver.mood = Mood.BUSY_UNTIL
        await lab.fleet.start("worker-0", **{VARIABLE: str(off)})

        async def both_refused() -> bool:
            """With a date from which on they may be called again."""
            return {arrival.step for arrival in lab.receiver.arrivals} == {"h", "k"}

        assert await eventually(both_refused)
        lab.receiver.mood = Mood.FINE
        assert await rested(lab)
        evidence = await lab.evidence(patience=10)
    assert list(violations(evidence)) == []
    assert {row.status for row in evidence.snapshot.enrollments} == {"completed"}


def test_nothing_that_decides_when_reads_the_time_of_day() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ENGINE
        for path in (ROOT / folder).rglob("*.py")
        if any(_reads(ast.parse(path.read_text())))
    }
    assert found <= set(MAY_READ)


def _reads(tree: ast.AST) -> Iterator[bool]:
    """Calls such as `datetime.now(UTC)` and `time.time()`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            yield (name, node.func.attr) in READS
