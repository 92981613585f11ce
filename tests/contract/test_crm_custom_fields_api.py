"""Custom fields: defining them, checking values on every write, filtering by them."""

from typing import Any

import httpx
import pytest

CRM = "/api/v1/crm"
FIELDS = f"{CRM}/custom_fields"
GOOD: dict[str, tuple[Any, Any]] = {
    "text": ("a", "a"),
    "number": (12.5, 12.5),
    "integer": (12, 12),
    "boolean": (False, False),
    "date": ("2026-03-31", "2026-03-31"),
    "timestamp": ("2026-03-31T11:00:00+02:00", "2026-03-31T09:00:00.000Z"),
    "select": ("red", "red"),
    "multi_select": (["red", "blue", "red"], ["red", "blue"]),
    "url": ("https://example.com/x", "https://example.com/x"),
    "email": ("ana@Example.com", "ana@example.com"),
}
BAD: dict[str, list[Any]] = {
    "text": [1, ["a"]],
    "number": ["much", True, [1], 1e300],
    "integer": [1.5, "x"],
    "boolean": ["maybe", 3],
    "date": ["31.3.2026", 5],
    "timestamp": ["soon"],
    "select": ["rde", 1],
    "multi_select": [["green"], 5],
    "url": ["javascript:alert(1)", "x"],
    "email": ["nobody"],
}


async def define(client: httpx.AsyncClient, key: str, kind: str = "text", **more: Any) -> dict[str, Any]:
    options = ["red", "blue"] if "select" in kind else []
    body = {"record_type": "contact", "key": key, "label": key.title(), "type": kind, "options": options, **more}
    answer = await client.post(FIELDS, json={"custom_field": body})
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.parametrize("kind", GOOD)
async def test_a_value_is_stored_as_its_type_and_anything_else_is_refused(client: httpx.AsyncClient, kind: str) -> None:
    await define(client, "mine", kind)
    sent, stored = GOOD[kind]
    made = await client.post(f"{CRM}/contacts", json={"first_name": "Ada", "custom_fields": {"mine": sent}})
    assert made.json()["custom_fields"] == {"mine": stored}
    path = f"{CRM}/contacts/{made.json()['id']}"
    for wrong in BAD[kind]:
        answer = await client.patch(path, json={"custom_fields": {"mine": wrong}})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["custom_fields.mine"]), wrong
    assert (await client.get(path)).json() == made.json()
    assert (await client.patch(path, json={"custom_fields": {"mine": None}})).json()["custom_fields"] == {}


async def test_an_unknown_key_is_refused_with_the_nearest_known_one(client: httpx.AsyncClient) -> None:
    await define(client, "colour")
    answer = await client.post(f"{CRM}/contacts", json={"custom_fields": {"color": "red"}})
    assert answer.status_code == 422
    assert "colour" in answer.json()["errors"]["custom_fields.color"][0]
    other = await client.post(f"{CRM}/leads", json={"custom_fields": {"colour": "red"}})
    assert other.status_code == 422


async def test_required_ones_and_defaults_count_when_a_record_is_created(client: httpx.AsyncClient) -> None:
    await define(client, "tier", "select", default="blue")
    field = await define(client, "plan", required=True)
    missing = await client.post(f"{CRM}/contacts", json={"first_name": "Ada"})
    assert (missing.status_code, list(missing.json()["errors"])) == (422, ["custom_fields.plan"])
    made = (await client.post(f"{CRM}/contacts", json={"custom_fields": {"plan": "pro"}})).json()
    assert made["custom_fields"] == {"plan": "pro", "tier": "blue"}
    gone = await client.patch(f"{CRM}/contacts/{made['id']}", json={"custom_fields": {"plan": None}})
    assert gone.status_code == 422
    await client.patch(f"{FIELDS}/{field['id']}", json={**field, "required": False, "label": "The plan"})
    assert (await client.post(f"{CRM}/contacts", json={"first_name": "Ada"})).status_code == 201


async def test_a_list_filters_and_sorts_by_them(client: httpx.AsyncClient) -> None:
    await define(client, "seats", "integer")
    await define(client, "plan", "select")
    for seats, plan in ((3, "red"), (20, "blue")):
        await client.post(f"{CRM}/contacts", json={"custom_fields": {"seats": seats, "plan": plan}})
    await client.post(f"{CRM}/contacts", json={"first_name": "Ada"})

    async def found(**params: str) -> list[int | None]:
        answer = await client.get(f"{CRM}/contacts", params=params)
        assert answer.status_code == 200, answer.text
        return [row["custom_fields"].get("seats") for row in answer.json()["contacts"]]

    assert await found(**{"custom.seats[gte]": "10"}) == [20]
    assert await found(**{"custom.plan": "red"}) == [3]
    assert await found(**{"custom.seats[exists]": "false"}) == [None]
    assert await found(sort="custom.seats") == [3, 20, None]
    assert await found(sort="-custom.seats", per_page="1") == [20]
    unknown = await client.get(f"{CRM}/contacts", params={"custom.seat": "3"})
    assert unknown.status_code == 422


async def test_a_definition_that_contradicts_itself_is_refused(client: httpx.AsyncClient) -> None:
    body = {"record_type": "lead", "key": "x", "label": "X", "type": "select"}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "options"),
        ({"type": "text", "options": ["a"]}, "options"),
        ({"options": ["a"], "default": "b"}, "default"),
        ({"key": "Not a key"}, "key"),
        ({"type": "colour"}, "type"),
        ({"record_type": "deal"}, "record_type"),
    ]
    for change, place in wrong:
        answer = await client.post(FIELDS, json={**body, **change})
        assert (answer.status_code, next(iter(answer.json()["errors"]))) == (422, place), change
    await define(client, "twice")
    again = await client.post(FIELDS, json={"record_type": "contact", "key": "twice", "label": "X", "type": "text"})
    assert (again.status_code, again.json()["error"]) == (409, "custom_field_exists")


async def test_deleting_a_definition_keeps_values_and_ends_the_checks(client: httpx.AsyncClient) -> None:
    field = await define(client, "plan")
    made = (await client.post(f"{CRM}/contacts", json={"custom_fields": {"plan": "pro"}})).json()
    assert (await client.delete(f"{FIELDS}/{field['id']}")).status_code == 204
    assert (await client.get(f"{CRM}/contacts/{made['id']}")).json()["custom_fields"] == {"plan": "pro"}
    renamed = await client.patch(f"{CRM}/contacts/{made['id']}", json={"first_name": "Ada"})
    assert renamed.status_code == 200
    assert (await client.get(FIELDS)).json() == {"custom_fields": [], "total_count": 0}
