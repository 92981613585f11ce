"""Duplicates over REST: which records are suggested, why, and putting suggestions away."""

from typing import Any

import httpx
import pytest

from drippulse.crm.duplicates import service
from drippulse.organizations.tables import MemberRole
from tests.support.crm import CRM, make_record

LIST = f"{CRM}/duplicates"


async def groups(client: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get(LIST, params=params)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["is_complete"] is True
    return found["duplicates"]


async def dismiss(client: httpx.AsyncClient, kind: str, *records: dict[str, Any], **more: Any) -> httpx.Response:
    body = {"record_type": kind, "record_ids": [one["id"] for one in records], **more}
    return await client.post(f"{LIST}/dismiss", json=body)


def ids(group: dict[str, Any]) -> list[str]:
    return [record["id"] for record in group["records"]]


SAME: list[tuple[str, dict[str, Any], dict[str, Any], list[str]]] = [
    ("contacts", {"email": "ada+news@x.example"}, {"email": "Ada@x.example"}, ["address"]),
    ("contacts", {"email": "a.da@gmail.com"}, {"email": "ada+1@googlemail.com"}, ["address"]),
    ("contacts", {"phone": "+1 (415) 555-0100"}, {"phone": "415.555.0100 "}, ["phone"]),
    ("leads", {"phone": "0170 1234567"}, {"phone": "+49 (0)170 / 1234567"}, ["phone"]),
    ("leads", {"phone": "22 33 44 55"}, {"phone": "0047 22334455 ext. 7"}, ["phone"]),
    ("leads", {"phone": "1-415-555-0100"}, {"phone": "(415) 555-0100"}, ["phone"]),
    ("leads", {"phone": "+352 621 123 456"}, {"phone": "+353 621 123 457"}, []),
    ("leads", {"phone": "0170 1234567"}, {"phone": "+49 170 / 1234567"}, ["phone"]),
    (
        "contacts",
        {"first_name": "Ada", "last_name": "Lovelace", "company": "Acme Inc."},
        {"first_name": "ADA", "last_name": "Love-lace", "company": "ACME"},
        ["name_and_company"],
    ),
    (
        "leads",
        {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@acme.example"},
        {"first_name": "ada", "last_name": "lovelace", "email": "a.lovelace@acme.example"},
        ["name_and_domain"],
    ),
    (
        "leads",
        {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@gmail.com"},
        {"first_name": "Ada", "last_name": "Lovelace", "email": "a.lovelace@gmail.com"},
        [],
    ),
    ("leads", {"first_name": "Ada", "company": "Acme"}, {"first_name": "Ada", "company": "Acme"}, []),
    ("contacts", {"phone": "000 0000 000"}, {"phone": "0000000000"}, []),
    ("contacts", {"phone": "999-999-9999"}, {"phone": "9999999999"}, []),
    ("contacts", {"phone": "12345"}, {"phone": "12345"}, []),
    ("contacts", {"phone": ""}, {"phone": " "}, []),
    (
        "accounts",
        {"name": "A", "domain": "acme.example"},
        {"name": "B", "website": "http://www.ACME.example/x"},
        ["domain"],
    ),
    ("accounts", {"name": "Müller & Söhne GmbH & Co. KG"}, {"name": "müller & söhne"}, ["name"]),
    ("accounts", {"name": "Acme S.A."}, {"name": "ACME"}, ["name"]),
    ("accounts", {"name": "Inc"}, {"name": "GmbH"}, []),
    ("accounts", {"name": "A", "phone": "+41 31 300 00 01"}, {"name": "B", "phone": "031 300 00 01"}, ["phone"]),
    ("accounts", {"name": "!!!"}, {"name": "???"}, []),
]


@pytest.mark.parametrize(("plural", "one", "other", "reasons"), SAME, ids=[f"{c[0]}-{n}" for n, c in enumerate(SAME)])
async def test_two_spellings_of_the_same_are_suggested_and_others_are_not(
    client: httpx.AsyncClient, plural: str, one: dict[str, Any], other: dict[str, Any], reasons: list[str]
) -> None:
    made = [await make_record(client, plural, **fields) for fields in (one, other)]
    found = await groups(client, record_type=plural.removesuffix("s"))
    assert [(group["reasons"], ids(group)) for group in found] == (
        [(reasons, [record["id"] for record in made])] if reasons else []
    )
    of_one = (await client.get(f"{CRM}/{plural}/{made[1]['public_id']}/duplicates")).json()
    assert [(row["reasons"], row["record"]["id"]) for row in of_one["duplicates"]] == (
        [(reasons, made[0]["id"])] if reasons else []
    )


async def test_a_group_is_listed_once_with_all_its_reasons(client: httpx.AsyncClient) -> None:
    person = {"first_name": "Ada", "last_name": "Lovelace", "company": "Acme", "phone": "4155550100"}
    made = [await make_record(client, "contacts", **person, email=f"ada+{n}@acme.example") for n in range(3)]
    [group] = await groups(client)
    assert ids(group) == [one["id"] for one in made]
    assert group["reasons"] == ["address", "name_and_domain", "name_and_company", "phone"]
    assert (group["record_count"], group["record_type"]) == (3, "contact")
    assert 0.99 < group["score"] < 1
    assert group["records"][0]["email"] == "ada+0@acme.example"
    [alone] = await groups(client, reason="phone")
    assert ids(alone) == ids(group)


async def test_a_larger_group_with_fewer_reasons_stays_beside_a_smaller_one(client: httpx.AsyncClient) -> None:
    both = [await make_record(client, "leads", phone="4155550100", email=f"ada+{n}@x.example") for n in range(2)]
    third = await make_record(client, "leads", phone="4155550100")
    first, second = await groups(client, record_type="lead")
    assert (first["reasons"], ids(first)) == (["address", "phone"], [one["id"] for one in both])
    assert (second["reasons"], second["record_count"]) == (["phone"], 3)
    assert first["score"] > second["score"]
    of_one = (await client.get(f"{CRM}/leads/{both[0]['id']}/duplicates")).json()
    assert [row["record"]["id"] for row in of_one["duplicates"]] == [both[1]["id"], third["id"]]
    assert of_one["total_count"] == 2


async def test_groups_follow_every_change_of_their_records(client: httpx.AsyncClient) -> None:
    one, other = [await make_record(client, "contacts", phone=phone) for phone in ("4155550100", "4155550199")]
    assert await groups(client) == []
    await client.patch(f"{CRM}/contacts/{other['id']}", json={"phone": "(415) 555-0100"})
    assert len(await groups(client)) == 1
    await client.delete(f"{CRM}/contacts/{one['id']}")
    assert await groups(client) == []
    assert (await client.get(f"{CRM}/contacts/{other['id']}/duplicates")).json()["duplicates"] == []
    await client.post(f"{CRM}/contacts/{one['id']}/restore")
    assert len(await groups(client)) == 1
    await client.patch(f"{CRM}/contacts/{one['id']}", json={"phone": ""})
    assert await groups(client) == []


async def test_a_dismissed_suggestion_is_gone_for_every_reason_and_can_come_back(client: httpx.AsyncClient) -> None:
    shared = {"phone": "4155550100", "first_name": "Ada", "last_name": "Lovelace", "company": "Acme"}
    made = [await make_record(client, "contacts", **shared) for _ in range(3)]
    answer = await dismiss(client, "contact", *made[:2])
    assert answer.json() == {
        "record_type": "contact",
        "record_ids": [one["id"] for one in made[:2]],
        "dismissed": True,
        "changed_pairs": 1,
    }
    [group] = await groups(client)  # either may still be the third
    assert group["record_count"] == 3
    of_one = (await client.get(f"{CRM}/contacts/{made[0]['id']}/duplicates")).json()
    assert [row["record"]["id"] for row in of_one["duplicates"]] == [made[2]["id"]]
    assert (await dismiss(client, "contact", made[0], made[2])).json()["changed_pairs"] == 1
    [group] = await groups(client)
    assert ids(group) == [made[1]["id"], made[2]["id"]]
    assert (await dismiss(client, "contact", *made)).json()["changed_pairs"] == 1
    assert await groups(client) == []
    again = await make_record(client, "contacts", **shared)
    [group] = await groups(client)
    assert again["id"] in ids(group)
    assert (await dismiss(client, "contact", *made, dismissed=False)).json()["changed_pairs"] == 3
    assert len(ids((await groups(client))[0])) == 4


async def test_pages_have_every_group_once(client: httpx.AsyncClient) -> None:
    for number in range(7):
        for _ in range(2):
            await make_record(client, "contacts", phone=f"415555010{number}")
    for number in range(3):
        for tag in ("a", "b"):
            await make_record(client, "contacts", email=f"ada{number}+{tag}@x.example")
    everything = await groups(client)
    assert [group["reasons"] for group in everything] == [["address"]] * 3 + [["phone"]] * 7
    walked: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await client.get(LIST, params={"per_page": 2, "cursor": cursor})).json()
        assert len(page["duplicates"]) <= 2
        walked += page["duplicates"]
        assert page["total_count"] == len(walked)
        cursor = page["next_cursor"]
        assert page["total_count_is_lower_bound"] is (cursor is not None)
    assert walked == everything


async def test_a_call_looks_at_a_bounded_number_of_records(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bounds are smaller here; what is left over is behind the cursor."""
    for number in range(20):
        await make_record(client, "contacts", phone=f"41555501{number:02}")
    made = [await make_record(client, "contacts", phone="4155559999") for _ in range(2)]
    monkeypatch.setattr(service, "WINDOW", 3)
    monkeypatch.setattr(service, "WINDOWS", 2)
    found: list[list[str]] = []
    pages, cursor = 0, None
    while pages == 0 or cursor is not None:
        page = (await client.get(LIST, params={"cursor": cursor or ""})).json()
        found += [ids(group) for group in page["duplicates"]]
        pages, cursor = pages + 1, page["next_cursor"]
    assert found == [[one["id"] for one in made]]
    assert pages > 2


@pytest.mark.parametrize(
    ("params", "place", "words"),
    [
        ({"record_type": "opportunity"}, "record_type", "account, contact, lead"),
        ({"record_type": "account", "reason": "address"}, "reason", "domain, name, phone"),
        ({"page": 2}, "page", "next_cursor"),
        ({"cursor": "aWQ6Nw"}, "cursor", "Not a cursor"),
    ],
)
async def test_what_the_list_does_not_take_is_refused(
    client: httpx.AsyncClient, params: dict[str, Any], place: str, words: str
) -> None:
    answer = await client.get(LIST, params=params)
    assert answer.status_code == 422
    assert words in answer.json()["errors"][place][0]


async def test_foreign_and_unknown_records_cannot_be_dismissed(
    client: httpx.AsyncClient, new_organization: Any
) -> None:
    other = (await new_organization()).as_role(MemberRole.ADMIN)
    mine = await make_record(client, "contacts", phone="4155550100")
    theirs = await make_record(other, "contacts", phone="4155550100")
    random = {"id": "0192f0c1-7a3e-7cc3-98c4-dc0c0c07398f"}
    answers = [await dismiss(client, "contact", mine, one) for one in (theirs, random)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert (await dismiss(client, "lead", mine, mine)).status_code == 404
    assert (await dismiss(client, "contact", mine, mine)).json()["errors"]["record_ids"]
    assert await groups(client) == await groups(other) == []
