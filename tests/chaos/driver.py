"""The client at work: what it does, how often, until it is told to stop."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from tests.chaos import acts_people as people
from tests.chaos import acts_workflows as workflows
from tests.chaos.client import Client, Tenant

Act = Callable[[Client, random.Random, Tenant], Awaitable[None]]

WEIGHTS: dict[Act, int] = {
    people.enroll: 60,
    people.enroll_under_a_key: 5,
    people.start_by_event: 6,
    people.end_a_wait: 7,
    people.decide: 9,
    people.unsubscribe: 6,
    people.remove: 3,
    people.cancel: 4,
    people.retry: 6,
    workflows.hold: 5,
    workflows.edit: 2,
    workflows.publish: 3,
}
SHARE = WEIGHTS[people.enroll] / sum(WEIGHTS.values())
CONTACTS_AT_ONCE = 2.5
MOST_FLYING = 60


@dataclass
class Driver:
    """`rate` is contacts a second. What is not answered with 2xx is promised to nobody."""

    client: Client
    seed: int
    rate: float

    async def prepare(self) -> None:
        """API keys, and workflows over the API."""
        await self.client.open()
        await self.client.healthy()
        await workflows.make_all(self.client)

    async def run(self, stop: asyncio.Event) -> None:
        """Act as chance has it until `stop`; what is paused then has been resumed."""
        chance = random.Random(self.seed)
        flying: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            [act] = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
            if len(flying) < MOST_FLYING:
                task = asyncio.create_task(self._try(act, random.Random(chance.random())))
                flying.add(task)
                task.add_done_callback(flying.discard)
            await asyncio.sleep(CONTACTS_AT_ONCE * SHARE / self.rate)
        if flying:
            await asyncio.gather(*flying)

    async def close(self) -> None:
        await self.client.healthy()
        await workflows.learn_versions(self.client)
        await self.client.close()

    async def _try(self, act: Act, chance: random.Random) -> None:
        try:
            await act(self.client, chance, chance.choice(self.client.tenants))
        except httpx.TransportError:
            self.client.unanswered += 1
            await asyncio.sleep(0.5)
