"""Merging records over REST: what is left, what followed, what finds it, and taking it back."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from tests.conftest import MakeOrganization
from tests.support.crm import CRM, make_record
from tests.support.organizations import TestOrganization

BARE: dict[str, dict[str, Any]] = {
    "accounts": {"name": "Acme"},
    "contacts": {"first_name": "Ada"},
    "leads": {"first_name": "Ada"},
    "opportunities": {"name": "Deal"},
}
SINGULAR = {"accounts": "account", "contacts": "contact", "leads": "lead", "opportunities": "opportunity"}
each = pytest.mark.parametrize("plural", BARE)


async def merge(
    client: httpx.AsyncClient, plural: str, into: dict[str, Any], *others: dict[str, Any], **fields: str
) -> httpx.Response:
    body: dict[str, Any] = {"merge": [one["public_id"] for one in others]}
    return await client.post(f"{CRM}/{plural}/{into['id']}/merge", json=body | ({"fields": fields} if fields else {}))


async def merged(
    client: httpx.AsyncClient, plural: str, into: dict[str, Any], *others: dict[str, Any], **fields: str
) -> dict[str, Any]:
    answer = await merge(client, plural, into, *others, **fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def unmerge(client: httpx.AsyncClient, plural: str, record: dict[str, Any], **body: Any) -> httpx.Response:
    return await client.post(f"{CRM}/{plural}/{record['public_id']}/unmerge", json=body)


async def shown(client: httpx.AsyncClient, plural: str, record: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"{CRM}/{plural}/{record['id']}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def without_time(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "updated_at"}


@each
async def test_a_merged_record_is_gone_and_says_where_it_went(client: httpx.AsyncClient, plural: str) -> None:
    first, second, third = [await make_record(client, plural, **BARE[plural], tags=[tag]) for tag in "abc"]
    done = await merged(client, plural, second, first)
    assert (done["merged"], done["record"]["id"]) == ([first["public_id"]], second["id"])
    assert (await merged(client, plural, third, second))["record"]["tags"] == ["c", "b", "a"]
    for gone in (first, second):
        for ref in (gone["id"], gone["public_id"]):
            path = f"{CRM}/{plural}/{ref}"
            for answer in (
                await client.get(path),
                await client.patch(path, json={"tags": []}),
                await client.delete(path),
                await merge(client, plural, third, gone),
            ):
                told = answer.json()
                assert (answer.status_code, told["error"]) == (404, f"{SINGULAR[plural]}_not_found")
                assert told["merged_into"] == third["public_id"]
    refused = await client.post(f"{CRM}/{plural}/{first['id']}/restore")
    assert (refused.status_code, refused.json()["error"]) == (409, "record_merged")
    listed = (await client.get(f"{CRM}/{plural}")).json()
    assert ([row["id"] for row in listed[plural]], listed["total_count"]) == ([third["id"]], 1)


@each
async def test_a_merge_taken_back_leaves_everything_as_it_was(client: httpx.AsyncClient, plural: str) -> None:
    one = {"tags": ["a"], "attributes": {"x": 1}, "external_system": "erp", "external_id": "1"}
    two = {"tags": ["b"], "attributes": {"x": 2, "y": 3}, "external_system": "erp", "external_id": "2"}
    first, second = [await make_record(client, plural, **BARE[plural], **more) for more in (one, two)]
    done = await merged(client, plural, first, second)
    assert done["record"]["attributes"] == {"x": 1, "y": 3}
    rehearsed = (await unmerge(client, plural, second, dry_run=True)).json()
    assert rehearsed["status"] == "dry_run"
    assert (await client.get(f"{CRM}/{plural}/{second['id']}")).status_code == 404
    back = (await unmerge(client, plural, second)).json()
    assert (back["status"], back["conflicts"]) == ("completed", [])
    for record in (first, second):
        assert without_time(await shown(client, plural, record)) == without_time(record)
    again = await unmerge(client, plural, first)
    assert (again.status_code, again.json()["error"]) == (409, "not_merged")


async def test_reverting_the_merge_and_then_the_reverting(client: httpx.AsyncClient) -> None:
    account = await make_record(client, "accounts", name="Acme")
    other = await make_record(client, "accounts", name="Acme Ltd", phone="1")
    contact = await make_record(client, "contacts", first_name="Ada", account_id=other["id"])
    done = await merged(client, "accounts", account, other)
    path = f"{CRM}/changesets/{done['changeset_id']}"
    reverted = (await client.post(f"{path}/revert", json={})).json()
    assert (reverted["counts"]["reverted"], reverted["conflicts"]) == (3, [])
    assert (await shown(client, "contacts", contact))["account_id"] == other["id"]
    assert (await shown(client, "accounts", account))["phone"] == ""
    counts = (await client.get(f"{CRM}/changesets/{reverted['reverting_id']}")).json()["counts"]
    assert counts == {"account.unmerge": 1, "account.update": 1, "contact.update": 1}
    await client.post(f"{CRM}/changesets/{reverted['reverting_id']}/revert", json={})
    assert (await shown(client, "contacts", contact))["account_id"] == account["id"]
    assert (await shown(client, "accounts", account))["phone"] == "1"
    gone = (await client.get(f"{CRM}/accounts/{other['id']}")).json()
    assert gone["merged_into"] == account["public_id"]


async def test_what_is_empty_is_filled_and_the_first_of_the_others_comes_first(client: httpx.AsyncClient) -> None:
    survivor = await make_record(client, "contacts", first_name="Ada", city="Bern", attributes={"plan": ""})
    second = await make_record(
        client, "contacts", first_name="Adah", email="ada@example.com", street="Main St 1", city="Basel", phone="2"
    )
    third = await make_record(
        client, "contacts", email="third@example.com", street="Own St 3", city="bern", phone="3", attributes={"plan": 1}
    )
    left = (await merged(client, "contacts", survivor, second, third))["record"]
    assert (left["first_name"], left["email"], left["phone"]) == ("Ada", "ada@example.com", "2")
    assert (left["street"], left["city"], left["attributes"]) == ("Own St 3", "Bern", {"plan": 1})


async def test_a_field_may_come_from_the_record_that_is_named(client: httpx.AsyncClient) -> None:
    first = await make_record(client, "contacts", email="old@example.com", phone="1", title="Dr")
    second = await make_record(client, "contacts", email="new@example.com", tags=["x"])
    left = (
        await merged(client, "contacts", first, second, email=second["id"], phone=second["public_id"], tags=first["id"])
    )["record"]
    assert (left["email"], left["phone"], left["title"], left["tags"]) == ("new@example.com", "", "Dr", [])
    for address in ("old@example.com", "new@example.com"):
        rows = {"contacts": [{"email": address, "city": address}]}
        report = (await client.post(f"{CRM}/import", json=rows)).json()
        assert report["counts"]["updated"] == 1, report
        now = await shown(client, "contacts", first)
        assert (now["city"], now["email"]) == (address, "new@example.com")
    assert (await unmerge(client, "contacts", first)).status_code == 200
    assert (await shown(client, "contacts", first))["email"] == "old@example.com"
    assert (await shown(client, "contacts", second))["email"] == "new@example.com"


async def test_an_amount_brings_its_currency_and_a_stage_its_status(client: httpx.AsyncClient) -> None:
    first = await make_record(client, "opportunities", name="A", currency="EUR")
    second = await make_record(client, "opportunities", name="B", amount=100, currency="CHF", status="won")
    left = (await merged(client, "opportunities", first, second))["record"]
    assert (left["amount"], left["currency"], left["status"]) == (100, "CHF", "open")
    await unmerge(client, "opportunities", first)
    left = (await merged(client, "opportunities", first, second, status=second["id"]))["record"]
    assert (left["status"], left["pipeline_stage_id"]) == ("won", second["pipeline_stage_id"])
    assert left["closed_at"]
    await unmerge(client, "opportunities", first)
    now = await shown(client, "opportunities", first)
    assert (now["status"], now["amount"], now["currency"], now["closed_at"]) == ("open", None, "EUR", None)


async def test_what_referred_to_the_others_refers_to_the_one_that_is_left(client: httpx.AsyncClient) -> None:
    accounts = [await make_record(client, "accounts", name=name) for name in "AB"]
    contacts = [await make_record(client, "contacts", first_name=name, account_id=accounts[1]["id"]) for name in "CD"]
    lead = await make_record(client, "leads", first_name="L", contact_id=contacts[1]["id"])
    deal = await make_record(
        client, "opportunities", name="O", account_id=accounts[1]["id"], contact_id=contacts[1]["id"]
    )
    note = await make_record(
        client, "activities", account_id=accounts[1]["id"], contact_id=contacts[1]["id"], opportunity_id=deal["id"]
    )
    kept = await make_record(client, "activities", contact_id=contacts[0]["id"])
    done = await merged(client, "accounts", *accounts)
    assert done["moved"] == {"contacts": 2, "leads": 0, "opportunities": 1, "activities": 1}
    done = await merged(client, "contacts", *contacts)
    assert done["moved"] == {"leads": 1, "opportunities": 1, "activities": 1}
    assert (await shown(client, "leads", lead))["contact_id"] == contacts[0]["id"]
    for plural, record in (("opportunities", deal), ("activities", note)):
        now = await shown(client, plural, record)
        assert (now["account_id"], now["contact_id"]) == (accounts[0]["id"], contacts[0]["id"])
    assert without_time(await shown(client, "activities", kept)) == without_time(kept)
    changes = (await client.get(f"{CRM}/change_events", params={"record_id": note["id"]})).json()["change_events"]
    assert [change["changed_fields"] for change in changes[:2]] == [["contact_id"], ["account_id"]]
    assert changes[0]["before"] == {"contact_id": contacts[1]["id"]}
    assert (await unmerge(client, "contacts", contacts[0])).json()["conflicts"] == []
    assert (await shown(client, "activities", note))["contact_id"] == contacts[1]["id"]


async def test_what_somebody_changed_since_stays_when_a_merge_is_taken_back(client: httpx.AsyncClient) -> None:
    first, second, third = [await make_record(client, "contacts", first_name=name) for name in "ABC"]
    await client.patch(f"{CRM}/contacts/{second['id']}", json={"phone": "1", "title": "Dr"})
    note = await make_record(client, "activities", contact_id=second["id"])
    await merged(client, "contacts", first, second)
    await client.patch(f"{CRM}/contacts/{first['id']}", json={"phone": "7"})
    await client.patch(f"{CRM}/activities/{note['id']}", json={"contact_id": third["id"]})
    refused = await unmerge(client, "contacts", second, on_conflict="fail")
    assert (refused.status_code, refused.json()["error"]) == (409, "changeset_conflicts")
    conflicts = (await unmerge(client, "contacts", second)).json()["conflicts"]
    assert sorted(one["field"] for one in conflicts) == ["contact_id", "phone"]
    now = await shown(client, "contacts", first)
    assert (now["phone"], now["title"]) == ("7", "")
    assert (await shown(client, "activities", note))["contact_id"] == third["id"]
    assert (await shown(client, "contacts", second))["phone"] == "1"


async def test_a_merge_is_not_taken_back_by_half(client: httpx.AsyncClient) -> None:
    first = await make_record(client, "contacts", email="a@example.com")
    second = await make_record(client, "contacts", email="b@example.com")
    note = await make_record(client, "activities", contact_id=second["id"])
    done = await merged(client, "contacts", first, second)
    taker = await make_record(client, "contacts", email="b@example.com")
    refused = await unmerge(client, "contacts", second)
    assert (refused.status_code, refused.json()["error"]) == (409, "changeset_conflicts")
    assert "address" in refused.json()["conflicts"][0]["reason"]
    assert (await shown(client, "activities", note))["contact_id"] == first["id"]
    reverted = (await client.post(f"{CRM}/changesets/{done['changeset_id']}/revert", json={"dry_run": True})).json()
    assert sorted(one["field"] or "" for one in reverted["conflicts"]) == ["", "contact_id"]
    await client.delete(f"{CRM}/contacts/{taker['id']}")
    assert (await unmerge(client, "contacts", second)).status_code == 200


async def test_old_addresses_and_external_ids_find_the_record_that_is_left(client: httpx.AsyncClient) -> None:
    external = {"external_system": "erp", "external_id": "7"}
    first = await make_record(client, "contacts", email="a@example.com")
    second = await make_record(client, "contacts", email="b@example.com", **external)
    third = await make_record(client, "contacts", email="c@example.com", external_system="erp", external_id="8")
    await merged(client, "contacts", second, first)
    await merged(client, "contacts", third, second)
    rows = [{"email": "A@Example.com", "city": "Bern"}, {**external, "title": "Dr"}, {"email": "b@example.com"}]
    report = (await client.post(f"{CRM}/import", json={"contacts": rows})).json()
    assert [row["public_id"] for row in report["results"]] == [third["public_id"]] * 3
    now = await shown(client, "contacts", third)
    assert (now["email"], now["external_id"], now["city"], now["title"]) == ("c@example.com", "8", "Bern", "Dr")
    await unmerge(client, "contacts", second)
    again = (await client.post(f"{CRM}/import", json={"contacts": rows[:1]})).json()
    assert [row["public_id"] for row in again["results"]] == [second["public_id"]]
    await unmerge(client, "contacts", first)
    again = (await client.post(f"{CRM}/import", json={"contacts": rows[:1]})).json()
    assert [row["public_id"] for row in again["results"]] == [first["public_id"]]


async def test_a_new_record_with_an_old_address_comes_before_the_merged_one(client: httpx.AsyncClient) -> None:
    first, second = [await make_record(client, "leads", email=f"{name}@example.com") for name in "ab"]
    await merged(client, "leads", first, second)
    fresh = await make_record(client, "leads", email="b@example.com")
    report = (await client.post(f"{CRM}/import", json={"leads": [{"email": "b@example.com", "city": "Bern"}]})).json()
    assert [row["public_id"] for row in report["results"]] == [fresh["public_id"]]


@pytest.mark.parametrize(
    ("body", "status", "place"),
    [
        ({"merge": []}, 422, "merge"),
        ({}, 400, "merge"),
        ({"merge": ["{second}"] * 21}, 422, "merge"),
        ({"merge": ["{second}", "{second}"]}, 422, "merge.1"),
        ({"merge": ["{first}"]}, 422, "merge.0"),
        ({"merge": ["{second}"], "fields": {"emial": "{second}"}}, 422, "fields.emial"),
        ({"merge": ["{second}"], "fields": {"email": "{third}"}}, 422, "fields.email"),
        ({"merge": ["{second}"], "fields": {"organization_id": "{second}"}}, 422, "fields.organization_id"),
        ({"merge": ["{second}"], "into": "{first}"}, 422, "into"),
    ],
)
async def test_what_cannot_be_meant_is_refused_and_changes_nothing(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, place: str
) -> None:
    made = {name: await make_record(client, "contacts", first_name=name) for name in ("first", "second", "third")}

    text = json.dumps(body)
    for name, row in made.items():
        text = text.replace(f"{{{name}}}", row["public_id"])
    answer = await client.post(f"{CRM}/contacts/{made['first']['id']}/merge", json=json.loads(text))
    assert (answer.status_code, list(answer.json()["errors"])) == (status, [place]), answer.text
    assert (await client.get(f"{CRM}/contacts")).json()["total_count"] == 3


@each
async def test_foreign_records_answer_as_random_ones(
    client: httpx.AsyncClient, new_organization: MakeOrganization, plural: str
) -> None:
    other = (await new_organization()).client
    theirs, gone = [await make_record(other, plural, **BARE[plural]) for _ in range(2)]
    await merged(other, plural, theirs, gone)
    mine = await make_record(client, plural, **BARE[plural])
    random = {"id": "0192f0c1-7a3e-7cc3-98c4-dc0c0c07398f", "public_id": "0192f0c1-7a3e-7cc3-98c4-dc0c0c07398f"}
    told = [(await merge(client, plural, mine, one)) for one in (theirs, gone, random)]
    told += [await unmerge(client, plural, one) for one in (theirs, gone, random)]
    told += [await client.get(f"{CRM}/{plural}/{one['id']}") for one in (theirs, gone, random)]
    assert {answer.status_code for answer in told} == {404}
    assert len({answer.content for answer in told}) == 1


async def test_the_event_of_a_merge_names_those_that_are_gone(
    organization: TestOrganization, client: httpx.AsyncClient, services: AppServices
) -> None:
    first, second = [await make_record(client, "contacts", email=f"{name}@example.com") for name in "ab"]
    await merged(client, "contacts", first, second)
    async with services.database.tenant(organization.id) as session:
        rows = await session.fetch("SELECT record_id, data::text FROM event WHERE type = 'contact.merged'")
    [row] = rows
    assert row["record_id"] == first["id"]
    assert second["public_id"] in row["data"]


async def test_two_merges_of_the_same_pair_merge_once(client: httpx.AsyncClient) -> None:
    for _ in range(5):
        first, second = [await make_record(client, "contacts", first_name=name) for name in "ab"]
        answers = await asyncio.gather(*(merge(client, "contacts", first, second) for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [200, 404, 404]
        refused = next(answer.json() for answer in answers if answer.status_code == 404)
        assert refused["merged_into"] == first["public_id"]


async def test_of_two_merges_into_each_other_one_happens(client: httpx.AsyncClient) -> None:
    for _ in range(5):
        first, second = [await make_record(client, "contacts", first_name=name) for name in "ab"]
        answers = await asyncio.gather(
            merge(client, "contacts", first, second), merge(client, "contacts", second, first)
        )
        assert sorted(answer.status_code for answer in answers) == [200, 404]
        left = next(answer.json()["record"] for answer in answers if answer.status_code == 200)
        assert (await client.get(f"{CRM}/contacts/{left['id']}")).status_code == 200


async def test_changes_at_the_time_of_a_merge_are_kept_or_refused(client: httpx.AsyncClient) -> None:
    for _ in range(5):
        first, second = [await make_record(client, "contacts", first_name=name) for name in "ab"]
        note = await make_record(client, "activities", contact_id=second["id"])
        answers = await asyncio.gather(
            merge(client, "contacts", first, second),
            client.patch(f"{CRM}/contacts/{first['id']}", json={"title": "Dr"}),
            client.patch(f"{CRM}/contacts/{second['id']}", json={"phone": "1"}),
            client.patch(f"{CRM}/activities/{note['id']}", json={"contact_id": second["id"], "subject": "S"}),
            client.post(f"{CRM}/activities", json={"contact_id": second["id"], "subject": "S"}),
        )
        done, own, others, echoed, added = answers
        assert (done.status_code, own.status_code) == (200, 200), [answer.text for answer in answers]
        left = await shown(client, "contacts", first)
        assert left["title"] == "Dr"
        assert (others.status_code, left["phone"]) in {(200, "1"), (404, "")}
        assert {echoed.status_code, added.status_code} <= {200, 201, 404}
        for answer in (echoed, added):
            if answer.is_success:
                assert (await shown(client, "activities", answer.json()))["contact_id"] == first["id"]
        assert (await shown(client, "activities", note))["contact_id"] == first["id"]
