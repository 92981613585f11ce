"""Which fault comes when: from a seed alone, so that a run can be had again."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

CODE = ("platform", "workers", "rest", "graphql")
FAILPOINT = re.compile(r'^\s*failpoint\("([^"]+)"\)', re.MULTILINE)
API, IMPORTS, DATA_SOURCES = "api", "import", "data_source"
ELSEWHERE = frozenset({API, IMPORTS, DATA_SOURCES})
"""Parts whose failpoints no run passes on its way; the part is what a name has before its dot."""


class Fault(StrEnum):
    KILL = "kill -9 of a worker"
    FAILPOINT = "kill at a failpoint"
    KILL_WEB = "kill -9 of the API"
    KILL_WEB_AT_COMMIT = "kill of the API between commit and answer"
    KILL_SCHEDULER = "kill -9 of a scheduler"
    CLOCK = "kill -9 of a worker, the next with a wrong clock"
    TERMINATE = "SIGTERM of a worker"
    FREEZE = "SIGSTOP past the lease"
    FREEZE_LONG = "SIGSTOP for long"
    POSTGRES = "immediate restart of PostgreSQL"
    POSTGRES_AWAY = "PostgreSQL away for long"
    CUT = "cut database connections"
    FLUSH = "Redis emptied"
    REDIS = "Redis down and back empty"
    REDIS_AWAY = "Redis away for long"
    JUNK = "malformed messages"
    STALE = "doubled, reordered and stale messages"
    MAIL = "mail server misbehaves"
    HTTP = "HTTP receiver misbehaves"


WEIGHTS = {
    Fault.KILL: 40,
    Fault.FAILPOINT: 14,
    Fault.KILL_WEB: 3,
    Fault.KILL_WEB_AT_COMMIT: 1,
    Fault.KILL_SCHEDULER: 4,
    Fault.CLOCK: 5,
    Fault.TERMINATE: 7,
    Fault.FREEZE: 6,
    Fault.POSTGRES: 1,
    Fault.CUT: 4,
    Fault.FLUSH: 3,
    Fault.REDIS: 1,
    Fault.JUNK: 2,
    Fault.STALE: 3,
    Fault.MAIL: 4,
    Fault.HTTP: 5,
}
ONCE = (Fault.POSTGRES_AWAY, Fault.REDIS_AWAY, Fault.FREEZE_LONG)
"""They take so long that a run has each of them once, in its second third."""
KILLS = frozenset({Fault.KILL, Fault.FAILPOINT, Fault.KILL_WEB, Fault.KILL_SCHEDULER, Fault.CLOCK})


@dataclass(frozen=True, slots=True)
class Planned:
    """`at` is in seconds from the start; `choice` (0 to 1) picks among what the fault can do."""

    at: float
    fault: Fault
    slot: str
    choice: float


def schedule(
    seed: int,
    workers: int,
    gap: float,
    *,
    seconds: float | None = None,
    kills: int | None = None,
    once: Sequence[Fault] = ONCE,
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
    planned += [
        Planned(at * chance.uniform(0.33, 0.66), fault, f"worker-{chance.randrange(workers)}", 0.5) for fault in once
    ]
    return sorted(planned, key=lambda one: one.at)


def failpoints(root: Path, part: str | None = None) -> Sequence[str]:
    """Every name that the product's code passes to `failpoint`: of one part, or of all that is not elsewhere."""
    texts = [path.read_text() for folder in CODE for path in (root / folder).rglob("*.py")]
    names = sorted({name for text in texts for name in FAILPOINT.findall(text)})
    parts = [name.partition(".")[0] for name in names]
    return [name for name, of in zip(names, parts, strict=True) if (of == part if part else of not in ELSEWHERE)]
