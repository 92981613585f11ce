"""Null in a record: on an update it empties the field, on creating it is left out. REST and GraphQL alike."""

from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from tests.support.graphql import done, mutate

CRM = "/api/v1/crm"
KEPT: dict[RecordType, tuple[str, ...]] = {
    RecordType.ACCOUNT: ("name",),
    RecordType.CONTACT: (),
    RecordType.LEAD: ("status",),
    RecordType.OPPORTUNITY: ("name", "status", "currency"),
    RecordType.ACTIVITY: ("type",),
}
"""What has no empty value."""
WITH_KEYS = "custom_fields"
"""Emptied by key."""
FULL: dict[str, Any] = {
    "tags": ["vip"],
    "attributes": {"plan": "pro"},
    "city": "Paris",
    "phone": "1",
    "first_name": "Ada",
    "description": "Long",
    "subject": "Call",
    "body": "Long",
    "lost_reason": "Price",
    "score": 0.5,
    "amount": 10,
}
NEEDED = {RecordType.ACCOUNT: {"name": "Acme"}, RecordType.OPPORTUNITY: {"name": "Deal"}}
each = pytest.mark.parametrize("kind", list(RecordType))


def _full(kind: RecordType) -> dict[str, Any]:
    own = {name: value for name, value in FULL.items() if name in SPECS[kind].fields.model_fields}
    return {**NEEDED.get(kind, {}), **own}


def _emptied(kind: RecordType) -> list[str]:
    return [name for name in SPECS[kind].fields.model_fields if name not in {*KEPT[kind], WITH_KEYS}]


@each
async def test_null_empties_every_field_that_can_be_empty(client: httpx.AsyncClient, kind: RecordType) -> None:
    path = f"{CRM}/{SPECS[kind].plural}"
    made = (await client.post(path, json=_full(kind))).json()
    answer = await client.patch(f"{path}/{made['id']}", json=dict.fromkeys(_emptied(kind)))
    assert answer.status_code == 200, answer.text
    left = {name: value for name, value in answer.json().items() if name in _emptied(kind) and value}
    placed = {"pipeline_id", "pipeline_stage_id", "probability"} if kind is RecordType.OPPORTUNITY else set[str]()
    assert left.keys() <= placed
    assert answer.json() == {**answer.json(), "tags": [], "attributes": {}}
    texts = [name for name, value in FULL.items() if isinstance(value, str) and name in _emptied(kind)]
    assert {answer.json()[name] for name in texts} <= {""}


@each
async def test_a_mutation_empties_too(client: httpx.AsyncClient, kind: RecordType) -> None:
    name = kind.value.title()
    made = (await client.post(f"{CRM}/{SPECS[kind].plural}", json=_full(kind))).json()
    said = {_camel(field): None for field in _emptied(kind)}
    changed = await done(client, f"updateCrm{name}", f"{kind.value} {{ tags attributes }}", id=made["id"], **said)
    assert changed == {"tags": [], "attributes": {}}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in KEPT.items() for name in names])
async def test_what_has_no_empty_value_stays(client: httpx.AsyncClient, kind: RecordType, name: str) -> None:
    path = f"{CRM}/{SPECS[kind].plural}"
    made = (await client.post(path, json=_full(kind))).json()
    answer = await client.patch(f"{path}/{made['id']}", json={name: None})
    assert answer.status_code == 422
    sentence = "Cannot be empty: send a value, or leave it out to keep it."
    assert answer.json()["errors"] == {name: [sentence]}
    payload = await mutate(client, f"updateCrm{kind.value.title()}", "", id=made["id"], **{_camel(name): None})
    [error] = payload["userErrors"]
    assert (error["field"], error["message"]) == (_camel(name), f"{_camel(name)}: {sentence}")


@each
async def test_custom_fields_are_emptied_by_key(client: httpx.AsyncClient, kind: RecordType) -> None:
    path = f"{CRM}/{SPECS[kind].plural}"
    made = (await client.post(path, json=_full(kind))).json()
    for method, url, said, field in (
        ("PATCH", f"{path}/{made['id']}", {WITH_KEYS: None}, WITH_KEYS),
        ("POST", f"{path}/bulk_update", {"ids": [made["id"]], "changes": {WITH_KEYS: None}}, f"changes.{WITH_KEYS}"),
    ):
        answer = await client.request(method, url, json=said)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"] == {field: ["Are merged by key: send null for each key that shall go."]}


@each
async def test_many_records_are_emptied_at_once(client: httpx.AsyncClient, kind: RecordType) -> None:
    path = f"{CRM}/{SPECS[kind].plural}"
    made = (await client.post(path, json=_full(kind))).json()
    said = {"ids": [made["id"]], "changes": {"tags": None, "attributes": None}}
    answer = await client.post(f"{path}/bulk_update", json=said)
    assert (answer.status_code, answer.json()["updated"]) == (200, 1), answer.text
    shown = (await client.get(f"{path}/{made['id']}")).json()
    assert (shown["tags"], shown["attributes"]) == ([], {})


@each
async def test_null_on_creating_is_left_out(client: httpx.AsyncClient, kind: RecordType) -> None:
    spec, path = SPECS[kind], f"{CRM}/{SPECS[kind].plural}"
    optional = [name for name, info in spec.fields.model_fields.items() if not info.is_required()]
    plain = (await client.post(path, json=NEEDED.get(kind, {}))).json()
    answer = await client.post(path, json={**NEEDED.get(kind, {}), **dict.fromkeys(optional)})
    assert answer.status_code == 201, answer.text
    assert {name: answer.json()[name] for name in optional} == {name: plain[name] for name in optional}
    said = {**NEEDED.get(kind, {}), **{_camel(name): None for name in optional}}
    assert await done(client, f"createCrm{kind.value.title()}", f"{kind.value} {{ tags }}", **said) == {"tags": []}


@each
def test_the_description_says_so(kind: RecordType) -> None:
    assert _never_null(SPECS[kind].changes) == {*KEPT[kind], WITH_KEYS}
    assert _never_null(SPECS[kind].fields) == set(NEEDED.get(kind, {}))


def _never_null(model: type[BaseModel]) -> set[str]:
    """The fields whose schema does not take null."""
    properties: dict[str, Any] = model.model_json_schema()["properties"]
    return {name for name, schema in properties.items() if {"type": "null"} not in schema.get("anyOf", ())}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
