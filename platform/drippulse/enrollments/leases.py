"""The leases a worker holds for longer than a batch: those whose effects are in flight or waiting for a slot."""

import asyncio
import time
from dataclasses import dataclass, field

import asyncpg
import structlog

from drippulse.enrollments.claim import release, renew
from drippulse.kit.db import Database

SURE = 0.8  # of a lease, so that a call never begins in its last moments

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Held:
    """One lease. `fence` follows our commits; `sure_until` is the monotonic time up to which it certainly holds."""

    id: int
    fence: int
    sure_until: float
    calling: bool = False


@dataclass
class Leases:
    """Renews what is held every third of the lease."""

    database: Database
    seconds: float
    _held: dict[int, Held] = field(default_factory=dict[int, Held])

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, enrollment_id: int, fence: int, asked_at: float) -> Held:
        """Keep this lease from now on; it was asked for at the monotonic time `asked_at`."""
        held = Held(enrollment_id, fence, asked_at + self.seconds * SURE)
        self._held[enrollment_id] = held
        return held

    def drop(self, held: Held) -> None:
        if self._held.get(held.id) is held:
            del self._held[held.id]

    async def keep(self) -> None:
        """Runs until cancelled."""
        while True:
            await asyncio.sleep(self.seconds / 3)
            if not self._held:
                continue
            asked = time.monotonic()
            before = list(self._held.values())
            try:
                renewed = await renew(self.database, [(one.id, one.fence) for one in before], self.seconds)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                log.warning("lease_renewal_failed", held=len(before), reason=str(error))
                continue
            for one in before:
                if one.id in renewed:
                    one.sure_until = asked + self.seconds * SURE

    async def give_back(self) -> int:
        """Release what is not in the middle of a call; how many there were."""
        idle = [one for one in self._held.values() if not one.calling]
        await release(self.database, [(one.id, one.fence) for one in idle])
        for one in idle:
            self.drop(one)
        return len(idle)
