"""What the client does about workflows: makes them, changes and publishes them, pauses them and parts of them."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.chaos.acts_people import GO, START
from tests.chaos.client import Client, Tenant
from tests.chaos.evidence import Stopped
from tests.chaos.lab import Lab, Step, approval, crm, keyed, listen, mail, pause, step

PAUSE_SECONDS = 1.0
MOST_STEPS = 12
POLICIES: Sequence[Mapping[str, Any]] = (
    {},
    {"clock": "freeze"},
    {"late": "skip", "late_hours": 0},
    {"late": "respread", "rate_per_minute": 6000},
)


def definitions(lab: Lab) -> Mapping[str, Sequence[Step]]:
    """What for -> steps. Whatever happens outside, each goes through all of its steps."""
    start, log = step("start", "trigger"), step("log", "log", message="on")
    tag = step("tag", "set_fields", fields={"tier": "gold"})
    return {
        "mails": [start, mail("a"), pause("w", 1), mail("b"), log],
        "hooks": [start, lab.hook("h"), tag, pause("w", 0.5), lab.hook("i"), mail("m"), log],
        "keyed": [start, keyed("k"), pause("w", 0.5), keyed("l"), pause("x", 2), mail("n", on_unknown="ask")],
        "plain": [start, tag, log, pause("w", 3), step("end", "log", message="off")],
        "asks": [start, approval("ask", 5), mail("p"), log],
        "listens": [start, listen("on", GO, 6), log],
        "begun": [step("start", "trigger", frequency="event", event=START), lab.hook("s"), log],
        "writes": [
            *(start, crm("made", "create"), pause("w", 0.3), crm("kept", "upsert"), crm("noted", "add_activity")),
            *(crm("at", "update"), log),
        ],
        "refused": [start, lab.hook("f", "second-time"), log],
        "child": [start, mail("c"), log],
    }


async def make_all(client: Client) -> None:
    """For each organization; the workflow that enrolls comes last."""
    for tenant in client.tenants:
        wanted = dict(definitions(client.lab))
        for name, steps in wanted.items():
            await _make(client, tenant, name, steps)
        into = step("into", "enroll", workflow_id=tenant.named["child"])
        await _make(client, tenant, "parent", [wanted["plain"][0], into, pause("w", 0.5), wanted["plain"][2]])
        client.lab.promises.started[tenant.organization_id, START] = tenant.named["begun"]


async def _make(client: Client, tenant: Tenant, name: str, steps: Sequence[Step]) -> None:
    body = {"name": name, "status": "active", "steps": list(steps)}
    made = await tenant.http.post("/api/v1/workflows", json=body)
    assert made.status_code == 201, made.text
    tenant.named[name] = made.json()["id"]
    client.know(tenant, made.json())


async def learn_versions(client: Client) -> None:
    """Those that were made by calls whose answer was lost."""
    for tenant in client.tenants:
        for workflow_id in tenant.workflows:
            path = f"/api/v1/workflows/{workflow_id}/versions"
            found = await client.call("versions", tenant.http, "GET", path)
            numbers: list[int] = [one["version"] for one in found["versions"]] if found else []
            for number in numbers:
                if (workflow_id, number) not in client.lab.promises.plans:
                    version = await client.call("version", tenant.http, "GET", f"{path}/{number}")
                    if version is not None:
                        client.know(tenant, {"id": workflow_id, "version": number, "steps": version["steps"]})


async def edit(client: Client, chance: random.Random, tenant: Tenant) -> None:
    """At once; who is under way stays on the old version."""
    found = await _changed(client, chance, tenant)
    if found is not None:
        workflow_id, steps = found
        path = f"/api/v1/workflows/{workflow_id}"
        made = await client.call("edit", tenant.http, "PATCH", path, json={"steps": steps})
        if made is not None:
            client.know(tenant, made)


async def publish(client: Client, chance: random.Random, tenant: Tenant) -> None:
    """Draft, preview, and the decision about who is under way: pin or migrate."""
    found = await _changed(client, chance, tenant)
    if found is None:
        return
    workflow_id, steps = found
    path, strategy = f"/api/v1/workflows/{workflow_id}", chance.choice(("pin", "migrate", "migrate"))
    headers = {"if-match": "*"}
    saved = await client.call("draft", tenant.http, "PUT", f"{path}/draft", json={"steps": steps}, headers=headers)
    body = {"strategy": strategy}
    seen = saved and await client.call("preview", tenant.http, "POST", f"{path}/publish/preview", json=body)
    if not seen:
        return
    if strategy == "migrate":
        client.lab.promises.migrated.add(workflow_id)
    confirm = {"confirm_token": seen["confirm_token"]}
    if await client.call(f"publish with {strategy}", tenant.http, "POST", f"{path}/publish", json=confirm):
        live = await client.call("workflow", tenant.http, "GET", path)
        if live is not None:
            client.know(tenant, live)


async def _changed(client: Client, chance: random.Random, tenant: Tenant) -> tuple[int, list[Step]] | None:
    """A workflow, and its steps with one more somewhere after the first; or with one that was added taken out."""
    workflow_id = chance.choice([one for name, one in tenant.named.items() if name != "plain"])
    live = await client.call("workflow", tenant.http, "GET", f"/api/v1/workflows/{workflow_id}")
    if live is None:
        return None
    client.know(tenant, live)
    steps: list[Step] = list(live["steps"])
    added = [one for one in steps if one["id"].startswith("extra")]
    if len(steps) >= MOST_STEPS:
        steps.remove(chance.choice(added))
        return workflow_id, steps
    name = f"extra{live['version']}x{chance.randrange(10**6)}"
    steps.insert(chance.randint(1, len(steps)), step(name, "log", message="more"))
    return workflow_id, steps


async def hold(client: Client, chance: random.Random, tenant: Tenant) -> None:
    """Pause something, and resume it a second later, as often as it takes.

    A pause whose answer is lost is not held against anybody; it is lifted all the same.
    """
    name, path, stop = _something(client, chance, tenant)
    if (tenant.organization_id, path) in client.busy:
        return
    client.busy.add((tenant.organization_id, path))
    try:
        paused = await client.call(f"pause {name}", tenant.http, "POST", f"{path}/pause") is not None
        since = time.time()
        await asyncio.sleep(PAUSE_SECONDS)
        if paused:
            client.lab.promises.stopped.append(replace(stop, at=since, until=time.time()))
    finally:
        await client.insist(f"resume {name}", tenant.http, f"{path}/resume", json=chance.choice(POLICIES))
        client.busy.discard((tenant.organization_id, path))


def _something(client: Client, chance: random.Random, tenant: Tenant) -> tuple[str, str, Stopped]:
    """What to pause: what kind of thing, its path, and the stop that this is."""
    stop, base = Stopped("pause", tenant.organization_id, 0.0), "/api/v1"
    mine = [one for one in client.lab.promises.accepted[-30:] if one.organization_id == tenant.organization_id]
    choice = chance.random()
    if choice < 0.1:
        return "organization", f"{base}/organization", stop
    if choice < 0.5 and mine:
        one = chance.choice(mine)
        path = f"{base}/workflows/{one.workflow_id}/enrollments/{one.enrollment_id}"
        return "run", path, replace(stop, enrollment_id=one.enrollment_id)
    # A paused workflow is not begun by events, so the one that they begin is left alone.
    workflow_id = chance.choice([one for name, one in tenant.named.items() if name != "begun"])
    stop = replace(stop, workflow_id=workflow_id)
    if choice < 0.75:
        return "workflow", f"{base}/workflows/{workflow_id}", stop
    step_id = chance.choice(tenant.workflows[workflow_id][1])["id"]
    return "step", f"{base}/workflows/{workflow_id}/steps/{step_id}", replace(stop, step_id=step_id)
