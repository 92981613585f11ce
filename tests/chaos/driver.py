"""A client of the product, over HTTP alone: enrolls, unsubscribes, removes, pauses, edits, and notes what got a 2xx."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from drippulse.organizations.service import create_api_key
from drippulse.organizations.tables import MemberRole
from tests.chaos.evidence import Accepted, Stopped
from tests.chaos.lab import Lab, Step, keyed, mail, pause, plan_of, step
from tests.chaos.receivers import unsubscribe_link

PAUSE_SECONDS = 1.0


@dataclass
class Tenant:
    """One organization as its API client sees it. `workflows`: id -> (newest version, its steps)."""

    organization_id: int
    http: httpx.AsyncClient
    workflows: dict[int, tuple[int, Sequence[Step]]] = field(default_factory=dict[int, tuple[int, Sequence[Step]]])


@dataclass
class Driver:
    """`rate` is contacts a second. What is not answered with 2xx is promised to nobody."""

    lab: Lab
    base_url: str
    seed: int
    rate: float
    done: Counter[str] = field(default_factory=Counter[str])
    unanswered: int = 0
    _tenants: list[Tenant] = field(default_factory=list[Tenant])
    _paused: dict[int, Tenant] = field(default_factory=dict[int, Tenant])
    _unsubscribed: set[str] = field(default_factory=set[str])

    async def prepare(self) -> None:
        """API keys, and workflows over the API."""
        for organization_id in self.lab.organization_ids:
            async with self.lab.database.tenant(organization_id):
                key = (await create_api_key(organization_id, name="chaos", role=MemberRole.ADMIN)).key
            http = httpx.AsyncClient(
                base_url=f"{self.base_url}/api/v1", headers={"authorization": f"Bearer {key}"}, timeout=5
            )
            tenant = Tenant(organization_id, http)
            self._tenants.append(tenant)
            await self._healthy(http)
            for steps in self._definitions():
                made = await http.post("/workflows", json={"name": "Chaos", "status": "active", "steps": list(steps)})
                assert made.status_code == 201, made.text
                self._know(tenant, made.json(), steps)

    def _definitions(self) -> Sequence[Sequence[Step]]:
        start, log = step("start", "trigger"), step("log", "log", message="on")
        tag = step("tag", "set_fields", fields={"tier": "gold"})
        return [
            [start, mail("a"), pause("w", 1), mail("b"), log],
            [start, self.lab.hook("h"), tag, pause("w", 0.5), self.lab.hook("i"), mail("m"), log],
            [start, keyed("k"), pause("w", 0.5), keyed("l"), pause("x", 2), mail("n", on_unknown="ask")],
            [start, tag, log, pause("w", 3), step("end", "log", message="off")],
        ]

    def _know(self, tenant: Tenant, workflow: dict[str, Any], steps: Sequence[Step]) -> None:
        tenant.workflows[workflow["id"]] = workflow["version"], steps
        self.lab.promises.plans[workflow["id"], workflow["version"]] = plan_of(steps)

    async def _healthy(self, http: httpx.AsyncClient, within: float = 40) -> None:
        end = time.monotonic() + within
        while time.monotonic() < end:
            try:
                if (await http.get("/health", timeout=2)).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
        raise AssertionError("the API did not come up")

    async def run(self, stop: asyncio.Event) -> None:
        """Act as chance has it until `stop`; then lift what is paused."""
        chance = random.Random(self.seed)
        actions: dict[Callable[[random.Random, Tenant], Awaitable[None]], int] = {
            self._enroll: 80,
            self._unsubscribe: 8,
            self._remove: 6,
            self._pause: 2,
            self._edit: 4,
        }
        flying: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            [action] = chance.choices(list(actions), list(actions.values()))
            if len(flying) < 20:
                task = asyncio.create_task(self._try(action, chance))
                flying.add(task)
                task.add_done_callback(flying.discard)
            await asyncio.sleep(2.5 * 0.8 / self.rate)
        if flying:
            await asyncio.wait(flying)

    async def close(self) -> None:
        """Resume what is paused, as often as it takes."""
        for tenant in self._tenants:
            await self._healthy(tenant.http)
        for workflow_id, tenant in list(self._paused.items()):
            answer = await tenant.http.patch(f"/workflows/{workflow_id}", json={"status": "active"})
            assert answer.status_code == 200, answer.text
        for tenant in self._tenants:
            await tenant.http.aclose()

    async def _try(self, action: Callable[[random.Random, Tenant], Awaitable[None]], chance: random.Random) -> None:
        try:
            await action(chance, chance.choice(self._tenants))
        except httpx.TransportError:
            self.unanswered += 1
            await asyncio.sleep(0.5)

    async def _enroll(self, chance: random.Random, tenant: Tenant) -> None:
        workflow_id = chance.choice(list(tenant.workflows))
        owners = self.lab.promises.owners
        tokens = [f"t{len(owners) + number}" for number in range(chance.randint(1, 4))]
        owners.update(dict.fromkeys(tokens, tenant.organization_id))
        contacts = [{"email": f"{token}@example.com", "token": token} for token in tokens]
        answer = await tenant.http.post(f"/workflows/{workflow_id}/enrollments/bulk", json={"contacts": contacts})
        if not answer.is_success:
            self.done[f"enroll {answer.status_code}"] += 1
            return
        made = answer.json()
        self.lab.promises.accepted += [
            Accepted(number, tenant.organization_id, workflow_id, made["workflow_version"], token)
            for number, token in zip(made["enrollment_ids"], tokens, strict=True)
        ]
        self.done["enroll"] += 1

    async def _unsubscribe(self, chance: random.Random, tenant: Tenant) -> None:
        del tenant
        recent = self.lab.sink.ledger[-20:]
        if not recent:
            return
        taken = chance.choice(recent)
        token, link = taken.recipients[0].split("@")[0], unsubscribe_link(taken.content)
        if link is None or token in self._unsubscribed:
            return
        self._unsubscribed.add(token)
        async with httpx.AsyncClient(timeout=5) as anyone:
            answer = await anyone.post(link, data={"List-Unsubscribe": "One-Click"})
        self.done[f"unsubscribe {answer.status_code}"] += 1
        if answer.is_success:
            owner = self.lab.promises.owners[token]
            self.lab.promises.stopped.append(Stopped("unsubscribe", owner, time.time(), token=token))

    async def _remove(self, chance: random.Random, tenant: Tenant) -> None:
        mine = [one for one in self.lab.promises.accepted[-50:] if one.organization_id == tenant.organization_id]
        if not mine:
            return
        one = chance.choice(mine)
        answer = await tenant.http.delete(f"/workflows/{one.workflow_id}/enrollments/{one.enrollment_id}")
        self.done[f"remove {answer.status_code}"] += 1
        if answer.is_success:
            self.lab.promises.stopped.append(
                Stopped("delete", tenant.organization_id, time.time(), enrollment_id=one.enrollment_id)
            )

    async def _pause(self, chance: random.Random, tenant: Tenant) -> None:
        """And resume a second later; a pause whose answer is lost is not held against anybody."""
        workflow_id = chance.choice(list(tenant.workflows))
        if workflow_id in self._paused:
            return
        self._paused[workflow_id] = tenant
        answer = await tenant.http.patch(f"/workflows/{workflow_id}", json={"status": "paused"})
        if not answer.is_success:
            return
        stop = Stopped("pause", tenant.organization_id, time.time(), workflow_id=workflow_id)
        await asyncio.sleep(PAUSE_SECONDS)
        self.lab.promises.stopped.append(replace(stop, until=time.time()))
        resumed = await tenant.http.patch(f"/workflows/{workflow_id}", json={"status": "active"})
        if resumed.is_success:
            del self._paused[workflow_id]
            self.done["pause and resume"] += 1

    async def _edit(self, chance: random.Random, tenant: Tenant) -> None:
        """Publish a version with one step more; who is under way stays on the old one."""
        workflow_id = chance.choice(list(tenant.workflows))
        version, steps = tenant.workflows[workflow_id]
        if len(steps) > 12:
            return
        more = [*steps, step(f"extra{version}", "log", message="more")]
        answer = await tenant.http.patch(f"/workflows/{workflow_id}", json={"steps": more})
        if answer.is_success:
            self._know(tenant, answer.json(), more)
            self.done["edit"] += 1
