"""How the engine learns that there is due work."""

from typing import Protocol


class Waker(Protocol):
    """Wakes a worker. Best effort: a lost wake-up is made good by the sweeper, so it never raises."""

    async def wake(self) -> None: ...
