"""`POST /workflows/:id/enrollments/bulk`: every documented body, answer and 422 shape."""

from typing import Any

import httpx
import orjson
import pytest

from drippulse.kit.services import AppServices
from tests.support.organizations import TestOrganization
from tests.support.workflows import create_workflow, enroll


async def _bulk(client: httpx.AsyncClient, body: Any, **changes: Any) -> httpx.Response:
    made = await create_workflow(client, **changes)
    return await client.post(f"/api/v1/workflows/{made['id']}/enrollments/bulk", json=body)


async def test_the_documented_body_enrolls_a_contact(client: httpx.AsyncClient) -> None:
    contact = {"email": "a@b.com", "first_name": "Ada", "lead_ref": "crm-123"}
    response = await _bulk(client, {"contacts": [contact], "timezone": "UTC"})
    body = response.json()
    assert response.status_code == 201
    assert (body["created_count"], len(body["enrollment_ids"])) == (1, 1)
    assert "skipped_invalid_rows" not in body
    assert body["results"] == [
        {"index": 0, "status": "enrolled", "enrollment_id": body["enrollment_ids"][0], "reason": None}
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"enrollment": {"contacts": [{"email": "a@b.com"}]}},
        {"enrollment": {"contacts": [{"email": "a@b.com"}], "timezone": "Europe/Berlin"}},
        {"enrollment": {"contacts": [{"email": "a@b.com"}]}, "timezone": "UTC"},
        {"contacts": [{"email": "a@b.com"}], "agent_id": None, "timezone": None},
    ],
)
async def test_the_enrollment_wrapper_is_accepted(body: dict[str, Any], client: httpx.AsyncClient) -> None:
    response = await _bulk(client, body)
    assert (response.status_code, response.json()["created_count"]) == (201, 1)


async def test_rows_that_are_no_objects_are_skipped_and_counted(client: httpx.AsyncClient) -> None:
    body = (await _bulk(client, {"contacts": ["x", {"email": "a@b.com"}, None, 5, [], {"email": "c@d.com"}]})).json()
    assert (body["created_count"], body["skipped_invalid_rows"]) == (2, 4)
    assert [result["status"] for result in body["results"]] == [
        "invalid",
        "enrolled",
        "invalid",
        "invalid",
        "invalid",
        "enrolled",
    ]
    assert body["results"][0]["reason"] == "Not a JSON object."
    assert [result["index"] for result in body["results"]] == list(range(6))


NOTHING: dict[str, Any] = {}
"""A contact without any field, and a body without any."""


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (NOTHING, "contacts_required"),
        ({"contacts": NOTHING}, "contacts_required"),
        ({"contacts": None}, "contacts_required"),
        ({"contacts": "a@b.com"}, "contacts_required"),
        ({"enrollment": NOTHING}, "contacts_required"),
        ({"enrollments": {"contacts": [NOTHING]}}, "contacts_required"),
        ([{"email": "a@b.com"}], "contacts_required"),
        ({"contacts": []}, "contacts_empty"),
        ({"enrollment": {"contacts": []}}, "contacts_empty"),
        ({"contacts": ["a@b.com", 5]}, "no_enrollments_created"),
        ({"contacts": [NOTHING], "timezone": "Mars/Olympus"}, "invalid_timezone"),
        ({"contacts": [NOTHING], "timezone": 5}, "invalid_timezone"),
        ({"contacts": [NOTHING], "timezon": "UTC"}, "validation_failed"),
    ],
)
async def test_when_nothing_is_created_the_answer_is_422(
    body: Any, error: str, organization: TestOrganization, services: AppServices
) -> None:
    response = await _bulk(organization.client, body)
    assert (response.status_code, response.json()["error"]) == (422, error)
    assert response.json()["message"]
    async with services.database.tenant(organization.id) as session:
        assert await session.fetchval("SELECT count(*) FROM enrollment") == 0


async def test_an_empty_body_is_contacts_required(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client)
    response = await client.post(
        f"/api/v1/workflows/{made['id']}/enrollments/bulk", headers={"content-type": "application/json"}
    )
    assert (response.status_code, response.json()["error"]) == (422, "contacts_required")


@pytest.mark.parametrize("form", [{"data": {"contacts": "a@b.com"}}, {"files": {"contacts": b"email\na@b.com"}}])
async def test_forms_and_multipart_create_nothing(form: dict[str, Any], client: httpx.AsyncClient) -> None:
    made = await create_workflow(client)
    response = await client.post(f"/api/v1/workflows/{made['id']}/enrollments/bulk", **form)
    assert (response.status_code, response.json()["error"]) == (422, "no_enrollments_created")
    assert "application/json" in response.json()["message"]


async def test_malformed_json_is_400(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client)
    response = await client.post(
        f"/api/v1/workflows/{made['id']}/enrollments/bulk",
        content=b'{"contacts": [',
        headers={"content-type": "application/json"},
    )
    assert (response.status_code, response.json()["error"]) == (400, "malformed_json")


async def test_an_archived_workflow_refuses(client: httpx.AsyncClient) -> None:
    response = await _bulk(client, {"contacts": [{"email": "a@b.com"}]}, status="archived")
    assert (response.status_code, response.json()["error"]) == (422, "workflow_archived")


@pytest.mark.parametrize("status", ["draft", "active", "paused"])
async def test_every_other_status_takes_enrollments(status: str, client: httpx.AsyncClient) -> None:
    assert (await _bulk(client, {"contacts": [{"email": "a@b.com"}]}, status=status)).status_code == 201


async def test_an_unknown_agent_is_404(client: httpx.AsyncClient) -> None:
    response = await _bulk(client, {"contacts": [{"email": "a@b.com"}], "agent_id": 9})
    assert (response.status_code, response.json()["error"]) == (404, "agent_not_found")


