"""Updating, assigning and deleting many records with one call."""

import asyncio
from typing import Any

import httpx
import pytest

from drippulse.crm.bulk import service
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Session
from drippulse.kit.services import AppServices
from tests.support.access import UNKNOWN_UUID, made
from tests.support.crm import CRM, default_pipeline, make_deal, make_record
from tests.support.organizations import TestOrganization

RECORDS: dict[str, dict[str, Any]] = {
    "accounts": {"name": "Acme"},
    "contacts": {"company": "Acme"},
    "leads": {"company": "Acme"},
    "opportunities": {"name": "Deal"},
    "activities": {"subject": "Call"},
}
FILL = """INSERT INTO contact (id, organization_id, public_id, company)
SELECT gen_random_uuid(), $1, 'cnt_' || n || '_' || gen_random_uuid(), 'Acme' FROM generate_series(1, $2::int) AS n"""
each = pytest.mark.parametrize("plural", RECORDS)


async def bulk(client: httpx.AsyncClient, plural: str, action: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{CRM}/{plural}/{action}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(client: httpx.AsyncClient, plural: str, action: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{CRM}/{plural}/{action}", json=body)
    assert answer.status_code in {404, 422}, answer.text
    return answer.json()


async def shown(client: httpx.AsyncClient, plural: str, record: dict[str, Any]) -> dict[str, Any]:
    return (await client.get(f"{CRM}/{plural}/{record['id']}")).json()


async def changes(client: httpx.AsyncClient, changeset_id: int) -> list[dict[str, Any]]:
    answer = await client.get(f"{CRM}/change_events", params={"changeset_id": changeset_id})
    return answer.json()["change_events"]


async def total(client: httpx.AsyncClient, plural: str) -> int:
    return (await client.get(f"{CRM}/{plural}")).json()["total_count"]


@each
async def test_named_records_change_together_and_unknown_ones_are_told(client: httpx.AsyncClient, plural: str) -> None:
    one, two, same = [await make_record(client, plural, **RECORDS[plural]) for _ in range(3)]
    await client.patch(f"{CRM}/{plural}/{same['id']}", json={"tags": ["new"]})
    done = await bulk(
        client,
        plural,
        "bulk_update",
        ids=[one["id"], two["public_id"], two["id"], same["id"], UNKNOWN_UUID, "nobody"],
        changes={"tags": ["new"]},
    )
    assert (done["updated"], done["unchanged"]) == (2, 1)
    assert [failure["id"] for failure in done["failed"]] == [UNKNOWN_UUID, "nobody"]
    assert {failure["error"] for failure in done["failed"]} <= {f"{kind.value}_not_found" for kind in RecordType}
    for record in (one, two):
        now = await shown(client, plural, record)
        assert now == {**record, "tags": ["new"], "updated_at": now["updated_at"]}
    events = await changes(client, done["changeset_id"])
    assert {event["record_id"] for event in events} == {one["id"], two["id"]}
    assert all((event["before"], event["after"]) == ({"tags": []}, {"tags": ["new"]}) for event in events)


@each
async def test_a_filter_means_what_the_list_finds(client: httpx.AsyncClient, plural: str) -> None:
    chosen = [await make_record(client, plural, **RECORDS[plural], tags=tags) for tags in (["a, b"], ["c", "d"])]
    other = await make_record(client, plural, **RECORDS[plural], tags=["e"])
    done = await bulk(
        client, plural, "bulk_update", filter={"tags": ["a, b", "d"]}, changes={"add_tags": ["x"], "remove_tags": ["d"]}
    )
    assert (done["updated"], done["failed"]) == (2, [])
    assert [(await shown(client, plural, one))["tags"] for one in (*chosen, other)] == [
        ["a, b", "x"],
        ["c", "x"],
        ["e"],
    ]
    gone = await bulk(client, plural, "bulk_delete", filter={"tags": "x", "created_at[gte]": "2026-01-01"})
    assert (gone["deleted"], await total(client, plural)) == (2, 1)
    back = await client.post(f"{CRM}/changesets/{gone['changeset_id']}/revert")
    assert (back.json()["counts"]["reverted"], await total(client, plural)) == (2, 3)


async def test_words_and_custom_fields_find_too(client: httpx.AsyncClient) -> None:
    await made(
        client, "crm/custom_fields", {"record_type": "contact", "key": "seats", "label": "Seats", "type": "integer"}
    )
    people = [
        await make_record(client, "contacts", first_name=name, last_name="Byron", custom_fields={"seats": seats})
        for name, seats in (("Ada", 1), ("Annabella", 2), ("Allegra", 3))
    ]
    done = await bulk(
        client,
        "contacts",
        "bulk_update",
        filter={"q": "byron a", "custom.seats[gte]": 2},
        changes={"custom_fields": {"seats": 9}, "attributes": {"x": 1}},
    )
    assert done["updated"] == 2
    now = [await shown(client, "contacts", one) for one in people]
    assert [one["custom_fields"] for one in now] == [{"seats": 1}, {"seats": 9}, {"seats": 9}]
    assert [one["attributes"] for one in now] == [{}, {"x": 1}, {"x": 1}]


async def test_columns_of_every_kind_are_set_and_taken_away(client: httpx.AsyncClient) -> None:
    account = await make_record(client, "accounts", name="Acme")
    calls = [await make_record(client, "activities", subject="Call") for _ in range(2)]
    ids = [call["public_id"] for call in calls]
    fields = {
        "type": "meeting",
        "due_at": "2026-03-31T11:00:00+02:00",
        "duration_minutes": 30,
        "account_id": account["public_id"],
    }
    await bulk(client, "activities", "bulk_update", ids=ids, changes=fields)
    for call in calls:
        now = await shown(client, "activities", call)
        assert (now["type"], now["due_at"], now["duration_minutes"], now["account_id"]) == (
            "meeting",
            "2026-03-31T09:00:00.000Z",
            30,
            account["id"],
        )
    await bulk(client, "activities", "bulk_update", ids=ids, changes=dict.fromkeys(("due_at", "account_id")))
    assert (await shown(client, "activities", calls[0]))["account_id"] is None
    deals = [await make_deal(client) for _ in range(2)]
    money = {"amount": 12.5, "expected_close_date": "2026-12-31", "probability": 10}
    await bulk(client, "opportunities", "bulk_update", ids=[deal["id"] for deal in deals], changes=money)
    assert {name: (await shown(client, "opportunities", deals[1]))[name] for name in money} == money


async def test_addresses_and_external_ids_are_taken_away_from_many_but_never_shared(client: httpx.AsyncClient) -> None:
    people = [
        await make_record(client, "leads", email=f"p{n}@x.example", external_system="crm", external_id=str(n))
        for n in range(2)
    ]
    ids = [person["id"] for person in people]
    told = await refused(client, "leads", "bulk_update", ids=ids, changes={"email": "one@x.example"})
    assert "No two records share it" in told["message"]
    await bulk(client, "leads", "bulk_update", ids=ids, changes={"email": None, "external_id": None})
    now = await shown(client, "leads", people[0])
    assert (now["email"], now["external_system"], now["external_id"]) == (None, None, None)
    again = await make_record(client, "leads", email="p0@x.example", external_system="crm", external_id="0")
    assert again["id"] not in ids


async def test_records_that_would_have_too_many_tags_fail_alone(client: httpx.AsyncClient) -> None:
    full = await make_record(client, "contacts", tags=[f"t{n}" for n in range(100)])
    free = await make_record(client, "contacts")
    done = await bulk(client, "contacts", "bulk_update", ids=[full["id"], free["id"]], changes={"add_tags": ["x"]})
    assert (done["updated"], done["failed"][0]["id"], done["failed"][0]["error"]) == (1, full["id"], "too_many_tags")


async def test_assigning_gives_records_to_a_member_and_to_nobody(
    organization: TestOrganization, client: httpx.AsyncClient
) -> None:
    people = [await make_record(client, "contacts") for _ in range(2)]
    ids = [person["id"] for person in people]
    member = (await client.get("/api/v1/team_members")).json()["team_members"][0]["user_id"]
    done = await bulk(client, "contacts", "assign", ids=ids, owner_id=member)
    assert (done["updated"], (await shown(client, "contacts", people[0]))["owner_id"]) == (2, member)
    assert (await bulk(client, "contacts", "assign", ids=ids, owner_id=member))["changeset_id"] is None
    done = await bulk(client, "contacts", "assign", filter={"owner_id": member}, owner_id=None)
    assert (done["updated"], (await shown(client, "contacts", people[1]))["owner_id"]) == (2, None)
    assert (await refused(client, "contacts", "assign", ids=ids, owner_id=999_999_999))["error"] == "user_not_found"
    missing = await client.post(f"{CRM}/contacts/assign", json={"ids": ids})
    assert (missing.status_code, missing.json()["error"]) == (400, "missing_parameter")


async def test_deals_move_to_the_end_of_a_stage_whose_type_is_their_status(client: httpx.AsyncClient) -> None:
    there = await make_deal(client, "there", status="won")
    deals = [await make_deal(client, f"{n}") for n in range(3)]
    stages = (await default_pipeline(client))["stages"]
    await client.patch(f"{CRM}/opportunities/{deals[2]['id']}", json={"pipeline_stage_id": stages[3]["id"]})
    ids = [deal["id"] for deal in deals]
    done = await bulk(client, "opportunities", "bulk_update", ids=ids, changes={"status": "won", "tags": ["q1"]})
    now = [await shown(client, "opportunities", deal) for deal in deals]
    assert {(deal["status"], deal["pipeline_stage_id"]) for deal in now} == {("won", there["pipeline_stage_id"])}
    assert all(deal["closed_at"] for deal in now)
    places = [there["stage_position"], *(deal["stage_position"] for deal in now)]
    assert places == sorted(set(places))
    assert {len(event["changed_fields"]) for event in await changes(client, done["changeset_id"])} == {5}
    assert (await bulk(client, "opportunities", "bulk_update", ids=ids, changes={"status": "won"}))["unchanged"] == 3
    target = stages[1]["public_id"]
    await bulk(client, "opportunities", "bulk_update", ids=ids, changes={"pipeline_stage_id": target})
    moved = await shown(client, "opportunities", deals[0])
    assert (moved["pipeline_stage_id"], moved["status"], moved["closed_at"]) == (stages[1]["id"], "open", None)
    unknown = await refused(client, "opportunities", "bulk_update", ids=ids, changes={"pipeline_stage_id": "stage_x"})
    assert unknown["error"] == "pipeline_stage_not_found"
    reverted = await client.post(f"{CRM}/changesets/{done['changeset_id']}/revert")
    assert reverted.json()["counts"] == {"reverted": 0, "unchanged": 0, "conflicts": 3}


async def test_a_bulk_update_goes_back_as_a_whole(client: httpx.AsyncClient) -> None:
    deals = [await make_deal(client, tags=["a"], amount=n) for n in range(3)]
    changed = {"status": "lost", "amount": 7, "lost_reason": "Price", "add_tags": ["b"]}
    done = await bulk(client, "opportunities", "bulk_update", filter={"tags": "a"}, changes=changed)
    back = await client.post(f"{CRM}/changesets/{done['changeset_id']}/revert")
    assert back.json()["counts"]["reverted"] == 3
    for deal in deals:
        now = await shown(client, "opportunities", deal)
        assert now == {**deal, "updated_at": now["updated_at"], "stage_position": now["stage_position"]}


async def test_listeners_hear_of_each_record(client: httpx.AsyncClient) -> None:
    leads = [await make_record(client, "leads", score=0.1) for _ in range(2)]
    await bulk(client, "leads", "bulk_update", ids=[lead["id"] for lead in leads], changes={"score": 0.5})
    await bulk(client, "leads", "bulk_delete", ids=[lead["id"] for lead in leads])
    heard = (await client.get("/api/v1/events", params={"per_page": 100})).json()["events"]
    told = [event["type"] for event in heard if event["record_id"] == leads[1]["id"]]
    assert sorted(told) == ["lead.created", "lead.deleted", "lead.scored", "lead.updated"]


@pytest.mark.parametrize(
    ("body", "named", "words"),
    [
        ({}, "body", "with ids or with filter"),
        ({"ids": ["a"], "filter": {"q": "x"}}, "body", "not with both"),
        ({"ids": []}, "ids", "at least 1"),
        ({"ids": ["x"] * 10_001}, "ids", "at most 10000"),
        ({"filter": {}}, "filter", "would mean all contacts"),
        ({"filter": {"q": "  "}}, "filter", "would mean all contacts"),
        ({"filter": {"emial": "x"}}, "filter.emial", 'Did you mean "email"?'),
        ({"filter": {"page": 1}}, "filter.page", "not a condition"),
        ({"filter": {"created_at[gte]": "soon"}}, "filter.created_at[gte]", "must be a time"),
        ({"filter": {"owner_id": None}}, "filter.owner_id", "must be a whole number"),
        ({"filter": {"custom.nobody": 1}}, "filter.custom.nobody", "not a condition"),
    ],
)
async def test_what_does_not_say_which_records_changes_none(
    body: dict[str, Any], named: str, words: str, client: httpx.AsyncClient
) -> None:
    kept = await make_record(client, "contacts")
    for action, more in (
        ("bulk_update", {"changes": {"title": "x"}}),
        ("bulk_delete", {}),
        ("assign", {"owner_id": None}),
    ):
        told = await refused(client, "contacts", action, **body, **more)
        assert words in told["errors"][named][0], told
    assert await shown(client, "contacts", kept) == kept


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({}, "name at least one field"),
        ({"tags": ["a"], "add_tags": ["b"]}, "send it alone"),
        ({"titel": "x"}, 'Did you mean "title"?'),
        ({"custom_fields": {"nobody": 1}}, "Unknown custom field"),
        ({"add_tags": [""]}, "at least 1"),
    ],
)
async def test_changes_that_are_none_are_refused(wanted: dict[str, Any], words: str, client: httpx.AsyncClient) -> None:
    person = await make_record(client, "contacts")
    told = await refused(client, "contacts", "bulk_update", ids=[person["id"]], changes=wanted)
    assert words in str(told["errors"]).lower() or words in told["message"], told


