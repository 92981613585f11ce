"""Group commit: what becomes ready while a transaction runs goes out together in the next one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from drippulse.enrollments.commit import Progress, Verdict

Commit = Callable[[Sequence[Progress]], Awaitable[list[Verdict]]]


class GroupWriter:
    """Collects items and commits them in groups of at most `largest`."""

    def __init__(self, commit: Commit, largest: int = 50) -> None:
        self._commit = commit
        self._largest = largest
        self._waiting: list[tuple[Progress, asyncio.Future[Verdict]]] = []
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: Progress) -> Verdict:
        """Returns once the transaction that holds `item` has committed; raises what that transaction raised."""
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(0)  # let every coroutine that is ready join this group
                group, self._waiting = self._waiting[: self._largest], self._waiting[self._largest :]
                await self._write(group)
        finally:
            self._task = None

    async def _write(self, group: list[tuple[Progress, asyncio.Future[Verdict]]]) -> None:
        try:
            verdicts = await self._commit([item for item, _ in group])
        except Exception as error:  # noqa: BLE001 - every waiting coroutine gets it
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), verdict in zip(group, verdicts, strict=True):
                if not future.done():
                    future.set_result(verdict)
