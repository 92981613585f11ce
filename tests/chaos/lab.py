"""A database of its own with two organizations in it, receivers that keep the ledger, and a fleet around them."""

import json
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from drippulse.events import intake
from drippulse.events.schemas import EventIn
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database
from drippulse.organizations import service as organizations
from drippulse.organizations.policy import Principal
from drippulse.organizations.tables import MemberRole
from drippulse.settings import Settings
from tests.chaos.evidence import Accepted, Evidence, Plan, Promises, Sent, Stopped
from tests.chaos.fleet import Fleet
from tests.chaos.receivers import Receiver, mails
from tests.chaos.recorder import install, take_snapshot
from tests.support.connections import store
from tests.support.happenings import Wakes
from tests.support.ledger_connector import NAME, offer
from tests.support.processes import environment
from tests.support.smtp_sink import SmtpSink
from tests.support.world import INSERT

Step = Mapping[str, Any]
QUICK = {"step_retry_base_seconds": 0.2, "smtp_timeout_seconds": 1.0, "lease_seconds": 2.0, "sweep_seconds": 1.0}
WORKFLOW = "INSERT INTO workflow (organization_id, name, status) VALUES ($1, 'Chaos', 'active') RETURNING id"
VERSION = "INSERT INTO workflow_version (organization_id, workflow_id, version, steps) VALUES ($1, $2, 1, $3)"
LISTENER = """INSERT INTO workflow_listener (organization_id, workflow_id, version, kind, place, event_type, config)
VALUES ($1, $2, 1, 'trigger', 0, $3, '{"match": "all", "conditions": []}')"""


def tagged(step_id: str) -> str:
    """What every effect says of itself: whose it is, and of which step."""
    return f"{{{{ token }}}}|{step_id}"


def step(step_id: str, kind: str, **config: Any) -> Step:
    return {"id": step_id, "type": kind, "name": step_id, "config": config}


def mail(step_id: str, **config: Any) -> Step:
    return step(step_id, "email", subject=tagged(step_id), body="Hello", to="{{ token }}@example.com", **config)


def pause(step_id: str, seconds: float) -> Step:
    return step(step_id, "wait", duration=seconds, unit="seconds")


def approval(step_id: str, seconds: float) -> Step:
    """Whatever comes of it, the run goes on."""
    timeout = {"duration": seconds, "unit": "seconds"}
    return step(step_id, "approval", timeout=timeout, on_timeout="continue", on_reject="continue")


def listen(step_id: str, event: str, seconds: float) -> Step:
    return step(step_id, "wait_for_event", event=event, timeout={"duration": seconds, "unit": "seconds"})


def crm(step_id: str, action: str) -> Step:
    """create: a lead without anything that is unique, so that two would stand; add_activity: a note about the contact;
    upsert and update: the contact, to whom each update leaves another time."""
    if action == "create":
        fields = {"email": None, "attributes.token": "{{ token }}"}
        return step(step_id, "crm", action=action, record_type="lead", fields=fields)
    if action == "add_activity":
        fields = {"type": "note", "subject": tagged(step_id)}
        return step(step_id, "crm", action=action, record_type="contact", ref="{{ token }}@example.com", fields=fields)
    fields = {"attributes.at": "{{ now | date: '%s.%f' }}"} if action == "update" else {"first_name": "{{ token }}"}
    return step(step_id, "crm", action=action, record_type="contact", ref="{{ token }}@example.com", fields=fields)


def keyed(step_id: str) -> Step:
    return step(step_id, "integration_action", integration_id=NAME, action="do", payload={"text": tagged(step_id)})


def plan_of(steps: Sequence[Step]) -> Plan:
    """What the author of these steps meant. Waits are in seconds."""
    configs = {one["id"]: (one["type"], one["config"]) for one in steps}
    waits = {name: float(config["duration"]) for name, (kind, config) in configs.items() if kind == "wait"}
    patience = {
        name: float(config["timeout"]["duration"]) for name, (_, config) in configs.items() if config.get("timeout")
    }
    listens = {
        name: (str(config["event"]), patience[name])
        for name, (kind, config) in configs.items()
        if kind == "wait_for_event"
    }
    enrolls = {name: int(config["workflow_id"]) for name, (kind, config) in configs.items() if kind == "enroll"}
    writes = {name: str(config["action"]) for name, (kind, config) in configs.items() if kind == "crm"}
    longest = max((*waits.values(), *patience.values()), default=0.0)
    return Plan(tuple(configs), waits, enrolls, writes, listens, longest)


