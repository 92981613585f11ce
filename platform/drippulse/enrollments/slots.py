"""Who may call out: so many calls at once, and fewer of one organization, so that its hanging calls leave room."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Slots:
    """`own` calls at once of one organization; a quarter more of all of them together."""

    def __init__(self, own: int) -> None:
        self._own = own
        self._all = asyncio.Semaphore(own + max(1, own // 4))
        self._organizations: dict[int, asyncio.Semaphore] = {}
        self._users: defaultdict[int, int] = defaultdict(int)

    @asynccontextmanager
    async def take(self, organization_id: int) -> AsyncGenerator[None]:
        """One slot for as long as the block runs."""
        own = self._organizations.setdefault(organization_id, asyncio.Semaphore(self._own))
        self._users[organization_id] += 1
        try:
            async with own, self._all:
                yield
        finally:
            self._users[organization_id] -= 1
            if not self._users[organization_id]:
                del self._users[organization_id], self._organizations[organization_id]
