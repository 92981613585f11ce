"""Which fault comes when: from a seed alone, so that a run can be had again."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

CODE = ("platform", "workers", "rest", "graphql")
FAILPOINT = re.compile(r'^\s*failpoint\("([^"]+)"\)', re.MULTILINE)


class Fault(StrEnum):
    KILL = "kill -9 of a worker"
    FAILPOINT = "kill at a failpoint"
    KILL_WEB = "kill -9 of the API"
    KILL_SCHEDULER = "kill -9 of the scheduler"
    TERMINATE = "SIGTERM of a worker"
    FREEZE = "SIGSTOP past the lease"
    POSTGRES = "immediate restart of PostgreSQL"
    CUT = "cut database connections"
    FLUSH = "Redis emptied"
    REDIS = "Redis down and back empty"
    JUNK = "malformed and doubled messages"
    MAIL = "mail server misbehaves"
    HTTP = "HTTP receiver misbehaves"


WEIGHTS = {
    Fault.KILL: 44,
    Fault.FAILPOINT: 14,
    Fault.KILL_WEB: 4,
    Fault.KILL_SCHEDULER: 4,
    Fault.TERMINATE: 7,
    Fault.FREEZE: 6,
    Fault.POSTGRES: 1,
    Fault.CUT: 4,
    Fault.FLUSH: 3,
    Fault.REDIS: 1,
    Fault.JUNK: 3,
    Fault.MAIL: 4,
    Fault.HTTP: 5,
}
KILLS = frozenset({Fault.KILL, Fault.FAILPOINT, Fault.KILL_WEB, Fault.KILL_SCHEDULER})


@dataclass(frozen=True, slots=True)
class Planned:
    """`at` is in seconds from the start; `choice` (0 to 1) picks among what the fault can do."""

    at: float
    fault: Fault
    slot: str
    choice: float


def schedule(
    seed: int, workers: int, gap: float, *, seconds: float | None = None, kills: int | None = None
) -> list[Planned]:
    """Faults `gap` seconds apart on average, until the time is over or so many kills were planned."""
    chance = random.Random(seed)
    planned: list[Planned] = []
    at, killed = 0.0, 0
    while (seconds is None or at < seconds) and (kills is None or killed < kills):
        at += chance.expovariate(1 / gap)
        [fault] = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
        killed += fault in KILLS
        planned.append(Planned(at, fault, f"worker-{chance.randrange(workers)}", chance.random()))
    return planned


def failpoints(root: Path) -> Sequence[str]:
    """Every name that the product's code passes to `failpoint`."""
    texts = [path.read_text() for folder in CODE for path in (root / folder).rglob("*.py")]
    return sorted({name for text in texts for name in FAILPOINT.findall(text)})
