"""What the client does about people: enrolls them, tells events about them, decides, unsubscribes, takes them out."""

import random
import time

import httpx

from drippulse.kit.public_ids import decode_id, encode_id
from tests.chaos.client import Client, Tenant
from tests.chaos.evidence import Decided, Sent, Stopped
from tests.chaos.receivers import unsubscribe_link

START, GO = "chaos.start", "chaos.go"
STATUS_OF = {"approve": "approved", "reject": "rejected"}


async def enroll(client: Client, chance: random.Random, tenant: Tenant) -> None:
    workflow_id = chance.choice([one for name, one in tenant.named.items() if name != "begun"])
    tokens = client.new_tokens(tenant, chance.randint(1, 4))
    contacts = [{"email": f"{token}@example.com", "token": token} for token in tokens]
    path = f"/api/v1/workflows/{workflow_id}/enrollments/bulk"
    made = await client.call("enroll", tenant.http, "POST", path, json={"contacts": contacts})
    if made is None:
        return
    numbers = dict(zip(tokens, made["enrollment_ids"], strict=True))
    client.accept(tenant, workflow_id, made["workflow_version"], numbers)
    if workflow_id == tenant.named["listens"]:
        client.listening += [(tenant.organization_id, token) for token in tokens]


async def enroll_under_a_key(client: Client, chance: random.Random, tenant: Tenant) -> None:
    """Sent again under its key until it is answered; that may be after it was done and nobody heard of it."""
    del chance
    [token] = client.new_tokens(tenant, 1)
    person = {"email": f"{token}@example.com", "attributes": {"token": token}}
    headers = {"idempotency-key": token}
    contact = await client.insist("contact", tenant.http, "/v1/contacts", json=person, headers=headers)
    if contact is None or not contact.is_success:
        return
    workflow_id = tenant.named["plain"]
    body = {"workflowId": encode_id("wf", workflow_id), "contactId": contact.json()["id"]}
    made = await client.insist("enroll under a key", tenant.http, "/v1/enrollments", json=body, headers=headers)
    number = decode_id("enr", made.json()["id"]) if made is not None and made.is_success else None
    if number is not None:
        client.accept(tenant, workflow_id, tenant.workflows[workflow_id][0], {token: number})


async def start_by_event(client: Client, chance: random.Random, tenant: Tenant) -> None:
    [token] = client.new_tokens(tenant, 1)
    await _tell(client, chance, tenant, START, token)


async def end_a_wait(client: Client, chance: random.Random, tenant: Tenant) -> None:
    here = [token for organization_id, token in client.listening[-40:] if organization_id == tenant.organization_id]
    if here:
        token = chance.choice(here)
        client.listening.remove((tenant.organization_id, token))
        await _tell(client, chance, tenant, GO, token)


async def _tell(client: Client, chance: random.Random, tenant: Tenant, kind: str, token: str) -> None:
    body = {"type": kind, "email": f"{token}@example.com", "data": {"token": token}, "id": f"{kind}:{token}"}
    answer = await client.insist(kind, tenant.http, "/api/v1/events", json=body)
    if answer is not None and answer.is_success:
        client.lab.promises.sent.append(Sent(kind, tenant.organization_id, token, time.time()))
        if chance.random() < 0.3:
            await client.call(f"{kind} again", tenant.http, "POST", "/api/v1/events", json=body)


async def decide(client: Client, chance: random.Random, tenant: Tenant) -> None:
    """One that is open, or one whose time is over; sometimes twice, the second time otherwise."""
    status = "open" if chance.random() < 0.8 else "expired"
    query = {"status": status, "per_page": 20}
    found = await client.call("approvals", tenant.approver, "GET", "/api/v1/approvals", params=query)
    if not found or not found["approvals"]:
        return
    number = chance.choice(found["approvals"])["id"]
    first, second = chance.sample(list(STATUS_OF), 2)
    for decision in (first, second) if chance.random() < 0.4 else (first,):
        path = f"/api/v1/approvals/{number}/decide"
        if await client.call(f"decide {status}", tenant.approver, "POST", path, json={"decision": decision}):
            client.lab.promises.decided.append(Decided(number, STATUS_OF[decision]))


async def unsubscribe(client: Client, chance: random.Random, tenant: Tenant) -> None:
    del tenant
    recent = client.lab.sink.ledger[-20:]
    if not recent:
        return
    taken = chance.choice(recent)
    token, link = taken.recipients[0].split("@")[0], unsubscribe_link(taken.content)
    if link is None or token in client.unsubscribed:
        return
    client.unsubscribed.add(token)
    async with httpx.AsyncClient(timeout=5) as anyone:
        answer = await anyone.post(link, data={"List-Unsubscribe": "One-Click"})
    client.done[f"unsubscribe {answer.status_code}"] += 1
    if answer.is_success:
        owner = client.lab.promises.owners[token]
        client.lab.promises.stopped.append(Stopped("unsubscribe", owner, time.time(), token=token))


async def remove(client: Client, chance: random.Random, tenant: Tenant) -> None:
    await _end(client, chance, tenant, "delete")


async def cancel(client: Client, chance: random.Random, tenant: Tenant) -> None:
    await _end(client, chance, tenant, "cancel")


async def _end(client: Client, chance: random.Random, tenant: Tenant, kind: str) -> None:
    promises = client.lab.promises
    mine = [one for one in promises.accepted[-50:] if one.organization_id == tenant.organization_id]
    if not mine:
        return
    one = chance.choice(mine)
    path = f"/api/v1/workflows/{one.workflow_id}/enrollments/{one.enrollment_id}"
    how = ("DELETE", path) if kind == "delete" else ("POST", f"{path}/cancel")
    if await client.call(kind, tenant.http, *how) is not None:
        promises.stopped.append(Stopped(kind, tenant.organization_id, time.time(), enrollment_id=one.enrollment_id))


async def retry(client: Client, chance: random.Random, tenant: Tenant) -> None:
    """Runs that failed, from the step that failed."""
    workflow_id = tenant.named["refused"] if chance.random() < 0.7 else chance.choice(list(tenant.workflows))
    path = f"/api/v1/workflows/{workflow_id}/enrollments"
    query = {"status": "failed", "per_page": 20}
    found = await client.call("failed runs", tenant.http, "GET", path, params=query)
    numbers: list[int] = [one["id"] for one in found["enrollments"]] if found else []
    for number in chance.sample(numbers, min(len(numbers), 3)):
        client.lab.promises.retried.add(number)
        await client.call("retry", tenant.http, "POST", f"{path}/{number}/retry")
