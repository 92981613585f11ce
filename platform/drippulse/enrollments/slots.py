"""Who may call out: so many calls at once, and fewer of one organization, so that its hanging calls leave room."""

import asyncio
from collections import defaultdict
from typing import Self


class Slots:
    """`own` calls at once of one organization; a quarter more of all of them together."""

    def __init__(self, own: int) -> None:
        self._own = own
        self._all = asyncio.Semaphore(own + max(1, own // 4))
        self._organizations: dict[int, asyncio.Semaphore] = {}
        self._users: defaultdict[int, int] = defaultdict(int)

    def take(self, organization_id: int) -> "Slot":
        """One slot for as long as the block runs (`async with`), or until it is given back."""
        return Slot(self, organization_id)

    async def enter(self, organization_id: int) -> None:
        own = self._organizations.setdefault(organization_id, asyncio.Semaphore(self._own))
        self._users[organization_id] += 1
        try:
            await own.acquire()
        except BaseException:
            self._forget(organization_id)
            raise
        try:
            await self._all.acquire()
        except BaseException:
            own.release()
            self._forget(organization_id)
            raise

    def leave(self, organization_id: int) -> None:
        self._all.release()
        self._organizations[organization_id].release()
        self._forget(organization_id)

    def _forget(self, organization_id: int) -> None:
        self._users[organization_id] -= 1
        if not self._users[organization_id]:
            del self._users[organization_id], self._organizations[organization_id]


class Slot:
    """One call's place among those in flight."""

    __slots__ = ("_organization_id", "_slots", "_taken")

    def __init__(self, slots: Slots, organization_id: int) -> None:
        self._slots = slots
        self._organization_id = organization_id
        self._taken = False

    async def __aenter__(self) -> Self:
        await self._slots.enter(self._organization_id)
        self._taken = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self.give_back()

    def give_back(self) -> None:
        """Let the next one in; the second time nothing happens."""
        if self._taken:
            self._taken = False
            self._slots.leave(self._organization_id)
