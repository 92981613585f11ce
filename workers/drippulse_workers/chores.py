"""What the scheduler does over and over: one entry per chore, each safe to run twice at once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from drippulse.enrollments.sweep import ensure_partitions, sweep
from drippulse.kit.db import Database

Work = Callable[[Database], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Chore:
    """`work` says whether enrollments may be due now. `every` is in seconds; 0 means every round of the scheduler."""

    name: str
    every: float
    work: Work


async def _partitions(database: Database) -> bool:
    await ensure_partitions(database)
    return False


CHORES: tuple[Chore, ...] = (
    Chore("sweep", 0, sweep),
    Chore("partitions", 6 * 3600, _partitions),
)