async def test_an_unknown_workflow_is_404(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/v1/workflows/999999999/enrollments/bulk", json={"contacts": [NOTHING]})
    assert (response.status_code, response.json()["error"]) == (404, "workflow_not_found")


async def test_each_call_creates_new_rows(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client)
    first = await enroll(client, made["id"], {"email": "a@b.com"})
    second = await enroll(client, made["id"], {"email": "a@b.com"})
    assert set(first["enrollment_ids"]).isdisjoint(second["enrollment_ids"])


@pytest.mark.parametrize(
    ("contact", "reference"),
    [
        ({"lead_ref": "a", "id": "b", "uuid": "c"}, "a"),
        ({"lead_id": "e", "crm_id": "d", "public_id": "cnt_1", "uuid": "u", "id": 7}, "7"),
        ({"lead_id": "e", "crm_id": "d", "public_id": "cnt_1", "uuid": "u"}, "u"),
        ({"lead_id": "e", "crm_id": "d", "public_id": "cnt_1"}, "cnt_1"),
        ({"lead_id": "e", "crm_id": "d"}, "d"),
        ({"lead_id": "e"}, "e"),
        ({"lead_ref": None, "id": "", "uuid": "u"}, "u"),
        ({"email": "a@b.com"}, None),
    ],
)
async def test_the_first_present_reference_becomes_lead_ref(
    contact: dict[str, Any], reference: str | None, client: httpx.AsyncClient
) -> None:
    made = await create_workflow(client)
    await enroll(client, made["id"], contact)
    listed = (await client.get(f"/api/v1/workflows/{made['id']}/enrollments")).json()
    assert listed["enrollments"][0]["lead_ref"] == reference


async def test_contacts_are_free_form_and_become_the_bag(client: httpx.AsyncClient) -> None:
    contact = {"email": "Ada@Example.COM ", "first_name": "Ada", "nested": {"deep": [1, 2.5, None, True]}, "ünï": "✓"}
    made = await create_workflow(client)
    ids = (await enroll(client, made["id"], contact))["enrollment_ids"]
    detail = (await client.get(f"/api/v1/workflows/{made['id']}/enrollments/{ids[0]}")).json()
    assert detail["runtime_state"]["bag"] == contact
    assert detail["contact"]["email"] == "Ada@example.com"


@pytest.mark.parametrize("email", [None, "", "not an address", "x" * 5000, 5, ["a@b.com"], {"a": 1}])
async def test_a_contact_without_a_valid_address_is_enrolled(email: Any, client: httpx.AsyncClient) -> None:
    assert (await _bulk(client, {"contacts": [{"email": email}]})).status_code == 201


async def test_a_contacts_own_valid_time_zone_wins_over_the_calls(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client)
    await enroll(
        client,
        made["id"],
        {"email": "a@b.com", "timezone": "Asia/Tokyo"},
        {"email": "b@b.com", "timezone": "Nowhere"},
        {"email": "c@b.com"},
        timezone="Europe/Berlin",
    )
    listed = (await client.get(f"/api/v1/workflows/{made['id']}/enrollments")).json()["enrollments"]
    assert [row["timezone"] for row in listed[::-1]] == ["Asia/Tokyo", "Europe/Berlin", "Europe/Berlin"]


async def test_nul_characters_make_a_row_invalid(client: httpx.AsyncClient) -> None:
    contacts = [{"email": "a@b.com", "note": "\x00"}, {"email": "b@b.com", "\x00": 1}, {"note": "\\u0000 as text"}]
    body = (await _bulk(client, {"contacts": contacts})).json()
    assert (body["created_count"], body["skipped_invalid_rows"]) == (1, 2)
    assert "U+0000" in body["results"][0]["reason"]


async def test_ten_thousand_contacts_go_into_one_call_in_order(client: httpx.AsyncClient) -> None:
    contacts = [{"email": f"user{number}@example.com", "n": number} for number in range(10_000)]
    made = await create_workflow(client)
    body = await enroll(client, made["id"], *contacts)
    assert body["created_count"] == 10_000
    assert body["enrollment_ids"] == sorted(body["enrollment_ids"])
    detail = await client.get(f"/api/v1/workflows/{made['id']}/enrollments/{body['enrollment_ids'][1234]}")
    assert detail.json()["runtime_state"]["bag"] == contacts[1234]


async def test_bodies_over_a_megabyte_are_fine_and_over_32_are_not(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client)
    path = f"/api/v1/workflows/{made['id']}/enrollments/bulk"
    headers = {"content-type": "application/json"}
    big = orjson.dumps({"contacts": [{"note": "x" * 2_000_000}]})
    assert (await client.post(path, content=big, headers=headers)).status_code == 201
    response = await client.post(path, content=b" " * (33 * 1_048_576), headers=headers)
    assert (response.status_code, response.json()["error"]) == (413, "payload_too_large")


async def test_too_many_contacts_are_refused(client: httpx.AsyncClient) -> None:
    response = await _bulk(client, {"contacts": [0] * 100_001})
    assert (response.status_code, response.json()["error"]) == (422, "too_many_contacts")


async def test_each_row_appends_its_event(organization: TestOrganization, services: AppServices) -> None:
    made = await create_workflow(organization.client)
    ids = (await enroll(organization.client, made["id"], {"lead_ref": "r1"}, {"lead_ref": "r2"}))["enrollment_ids"]
    async with services.database.tenant(organization.id) as session:
        rows = await session.fetch("SELECT record_id, data FROM event WHERE type = 'enrollment.created' ORDER BY id")
    assert [int(row["record_id"]) for row in rows] == ids
    assert orjson.loads(rows[0]["data"]) == {"workflow_id": made["id"], "workflow_version": 1, "lead_ref": "r1"}