async def test_a_filter_that_finds_more_than_a_call_takes_says_how_many(
    organization: TestOrganization, client: httpx.AsyncClient, services: AppServices
) -> None:
    async with services.database.tenant(organization.id) as session:
        await session.execute(FILL, organization.id, 10_002)
    for action, more in (
        ("bulk_update", {"changes": {"title": "x"}}),
        ("bulk_delete", {}),
        ("assign", {"owner_id": None}),
    ):
        told = await refused(client, "contacts", action, filter={"company": "Acme"}, **more)
        assert (told["error"], told["total_count"]) == ("too_many_records", 10_002)
        assert "Narrow it" in told["message"]
    assert (await client.get(f"{CRM}/contacts", params={"title": "x"})).json()["total_count"] == 0
    gone = await bulk(client, "contacts", "bulk_delete", filter={"public_id[starts_with]": "cnt_1"})
    assert (gone["deleted"], await total(client, "contacts")) == (1114, 10_002 - 1114)
    done = await bulk(client, "contacts", "bulk_update", filter={"q": "acme"}, changes={"add_tags": ["all"]})
    assert done["updated"] == await total(client, "contacts")


async def test_two_calls_about_the_same_records_come_one_after_the_other(client: httpx.AsyncClient) -> None:
    ids = [(await make_record(client, "contacts"))["id"] for _ in range(40)]
    calls = [
        bulk(client, "contacts", "bulk_update", ids=order, changes={"add_tags": [name]})
        for name, order in (("a", ids), ("b", ids[::-1]), ("c", ids))
    ]
    assert [done["updated"] for done in await asyncio.gather(*calls)] == [40, 40, 40]
    rows = (await client.get(f"{CRM}/contacts")).json()["contacts"]
    assert {tuple(sorted(row["tags"])) for row in rows} == {("a", "b", "c")}


