"""Accounts, contacts, leads, opportunities and activities over REST: what is the same for all five."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from drippulse.kit.services import AppServices
from drippulse.organizations.tables import MemberRole
from tests.support.organizations import TestOrganization

CRM = "/api/v1/crm"
MADE: dict[str, dict[str, Any]] = {
    "accounts": {"name": "Acme", "domain": "acme.example", "employee_count": 12, "annual_revenue": 1200.5},
    "contacts": {"email": "Ada@Acme.example", "first_name": "Ada", "tags": ["vip"], "attributes": {"plan": "pro"}},
    "leads": {"email": "grace@acme.example", "company": "Acme", "score": 0.7},
    "opportunities": {"name": "20 seats", "amount": 4800, "currency": "EUR", "expected_close_date": "2026-12-31"},
    "activities": {"type": "call", "subject": "First call", "occurred_at": "2026-03-31T11:00:00+02:00"},
}
SINGULAR = {
    "accounts": "account",
    "contacts": "contact",
    "leads": "lead",
    "opportunities": "opportunity",
    "activities": "activity",
}
PREFIX = {"accounts": "acct", "contacts": "cnt", "leads": "lead", "opportunities": "opp", "activities": "act"}
SHOWN = {
    "contacts": {"email": "Ada@acme.example"},
    "activities": {"occurred_at": "2026-03-31T09:00:00.000Z"},
}
CHANGED: dict[str, dict[str, Any]] = {
    "accounts": {"industry": "SaaS"},
    "contacts": {"title": "Countess"},
    "leads": {"status": "working"},
    "opportunities": {"amount": 5000.25},
    "activities": {"outcome": "Reached"},
}
each = pytest.mark.parametrize("plural", MADE)


async def make(client: httpx.AsyncClient, plural: str, **more: Any) -> dict[str, Any]:
    answer = await client.post(f"{CRM}/{plural}", json={**MADE[plural], **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


@each
async def test_a_record_is_created_and_shown_by_either_id(client: httpx.AsyncClient, plural: str) -> None:
    made = await make(client, plural)
    assert made == {**made, **MADE[plural], **SHOWN.get(plural, {})}
    assert UUID(made["id"]).version == 7
    assert made["public_id"].startswith(f"{PREFIX[plural]}_")
    for ref in (made["id"], made["public_id"], made["id"].upper()):
        assert (await client.get(f"{CRM}/{plural}/{ref}")).json() == made


@each
async def test_a_body_is_taken_wrapped_too(client: httpx.AsyncClient, plural: str) -> None:
    answer = await client.post(f"{CRM}/{plural}", json={SINGULAR[plural]: MADE[plural]})
    assert answer.status_code == 201, answer.text


@each
async def test_an_update_changes_what_was_sent_and_takes_an_echo(client: httpx.AsyncClient, plural: str) -> None:
    made = await make(client, plural)
    changed = (await client.patch(f"{CRM}/{plural}/{made['id']}", json=CHANGED[plural])).json()
    assert changed == {**made, **CHANGED[plural], "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > made["updated_at"]
    echoed = await client.patch(f"{CRM}/{plural}/{made['id']}", json=changed)
    assert (echoed.status_code, echoed.json()) == (200, changed)


@each
async def test_a_deleted_record_is_gone_and_can_be_restored(client: httpx.AsyncClient, plural: str) -> None:
    made = await make(client, plural)
    path = f"{CRM}/{plural}/{made['public_id']}"
    assert (await client.delete(path)).status_code == 204
    for answer in (await client.get(path), await client.delete(path), await client.patch(path, json=CHANGED[plural])):
        assert (answer.status_code, answer.json()["error"]) == (404, f"{SINGULAR[plural]}_not_found")
    restored = (await client.post(f"{path}/restore")).json()
    assert restored == {**made, "updated_at": restored["updated_at"]}
    assert (await client.get(path)).status_code == 200
    assert (await client.post(f"{path}/restore")).status_code == 404


@each
async def test_an_unknown_field_is_refused_with_the_nearest_known_one(client: httpx.AsyncClient, plural: str) -> None:
    answer = await client.post(f"{CRM}/{plural}", json={**MADE[plural], "tagz": []})
    assert (answer.status_code, answer.json()["error"]) == (422, "validation_failed")
    assert "tags" in answer.json()["errors"]["tagz"][0]


@each
@pytest.mark.parametrize("column", ["organization_id", "deleted_at", "merged_into_id", "email_key"])
async def test_columns_that_nobody_sends_are_refused(client: httpx.AsyncClient, plural: str, column: str) -> None:
    answer = await client.post(f"{CRM}/{plural}", json={**MADE[plural], column: "x"})
    assert answer.status_code == 422


@each
async def test_an_external_id_is_unique_while_its_record_lives(client: httpx.AsyncClient, plural: str) -> None:
    external = {"external_system": "erp", "external_id": "7"}
    bare = {name: value for name, value in MADE[plural].items() if name != "email"}
    first = (await client.post(f"{CRM}/{plural}", json={**bare, **external})).json()
    second = await client.post(f"{CRM}/{plural}", json={**bare, **external})
    assert (second.status_code, second.json()["error"]) == (409, "record_exists")
    await client.delete(f"{CRM}/{plural}/{first['id']}")
    assert (await client.post(f"{CRM}/{plural}", json={**bare, **external})).status_code == 201
    taken = await client.post(f"{CRM}/{plural}/{first['id']}/restore")
    assert (taken.status_code, taken.json()["error"]) == (409, "record_exists")
    alone = await client.post(f"{CRM}/{plural}", json={**bare, "external_id": "8"})
    assert alone.status_code == 422


@pytest.mark.parametrize(
    ("plural", "column"),
    [
        ("contacts", "account_id"),
        ("leads", "contact_id"),
        ("opportunities", "account_id"),
        ("opportunities", "contact_id"),
        ("opportunities", "pipeline_id"),
        ("opportunities", "pipeline_stage_id"),
        ("activities", "account_id"),
        ("activities", "contact_id"),
        ("activities", "lead_id"),
        ("activities", "opportunity_id"),
    ],
)
async def test_a_foreign_id_in_a_body_answers_as_a_random_one(
    client: httpx.AsyncClient, new_organization: Any, plural: str, column: str
) -> None:
    other = (await new_organization()).as_role(MemberRole.ADMIN)
    target = column.removesuffix("_id").removesuffix("_stage")
    if target == "pipeline":
        deal = await make(other, "opportunities")
        foreign = deal[column]
    else:
        foreign = (await make(other, next(name for name, one in SINGULAR.items() if one == target)))["public_id"]
    random = "0192f0c1-7a3e-7cc3-98c4-dc0c0c07398f"
    answers = [await client.post(f"{CRM}/{plural}", json={**MADE[plural], column: ref}) for ref in (foreign, random)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()


async def test_references_are_taken_as_public_ids_and_shown_as_uuids(client: httpx.AsyncClient) -> None:
    account = await make(client, "accounts")
    contact = await make(client, "contacts", account_id=account["public_id"])
    assert contact["account_id"] == account["id"]
    activity = await make(client, "activities", account_id=account["id"], contact_id=contact["public_id"])
    assert (activity["account_id"], activity["contact_id"]) == (account["id"], contact["id"])


async def test_an_owner_is_a_member_of_the_organization(
    organization: TestOrganization, client: httpx.AsyncClient, new_organization: Any
) -> None:
    mine, foreign = organization.admin_id, (await new_organization()).admin_id
    assert (await make(client, "accounts", owner_id=mine))["owner_id"] == mine
    for stranger in (foreign, 2**60):
        answer = await client.post(f"{CRM}/accounts", json={"name": "Acme", "owner_id": stranger})
        assert (answer.status_code, answer.json()["error"]) == (404, "user_not_found")


async def test_the_stage_keeps_the_status(client: httpx.AsyncClient) -> None:
    deal = await make(client, "opportunities")
    assert (deal["status"], deal["closed_at"]) == ("open", None)
    path = f"{CRM}/opportunities/{deal['id']}"
    won = (await client.patch(path, json={**deal, "status": "won"})).json()
    assert won["status"] == "won"
    assert won["closed_at"] is not None
    assert won["pipeline_stage_id"] != deal["pipeline_stage_id"]
    back = (await client.patch(path, json={"pipeline_stage_id": deal["pipeline_stage_id"]})).json()
    assert (back["status"], back["closed_at"]) == ("open", None)


async def test_a_change_leaves_one_audit_row_with_before_and_after(
    organization: TestOrganization, services: AppServices, client: httpx.AsyncClient
) -> None:
    made = await make(client, "accounts")
    await client.patch(f"{CRM}/accounts/{made['id']}", json={"industry": "SaaS", "name": "Acme"})
    async with services.database.tenant(organization.id) as session:
        rows = await session.fetch(
            "SELECT action, before::text, after::text, changeset_id FROM change_event ORDER BY id"
        )
        changesets = await session.fetchval("SELECT count(*) FROM changeset")
    assert [row["action"] for row in rows] == ["create", "update"]
    assert (rows[1]["before"], rows[1]["after"]) == ('{"industry": ""}', '{"industry": "SaaS"}')
    assert changesets == 2


@each
async def test_a_list_has_the_newest_first_in_pages_and_by_cursor(client: httpx.AsyncClient, plural: str) -> None:
    bare = {name: value for name, value in MADE[plural].items() if name != "email"}
    made = [(await client.post(f"{CRM}/{plural}", json=bare)).json() for _ in range(3)]
    newest = made[::-1]
    whole = (await client.get(f"{CRM}/{plural}")).json()
    assert whole == {plural: newest, "total_count": 3}
    answer = await client.get(f"{CRM}/{plural}", params={"page": 2, "per_page": 2})
    assert (answer.json()[plural], answer.json()["total_count"]) == (newest[2:], 3)
    assert 'rel="prev"' in answer.headers["link"]
    first = (await client.get(f"{CRM}/{plural}", params={"cursor": "", "per_page": 2})).json()
    rest = (await client.get(f"{CRM}/{plural}", params={"cursor": first["next_cursor"], "per_page": 2})).json()
    assert (first[plural], rest[plural], rest["next_cursor"]) == (newest[:2], newest[2:], None)
    await client.delete(f"{CRM}/{plural}/{made[1]['id']}")
    assert (await client.get(f"{CRM}/{plural}")).json()["total_count"] == 2


async def test_every_column_filters_by_its_type(client: httpx.AsyncClient) -> None:
    account = await make(client, "accounts")
    seats = await make(client, "opportunities", account_id=account["id"], amount=10, tags=["hot", "eu"])
    await make(client, "opportunities", amount=20.5, currency="USD", expected_close_date="2027-01-15")

    async def found(**params: str) -> list[str]:
        answer = await client.get(f"{CRM}/opportunities", params=params)
        assert answer.status_code == 200, answer.text
        return [row["amount"] for row in answer.json()["opportunities"]]

    assert await found(account_id=account["id"]) == [10]
    assert await found(account_id=account["public_id"]) == [10]
    assert await found(**{"account_id[exists]": "false"}) == [20.5]
    assert await found(**{"account_id[ne]": account["public_id"]}) == [20.5]
    assert await found(account_id="acct_nobody") == []
    assert await found(pipeline_id=seats["pipeline_id"]) == [20.5, 10]
    assert await found(**{"amount[gte]": "20"}) == [20.5]
    assert await found(currency="USD,EUR", sort="amount") == [10, 20.5]
    assert await found(**{"expected_close_date[gt]": "2026-12-31"}) == [20.5]
    assert await found(tags="cold,hot") == [10]
    assert await found(**{"name[contains]": "SEAT"}) == [20.5, 10]
    assert await found(status="won") == []
    assert await found(sort="-amount") == [20.5, 10]
    for wrong in ({"status": "wonn"}, {"amount": "much"}, {"pipline_id": "x"}, {"sort": "colour"}):
        answer = await client.get(f"{CRM}/opportunities", params=wrong)
        assert (answer.status_code, answer.json()["error"]) == (422, "validation_failed")


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("ada", {"Ada"}),
        ("love ", {"Ada"}),
        ("lovelace ada", {"Ada"}),
        ("ADA@analytical.example", {"Ada"}),
        ("ada@anal", {"Ada"}),
        ("analytical", {"Ada", "Grace"}),
        ("4930123", {"Grace"}),
        ("nobody", set[str]()),
        ("&|!'():* <->", set[str]()),
        ("'", set[str]()),
        ("x" * 5000, set[str]()),
    ],
)
async def test_search_finds_words_and_their_beginnings(client: httpx.AsyncClient, q: str, found: set[str]) -> None:
    await make(client, "contacts", email="ada@analytical.example", last_name="Lovelace")
    await make(client, "contacts", email="grace@analytical.example", first_name="Grace", phone="+49 30-123")
    answer = await client.get(f"{CRM}/contacts", params={"q": q})
    assert answer.status_code == 200, answer.text
    assert {row["first_name"] for row in answer.json()["contacts"]} == found
    assert answer.json()["total_count"] == len(found)
