"""The `/v1` dialect: resources, errors, lists, and writing once per key."""

import asyncio
from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from tests.support.organizations import TestOrganization
from tests.support.v1 import NODES, make_contact, make_template, make_workflow

HOOK = {
    "id": "h",
    "type": "send_webhook",
    "webhookUrl": "https://example.com/hook",
    "webhookAuthHeader": "Bearer s3cret",
}


def code(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    return answer.status_code, body["error"]["code"]


@pytest.mark.parametrize(
    ("method", "path", "status", "expected"),
    [
        ("GET", "/v1/workflows/wf_zzz", 404, "workflow_not_found"),
        ("GET", "/v1/contacts/cnt_1", 404, "contact_not_found"),
        ("GET", "/v1/templates/17", 404, "template_not_found"),
        ("GET", "/v1/enrollments/enr_", 404, "enrollment_not_found"),
        ("GET", "/v1/nothing", 404, "not_found"),
        ("DELETE", "/v1/workflows", 405, "method_not_allowed"),
        ("GET", "/v1/contacts?limit=101", 400, "invalid_page"),
        ("GET", "/v1/contacts?limit=0", 400, "invalid_page"),
        ("GET", "/v1/contacts?offset=-1", 400, "invalid_page"),
        ("GET", "/v1/enrollments?status=odd", 422, "validation_failed"),
    ],
)
async def test_errors_have_the_shape_of_the_dialect(
    method: str, path: str, status: int, expected: str, client: httpx.AsyncClient
) -> None:
    assert code(await client.request(method, path)) == (status, expected)


async def test_no_credential_is_told_in_the_same_shape(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/v1/contacts")
    assert code(answer) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_what_is_missing_or_unknown_is_named_in_camel_case(client: httpx.AsyncClient) -> None:
    missing = await client.post("/v1/enrollments", json={"workflowId": "wf_1"})
    assert code(missing) == (400, "missing_parameter")
    assert "contactId" in missing.json()["error"]["message"]
    unknown = await client.post("/v1/contacts", json={"first_name": "Ada"})
    assert code(unknown) == (422, "validation_failed")
    assert 'Did you mean "firstName"?' in unknown.json()["error"]["message"]
    assert code(await client.post("/v1/contacts", content=b"{")) == (400, "malformed_json")


async def test_contacts_are_made_changed_found_and_deleted(client: httpx.AsyncClient) -> None:
    made = await make_contact(client, " Ada@Example.com ", firstName="Ada", attributes={"plan": "pro"}, tags=["vip"])
    assert made["id"].startswith("con_")
    assert (made["email"], made["attributes"], made["tags"]) == ("Ada@example.com", {"plan": "pro"}, ["vip"])
    path = f"/v1/contacts/{made['id']}"
    assert (await client.get(path)).json() == made
    changed = (await client.patch(path, json={**made, "lastName": "Lovelace"})).json()
    assert (changed["firstName"], changed["lastName"]) == ("Ada", "Lovelace")
    assert (await client.get("/v1/contacts?q=LOVE")).json()["items"] == [changed]
    assert code(await client.post("/v1/contacts", json={"email": "ADA@example.COM"})) == (409, "record_exists")
    assert code(await client.post("/v1/contacts", json={"email": "ada at example"})) == (400, "invalid_email")
    assert (await client.delete(path)).status_code == 204
    assert code(await client.get(path)) == (404, "contact_not_found")
    again = await make_contact(client, "ada@example.com")
    assert again["id"] != made["id"]


async def test_an_address_moves_only_when_nobody_else_has_it(client: httpx.AsyncClient) -> None:
    await make_contact(client, "ada@example.com")
    other = await make_contact(client, "bob@example.com", externalSystem="hubspot", externalId="7")
    path = f"/v1/contacts/{other['id']}"
    assert code(await client.patch(path, json={"email": "ada@example.com"})) == (409, "record_exists")
    assert (await client.get(path)).json()["email"] == "bob@example.com"
    taken = {"email": "eve@example.com", "externalSystem": "hubspot", "externalId": "7"}
    assert code(await client.post("/v1/contacts", json=taken)) == (409, "record_exists")


async def test_lists_have_a_window_and_a_total(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await make_contact(client, f"c{number}@example.com")
    answer = (await client.get("/v1/contacts?limit=2&offset=1")).json()
    assert [item["email"] for item in answer["items"]] == ["c1@example.com", "c0@example.com"]
    assert {name: answer[name] for name in ("total", "limit", "offset")} == {"total": 3, "limit": 2, "offset": 1}


async def test_templates_are_made_changed_and_deleted(client: httpx.AsyncClient) -> None:
    made = await make_template(client, **{"from": "Ana <ana@example.com>"})
    assert (made["version"], made["from"]) == (1, "Ana <ana@example.com>")
    path = f"/v1/templates/{made['id']}"
    changed = (await client.patch(path, json={"subject": "New"})).json()
    assert (changed["subject"], changed["body"], changed["version"]) == ("New", made["body"], 2)
    refused = await client.patch(path, json={"body": "{{ x | nofilter }}"})
    assert code(refused) == (422, "validation_failed")
    assert "body" in refused.json()["error"]["message"]
    assert (await client.get("/v1/templates")).json()["total"] == 1
    assert (await client.delete(path)).status_code == 204
    assert (await client.get("/v1/templates")).json()["items"] == []


async def test_a_workflow_is_shown_as_it_was_sent(client: httpx.AsyncClient) -> None:
    body: dict[str, Any] = {
        "trigger": {"type": "event", "eventType": "lead.created"},
        "exitCriteria": [{"trigger": "unsubscribe"}],
        "optOutMode": "reply",
        "pausedNodeIds": ["n2"],
    }
    made = await make_workflow(client, **body)
    assert made["nodes"] == NODES
    assert {name: made[name] for name in body} == body
    found = (await client.get(f"/v1/workflows/{made['id']}")).json()
    assert found == made
    echoed = await client.patch(f"/v1/workflows/{made['id']}", json=found)
    assert echoed.status_code == 200, echoed.text
    assert (echoed.json()["version"], echoed.json()["nodes"]) == (1, NODES)


async def test_a_changed_definition_makes_a_version_and_a_status_does_not(client: httpx.AsyncClient) -> None:
    made = await make_workflow(client)
    path = f"/v1/workflows/{made['id']}"
    paused = (await client.patch(path, json={"status": "paused", "pausedNodeIds": ["n1"]})).json()
    assert (paused["status"], paused["version"], paused["pausedNodeIds"]) == ("paused", 1, ["n1"])
    fewer = (await client.patch(path, json={"nodes": NODES[1:]})).json()
    assert (fewer["version"], fewer["nodes"], fewer["pausedNodeIds"]) == (2, NODES[1:], [])
    assert (await client.delete(path)).status_code == 204
    assert code(await client.get(path)) == (404, "workflow_not_found")


async def test_a_secret_is_never_shown_and_an_echoed_mask_keeps_it(client: httpx.AsyncClient) -> None:
    made = await make_workflow(client, HOOK)
    assert made["nodes"] == [{**HOOK, "webhookAuthHeader": "********"}]
    path = f"/v1/workflows/{made['id']}"
    longer = [{**made["nodes"][0], "nextNodeId": "end"}, {"id": "end", "type": "exit"}]
    changed = await client.patch(path, json={"nodes": longer})
    assert changed.json()["version"] == 2
    assert "s3cret" not in (await client.get(path)).text
    elsewhere = [{**made["nodes"][0], "webhookUrl": "https://evil.example/hook"}]
    assert code(await client.patch(path, json={"nodes": elsewhere})) == (400, "invalid_workflow")


async def test_a_workflow_of_steps_is_shown_as_nodes(client: httpx.AsyncClient) -> None:
    steps = [
        {"id": "w", "type": "wait", "config": {"duration": 2, "unit": "hours"}},
        {"id": "l", "type": "log", "config": {"message": "x"}},
    ]
    await client.post("/api/v1/workflows", json={"name": "Steps", "steps": steps})
    [shown] = (await client.get("/v1/workflows?status=draft")).json()["items"]
    assert shown["nodes"][0] == {
        "id": "w",
        "type": "delay",
        "delayAmount": 2,
        "delayUnit": "hours",
        "nextNodeId": "l",
    }
    assert (shown["nodes"][1]["type"], shown["nodes"][1]["config"]["message"]) == ("log", "x")


@pytest.mark.parametrize(
    ("nodes", "place"),
    [
        ([{"id": "n1", "type": "send_email", "templateId": "tpl_zzz"}], "nodes.0.templateId names a template"),
        ([{"id": "n1", "type": "delay", "delayMinutes": 5, "nextNodeId": "n7"}], "nodes.0.nextNodeId"),
        ([{**HOOK, "webhookUrl": "ftp://example.com"}], "nodes.0.webhookUrl"),
    ],
)
async def test_refused_definitions_name_the_node(
    nodes: list[dict[str, Any]], place: str, client: httpx.AsyncClient
) -> None:
    answer = await client.post("/v1/workflows", json={"name": "W", "nodes": nodes})
    assert code(answer) == (400, "invalid_workflow")
    assert answer.json()["error"]["message"].startswith(place)
    assert (await client.get("/v1/workflows")).json()["total"] == 0


async def _enroll(client: httpx.AsyncClient, workflow: str, contact: str, **headers: str) -> httpx.Response:
    body = {"workflowId": workflow, "contactId": contact}
    return await client.post("/v1/enrollments", json=body, headers=headers)


async def test_a_contact_is_enrolled_once_at_a_time(client: httpx.AsyncClient) -> None:
    workflow, contact = (await make_workflow(client))["id"], (await make_contact(client))["id"]
    answers = await asyncio.gather(*(_enroll(client, workflow, contact) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert {code(answer)[1] for answer in answers if answer.status_code == 409} == {"already_enrolled"}
    found = (await client.get(f"/v1/enrollments?workflowId={workflow}&contactId={contact}&status=active")).json()
    assert found["total"] == 1
    assert (await client.get("/v1/enrollments?workflowId=wf_zz")).json()["total"] == 0


async def test_who_cannot_be_written_to_is_not_enrolled(organization: TestOrganization, services: AppServices) -> None:
    client = organization.client
    workflow = (await make_workflow(client))["id"]
    nobody, gone = await make_contact(client, None), await make_contact(client, "Gone@example.com")
    async with services.database.tenant(organization.id) as session:
        await session.execute(
            "INSERT INTO suppression (organization_id, email, reason) VALUES ($1, 'gone@example.com', 'manual')",
            organization.id,
        )
    assert code(await _enroll(client, workflow, nobody["id"])) == (400, "invalid_email")
    assert code(await _enroll(client, workflow, gone["id"])) == (400, "contact_suppressed")
    ids = [nobody["id"], gone["id"], "con_zzz"]
    answer = await client.post("/v1/enrollments/bulk", json={"workflowId": workflow, "contactIds": ids})
    results = answer.json()["results"]
    assert [result["status"] for result in results] == ["failed", "failed", "failed"]
    reasons = [result["reason"] for result in results]
    assert reasons[:2] == ["invalid email", "contact suppressed"]
    assert "No contact" in reasons[2]


async def test_bulk_takes_one_to_a_hundred_and_counts_a_repeated_id_once(client: httpx.AsyncClient) -> None:
    workflow, contact = (await make_workflow(client))["id"], (await make_contact(client))["id"]
    body = {"workflowId": workflow, "contactIds": [contact, contact]}
    results = (await client.post("/v1/enrollments/bulk", json=body)).json()["results"]
    assert [result["status"] for result in results] == ["enrolled", "skipped"]
    for ids in ([], ["con_1"] * 101):
        refused = await client.post("/v1/enrollments/bulk", json={"workflowId": workflow, "contactIds": ids})
        assert code(refused) == (422, "too_many_contacts")


async def test_a_deleted_contact_is_out_of_every_workflow(client: httpx.AsyncClient) -> None:
    workflow, contact = (await make_workflow(client))["id"], (await make_contact(client))["id"]
    enrolled = (await _enroll(client, workflow, contact)).json()["id"]
    await client.delete(f"/v1/contacts/{contact}")
    found = (await client.get(f"/v1/enrollments/{enrolled}")).json()
    assert (found["status"], found["exitReason"], found["currentNodeId"]) == ("cancelled", "contact_deleted", None)


async def test_a_key_replays_the_answer_even_when_things_have_moved_on(client: httpx.AsyncClient) -> None:
    first = await client.post("/v1/contacts", json={"email": "a@example.com"}, headers={"Idempotency-Key": "k 1"})
    await client.delete(f"/v1/contacts/{first.json()['id']}")
    again = await client.post(
        "/v1/contacts", content=b'{ "email":"a@example.com" }', headers={"Idempotency-Key": "k 1"}
    )
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert (await client.get("/v1/contacts")).json()["total"] == 0


async def test_a_key_stands_for_one_body_on_one_path_in_one_organization(
    organization: TestOrganization, new_organization: Any
) -> None:
    client, key = organization.client, {"Idempotency-Key": "k"}
    await client.post("/v1/contacts", json={"email": "a@example.com"}, headers=key)
    other_body = await client.post("/v1/contacts", json={"email": "b@example.com"}, headers=key)
    assert code(other_body) == (422, "idempotency_mismatch")
    texts = {"name": "T", "subject": "s", "body": "b"}
    assert (await client.post("/v1/templates", json=texts, headers=key)).status_code == 201
    elsewhere = (await new_organization()).client
    made = await elsewhere.post("/v1/contacts", json={"email": "a@example.com"}, headers=key)
    assert (made.status_code, "idempotent-replayed" in made.headers) == (201, False)
    assert code(await client.post("/v1/contacts", json={}, headers={"Idempotency-Key": "é".encode("latin-1")})) == (  # pyright: ignore[reportArgumentType] - bytes on the wire
        400,
        "invalid_idempotency_key",
    )


async def test_a_refused_request_leaves_its_key_free(client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "k"}
    refused = await client.post("/v1/contacts", json={"email": "nobody"}, headers=key)
    assert code(refused) == (400, "invalid_email")
    made = await client.post("/v1/contacts", json={"email": "a@example.com"}, headers=key)
    assert made.status_code == 201


async def test_the_same_key_at_the_same_time_writes_once(client: httpx.AsyncClient) -> None:
    async def send() -> httpx.Response:
        body = {"name": "W", "nodes": NODES}
        return await client.post("/v1/workflows", json=body, headers={"Idempotency-Key": "k"})

    answers = await asyncio.gather(*(send() for _ in range(8)))
    done = [answer for answer in answers if answer.status_code == 201]
    assert {answer.content for answer in done} == {done[0].content}
    assert all(code(answer) == (409, "idempotency_in_flight") for answer in answers if answer.status_code != 201)
    assert (await client.get("/v1/workflows")).json()["total"] == 1


async def test_a_key_counts_for_a_day(organization: TestOrganization, services: AppServices) -> None:
    client, key = organization.client, {"Idempotency-Key": "k"}
    await client.post("/v1/contacts", json={"email": "a@example.com"}, headers=key)
    async with services.database.tenant(organization.id) as session:
        stored = await session.fetchrow("DELETE FROM idempotency_key RETURNING *")
        assert stored is not None
        await session.execute(
            """INSERT INTO idempotency_key (organization_id, method, path, key, fingerprint, status, body, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, now() - interval '24 hours 1 second')""",
            *tuple(stored.values())[:7],
        )
    again = await client.post("/v1/contacts", json={"email": "b@example.com"}, headers=key)
    assert again.status_code == 201