@dataclass
class Lab:
    """`organization_ids` has two. `superuser_url` leads to this very database. A scenario waits `within` seconds."""

    settings: Settings
    superuser_url: str
    database: Database
    sink: SmtpSink
    receiver: Receiver
    fleet: Fleet
    organization_ids: tuple[int, int]
    promises: Promises = field(default_factory=Promises)
    within: float = 30.0

    def hook(self, step_id: str, path: str = "hook") -> Step:
        """`path` is one of the receiver's."""
        body = {"text": tagged(step_id)}
        url = f"http://{self.receiver.address}/{path}"
        return step(step_id, "webhook_callback", url=url, body=body, timeout_seconds=1)

    async def workflow(self, *steps: Step, organization: int = 0) -> int:
        """An active workflow, stored without the checks that need every connector in this process."""
        organization_id = self.organization_ids[organization]
        async with self.database.tenant(organization_id) as session:
            workflow_id = int(await session.fetchval(WORKFLOW, organization_id))
            await session.execute(VERSION, organization_id, workflow_id, orjson.dumps(steps).decode())
        self.promises.plans[workflow_id, 1] = plan_of(steps)
        return workflow_id

    async def enroll(self, workflow_id: int, people: int = 1, organization: int = 0) -> list[str]:
        """New contacts on the workflow's first version; their tokens."""
        organization_id = self.organization_ids[organization]
        start = len(self.promises.owners)
        tokens = [f"t{start + number}" for number in range(people)]
        self.promises.owners.update(dict.fromkeys(tokens, organization_id))
        first = self.promises.plans[workflow_id, 1].steps[0]
        rows = orjson.dumps([{"token": token, "email": f"{token}@example.com"} for token in tokens]).decode()
        async with self.database.tenant(organization_id) as session:
            made = await session.fetch(INSERT, organization_id, workflow_id, 1, first, rows)
        self.promises.accepted += [
            Accepted(row["id"], organization_id, workflow_id, 1, token) for row, token in zip(made, tokens, strict=True)
        ]
        return tokens

    async def tell(self, kind: str, workflow_id: int) -> str:
        """An event about a new contact, which shall start this workflow; the token."""
        organization_id, token = self.organization_ids[0], f"t{len(self.promises.owners)}"
        self.promises.owners[token] = organization_id
        self.promises.started[organization_id, kind] = workflow_id
        body = {"type": kind, "email": f"{token}@example.com", "data": {"token": token}, "id": f"{kind}:{token}"}
        async with self.database.tenant(organization_id) as session:
            await session.execute(LISTENER, organization_id, workflow_id, kind)
            await intake.receive(session, self.somebody, Wakes(), EventIn.model_validate(body))
        self.promises.sent.append(Sent(kind, organization_id, token, time.time()))
        return token

    @property
    def somebody(self) -> Principal:
        """A member of the first organization who may do everything."""
        return Principal(self.organization_ids[0], MemberRole.ADMIN, "user", 1, "session:1")

    async def suppress(self, token: str) -> None:
        """Put somebody of the first organization on the suppression list, as unsubscribing does."""
        organization_id = self.organization_ids[0]
        async with self.database.tenant(organization_id) as session:
            await session.execute(
                "INSERT INTO suppression (organization_id, email, reason) VALUES ($1, $2, 'unsubscribed')",
                organization_id,
                f"{token}@example.com",
            )
        self.promises.stopped.append(Stopped("unsubscribe", organization_id, time.time(), token=token))

    async def evidence(self, patience: float = 90.0) -> Evidence:
        snapshot = await take_snapshot(self.superuser_url, self.database)
        return Evidence(self.promises, [*mails(self.sink), *self.receiver.arrivals], snapshot, patience)


@asynccontextmanager
async def open_lab(
    settings: Settings, superuser_url: str, place: Path, commands: Mapping[str, tuple[str, ...]], **changes: Any
) -> AsyncGenerator[Lab]:
    """A lab in this fresh database. `changes` are settings; nothing of the fleet runs yet."""
    async with AsyncExitStack() as stack:
        sink, receiver = await stack.enter_async_context(SmtpSink()), await stack.enter_async_context(Receiver())
        quick = settings.model_copy(
            update={
                **QUICK,
                "smtp_url": sink.url,
                "egress_allow": frozenset({receiver.address}),
                "connector_base_urls": {NAME: f"http://{receiver.address}"},
                **changes,
            }
        )
        database = Database(quick)
        await database.open()
        stack.push_async_callback(database.close)
        await install(superuser_url)
        first, second = [await organizations.create_organization(database, name) for name in ("First", "Second")]
        for organization_id in (first, second):
            await store(database, Vault.of(quick), organization_id, NAME, {"api_key": "ledger"})
        fleet = Fleet(_environment(quick, place), commands, place / "processes.log")
        await stack.enter_async_context(fleet)
        yield Lab(quick, superuser_url, database, sink, receiver, fleet, (first, second))


def _environment(settings: Settings, place: Path) -> dict[str, str]:
    return environment(
        settings,
        PYTHONPATH=offer(place / "packages"),
        DRIPPULSE_EGRESS_ALLOW=",".join(settings.egress_allow),
        DRIPPULSE_CONNECTOR_BASE_URLS=json.dumps(settings.connector_base_urls),
        DRIPPULSE_LEASE_SECONDS=str(settings.lease_seconds),
        DRIPPULSE_SWEEP_SECONDS=str(settings.sweep_seconds),
        DRIPPULSE_SMTP_TIMEOUT_SECONDS=str(settings.smtp_timeout_seconds),
        DRIPPULSE_PUBLIC_URL=settings.public_url,
        DRIPPULSE_LOG_LEVEL="warning",
    )


def superuser_of(superuser_url: str, database_url: str) -> str:
    """The superuser's URL, of the same server, for the database that `database_url` names."""
    name = database_url.partition("@/")[2].partition("?")[0]
    return superuser_url.replace("@/postgres?", f"@/{name}?")
