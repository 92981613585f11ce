"""A client of the product, over HTTP alone, that notes what was answered."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from drippulse.organizations.service import create_api_key
from drippulse.organizations.tables import MemberRole
from tests.chaos.evidence import Accepted
from tests.chaos.lab import Lab, Step, plan_of

CODE = re.compile(r'"code": ?"(\w+)"')
PATIENCE_SECONDS = 300.0


@dataclass
class Tenant:
    """One organization. `http` has the key that enrolls, `approver` one of somebody who may decide.

    `workflows`: id -> (newest version, its steps). `named`: what a workflow is for -> its id.
    """

    organization_id: int
    http: httpx.AsyncClient
    approver: httpx.AsyncClient
    workflows: dict[int, tuple[int, Sequence[Step]]] = field(default_factory=dict[int, tuple[int, Sequence[Step]]])
    named: dict[str, int] = field(default_factory=dict[str, int])


@dataclass
class Client:
    """`done` counts calls by what they were for and, unless they got a 2xx, their status.

    `busy` names what somebody is at, such as a pause that will be lifted. `listening` are (organization, token) of
    contacts that wait for an event, `unsubscribed` tokens.
    """

    lab: Lab
    base_url: str
    tenants: list[Tenant] = field(default_factory=list[Tenant])
    done: Counter[str] = field(default_factory=Counter[str])
    unanswered: int = 0
    busy: set[object] = field(default_factory=set[object])
    listening: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    unsubscribed: set[str] = field(default_factory=set[str])

    async def open(self) -> None:
        """API keys for each organization of the lab."""
        for organization_id in self.lab.organization_ids:
            async with self.lab.database.tenant(organization_id):
                admin = await create_api_key(organization_id, name="chaos", role=MemberRole.ADMIN)
                approver = await create_api_key(organization_id, name="chaos", role=MemberRole.APPROVER)
            self.tenants.append(Tenant(organization_id, self._http(admin.key), self._http(approver.key)))

    def _http(self, key: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.base_url, headers={"authorization": f"Bearer {key}"}, timeout=5)

    async def close(self) -> None:
        for tenant in self.tenants:
            await tenant.http.aclose()
            await tenant.approver.aclose()

    async def healthy(self, within: float = 60) -> None:
        end = time.monotonic() + within
        while time.monotonic() < end:
            try:
                if (await self.tenants[0].http.get("/api/v1/health", timeout=2)).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
        raise AssertionError("the API did not come up")

    async def call(self, what: str, http: httpx.AsyncClient, method: str, path: str, **how: Any) -> Any:
        """What a 2xx says, else None.

        Raises:
            httpx.TransportError: nobody knows what became of it.
        """
        answer = await http.request(method, path, **how)
        self._count(what, answer)
        if not answer.is_success:
            return None
        return answer.json() if answer.content else {}

    async def insist(self, what: str, http: httpx.AsyncClient, path: str, **how: Any) -> httpx.Response | None:
        """POST the same until somebody says what became of it; None when nobody does for minutes."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            try:
                answer = await http.post(path, **how)
            except httpx.TransportError:
                self.unanswered += 1
            else:
                if answer.status_code < 500 and "in_flight" not in answer.text:
                    self._count(what, answer)
                    return answer
            await asyncio.sleep(0.5)
        self.done[f"{what} given up"] += 1
        return None

    def _count(self, what: str, answer: httpx.Response) -> None:
        if answer.is_success:
            self.done[what] += 1
            return
        code = CODE.search(answer.text)
        self.done[f"{what} {answer.status_code} {code[1] if code else ''}".rstrip()] += 1

    def new_tokens(self, tenant: Tenant, number: int) -> list[str]:
        """Names of contacts that nobody had before; they are noted before they are sent."""
        owners = self.lab.promises.owners
        tokens = [f"t{len(owners) + place}" for place in range(number)]
        owners.update(dict.fromkeys(tokens, tenant.organization_id))
        return tokens

    def accept(self, tenant: Tenant, workflow_id: int, version: int, made: Mapping[str, int]) -> None:
        """`made`: token -> the enrollment that a 2xx promised."""
        self.lab.promises.accepted += [
            Accepted(number, tenant.organization_id, workflow_id, version, token) for token, number in made.items()
        ]

    def know(self, tenant: Tenant, workflow: Mapping[str, Any]) -> None:
        """A workflow as the API answers it."""
        steps: Sequence[Step] = workflow["steps"]
        tenant.workflows[workflow["id"]] = workflow["version"], steps
        self.lab.promises.plans[workflow["id"], workflow["version"]] = plan_of(steps)
