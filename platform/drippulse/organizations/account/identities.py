"""The sender identities that a worker needs, each asked for once in a while."""

import asyncio
import time
from collections import OrderedDict

import orjson

from drippulse.kit.db import Database, Role
from drippulse.organizations.account.identity import Identity, identity_of

LASTS_SECONDS = 30.0
REMEMBERED = 10_000

SENDER = "SELECT o.sender, o.branding, o.name FROM organization o WHERE o.id = $1"


class Identities:
    """One per process. A change of the account reaches mails within 30 seconds."""

    def __init__(self, database: Database, default_sender: str, seconds: float = LASTS_SECONDS) -> None:
        self._database = database
        self._default_sender = default_sender
        self._seconds = seconds
        self._known: OrderedDict[int, tuple[float, asyncio.Task[Identity]]] = OrderedDict()

    async def of(self, organization_id: int) -> Identity:
        """Raises what the database does; the next mail asks again."""
        asked, task = self._known.get(organization_id, (0.0, None))
        if task is None or time.monotonic() - asked > self._seconds or _failed(task):
            task = asyncio.create_task(self._ask(organization_id))
            self._known[organization_id] = (time.monotonic(), task)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return await asyncio.shield(task)

    async def _ask(self, organization_id: int) -> Identity:
        async with self._database.session(Role.ENGINE) as session:
            row = await session.fetchrow(SENDER, organization_id)
        if row is None:
            return Identity()
        return identity_of(
            orjson.loads(row["sender"]), orjson.loads(row["branding"]), row["name"], self._default_sender
        )


def _failed(task: asyncio.Task[Identity]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
