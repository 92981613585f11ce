"""The audit of records over REST, and undoing a changeset."""

import asyncio
from typing import Any

import httpx

from drippulse.crm.changes import reverting
from drippulse.kit.services import AppServices
from tests.support.organizations import TestOrganization

CRM = "/api/v1/crm"


async def made(client: httpx.AsyncClient, plural: str, **fields: Any) -> dict[str, Any]:
    answer = await client.post(f"{CRM}/{plural}", json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def events(client: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"{CRM}/change_events", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["change_events"]


async def revert(client: httpx.AsyncClient, changeset: int, **body: Any) -> httpx.Response:
    return await client.post(f"{CRM}/changesets/{changeset}/revert", json=body)


async def last_changeset(client: httpx.AsyncClient) -> int:
    return (await client.get(f"{CRM}/changesets")).json()["changesets"][0]["id"]


async def test_a_change_event_says_who_changed_what(organization: TestOrganization, client: httpx.AsyncClient) -> None:
    account = await made(client, "accounts", name="Acme")
    await client.patch(f"{CRM}/accounts/{account['id']}", json={"industry": "SaaS", "name": "ACME"})
    await client.delete(f"{CRM}/accounts/{account['id']}")
    deleted, changed, created = await events(client, record_id=account["public_id"])
    assert [event["action"] for event in (created, changed, deleted)] == ["create", "update", "delete"]
    assert changed["actor"] == {"type": "api_key", "id": changed["actor"]["id"], "name": "Admin"}
    assert changed["changed_fields"] == ["industry", "name"]
    assert (changed["before"], changed["after"]) == (
        {"industry": "", "name": "Acme"},
        {"industry": "SaaS", "name": "ACME"},
    )
    assert created["after"]["name"] == "Acme"
    assert (await events(client, record_id=account["id"], action="update"))[0]["id"] == changed["id"]
    assert [event["id"] for event in await events(client, since=deleted["at"])] == [deleted["id"]]
    assert await events(client, record_type="lead") == []
    assert await events(client, actor_type="user") == []
    shown = (await client.get(f"{CRM}/changesets/{changed['changeset_id']}")).json()
    assert (shown["source"], shown["counts"], shown["revert"]) == ("api", {"account.update": 1}, None)


async def test_reverting_undoes_creating_changing_and_deleting(client: httpx.AsyncClient) -> None:
    account = await made(client, "accounts", name="Acme", custom_fields={}, tags=["a"])
    path = f"{CRM}/accounts/{account['id']}"
    created = await last_changeset(client)
    await client.patch(path, json={"employee_count": 7, "tags": ["b"], "attributes": {"x": 1}})
    rehearsed = (await revert(client, await last_changeset(client), dry_run=True)).json()
    assert (rehearsed["status"], rehearsed["counts"]["reverted"]) == ("dry_run", 1)
    assert (await client.get(path)).json()["employee_count"] == 7
    done = (await revert(client, await last_changeset(client))).json()
    assert (done["status"], done["counts"]) == ("completed", {"reverted": 1, "unchanged": 0, "conflicts": 0})
    back = (await client.get(path)).json()
    assert back == {**account, "updated_at": back["updated_at"]}
    await client.delete(path)
    await revert(client, await last_changeset(client))
    assert (await client.get(path)).status_code == 200
    refused = (await revert(client, created)).json()
    assert refused["counts"]["conflicts"] == 1
    assert (await client.get(path)).status_code == 200


async def test_a_creation_that_nobody_touched_is_deleted_and_the_undoing_can_be_undone(
    client: httpx.AsyncClient,
) -> None:
    lead = await made(client, "leads", company="Acme")
    done = (await revert(client, await last_changeset(client))).json()
    assert (await client.get(f"{CRM}/leads/{lead['id']}")).status_code == 404
    again = (await revert(client, done["reverting_id"])).json()
    assert again["counts"]["reverted"] == 1
    assert (await client.get(f"{CRM}/leads/{lead['id']}")).status_code == 200


async def test_a_field_that_somebody_changed_since_is_left_alone_and_reported(client: httpx.AsyncClient) -> None:
    account = await made(client, "accounts", name="Acme")
    path = f"{CRM}/accounts/{account['id']}"
    await client.patch(path, json={"industry": "SaaS", "city": "Bern"})
    changeset = await last_changeset(client)
    await client.patch(path, json={"industry": "Banking"})
    refused = await revert(client, changeset, on_conflict="fail")
    assert (refused.status_code, refused.json()["error"]) == (409, "changeset_conflicts")
    assert (await client.get(path)).json()["city"] == "Bern"
    done = (await revert(client, changeset)).json()
    [conflict] = done["conflicts"]
    assert (conflict["field"], conflict["expected"], conflict["found"]) == ("industry", "SaaS", "Banking")
    now = (await client.get(path)).json()
    assert (now["industry"], now["city"]) == ("Banking", "")


async def test_a_changeset_is_reverted_once(client: httpx.AsyncClient) -> None:
    await made(client, "accounts", name="Acme")
    changeset = await last_changeset(client)
    answers = await asyncio.gather(*(revert(client, changeset) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    refused = next(answer.json() for answer in answers if answer.status_code == 409)
    assert refused["error"] == "changeset_already_reverted"
    assert len(await events(client, action="delete")) == 1


async def test_what_cannot_go_back_is_a_conflict_and_the_rest_goes_on(client: httpx.AsyncClient) -> None:
    contact = await made(client, "contacts", email="ada@example.com", city="Bern")
    await client.delete(f"{CRM}/contacts/{contact['id']}")
    deleting = await last_changeset(client)
    await made(client, "contacts", email="ada@example.com")
    done = (await revert(client, deleting)).json()
    assert (done["counts"]["conflicts"], done["conflicts"][0]["field"]) == (1, None)
    assert "address" in done["conflicts"][0]["reason"]
    assert (await client.get(f"{CRM}/contacts/{contact['id']}")).status_code == 404


async def test_a_large_changeset_is_undone_in_the_background_in_portions(
    organization: TestOrganization, client: httpx.AsyncClient, services: AppServices
) -> None:
    lead = await made(client, "leads", company="Acme")
    changeset = await last_changeset(client)
    async with services.database.tenant(organization.id) as session:
        await session.execute(
            """INSERT INTO lead (id, organization_id, public_id, company)
               SELECT gen_random_uuid(), $1, 'lead_planted' || n, 'Acme' FROM generate_series(1, 2500) n""",
            organization.id,
        )
        await session.execute(
            """INSERT INTO change_event
                 (organization_id, changeset_id, record_type, record_id, record_public_id, action, actor_type)
               SELECT $1, $2, 'lead', id, public_id, 'create', 'import' FROM lead WHERE id <> $3""",
            organization.id,
            changeset,
            lead["id"],
        )
    touched = (await client.get(f"{CRM}/leads", params={"per_page": 1})).json()["leads"][0]
    await client.patch(f"{CRM}/leads/{touched['id']}", json={"city": "Bern"})
    begun = (await revert(client, changeset)).json()
    assert begun["status"] == "running"
    while await reverting.revert_changesets(services.database):
        pass
    shown = (await client.get(f"{CRM}/changesets/{changeset}")).json()["revert"]
    assert (shown["status"], shown["counts"]["reverted"], shown["counts"]["conflicts"]) == ("completed", 2500, 1)
    left = (await client.get(f"{CRM}/leads")).json()
    assert (left["total_count"], left["leads"][0]["id"]) == (1, touched["id"])