async def test_a_record_that_stops_matching_meanwhile_is_left_alone(
    organization: TestOrganization, client: httpx.AsyncClient, services: AppServices
) -> None:
    """Somebody else changes it after it was found and before it is locked."""
    person = await make_record(client, "contacts", tags=["vip"])

    async def change(session: Session) -> None:
        sql = "UPDATE contact SET tags = '{other}' WHERE organization_id = $1 AND id = $2"
        await session.execute(sql, organization.id, person["id"])

    async with services.database.tenant(organization.id) as session:
        await change(session)
        waiting = asyncio.create_task(bulk(client, "contacts", "bulk_delete", filter={"tags": "vip"}))
        await asyncio.sleep(0.2)
        assert not waiting.done()
    assert ((await waiting)["deleted"], (await shown(client, "contacts", person))["tags"]) == (0, ["other"])


async def test_foreign_records_are_unknown_ones(client: httpx.AsyncClient, new_organization: Any) -> None:
    theirs = (await new_organization()).client
    record = await make_record(theirs, "contacts", tags=["vip"])
    for action, more in (
        ("bulk_update", {"changes": {"title": "x"}}),
        ("bulk_delete", {}),
        ("assign", {"owner_id": None}),
    ):
        [foreign], [random] = [
            (await bulk(client, "contacts", action, ids=[ref], **more))["failed"]
            for ref in (record["id"], UNKNOWN_UUID)
        ]
        assert {**foreign, "id": ""} == {**random, "id": ""}
        assert (await bulk(client, "contacts", action, filter={"tags": "vip"}, **more))["failed"] == []
    assert await shown(theirs, "contacts", record) == record


def test_tags_are_added_and_removed_in_their_order() -> None:
    assert service.retagged(["a", "b", "b"], ["c", "a"], ["b"]) == ["a", "c"]
    assert service.retagged(["a"], ["a"], ["a"]) == ["a"]
