"""`POST /crm/import`: a bundle in, a report of each row out."""

from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from drippulse.organizations.tables import MemberRole
from tests.conftest import MakeOrganization
from tests.support.crm import CRM, PIPELINES, default_pipeline, make_deal, make_record
from tests.support.organizations import TestOrganization

IMPORT, EXPORT = f"{CRM}/import", f"{CRM}/export"
PLURALS = ["accounts", "contacts", "opportunities", "leads", "activities"]
RANDOM = "0192f0c1-7a3e-7cc3-98c4-dc0c0c07398f"


async def bring(client: httpx.AsyncClient, **bundle: Any) -> dict[str, Any]:
    answer = await client.post(IMPORT, json=bundle)
    assert answer.status_code == 200, answer.text
    return answer.json()


def statuses(report: dict[str, Any]) -> list[str]:
    return [result["status"] for result in report["results"]]


async def listed(client: httpx.AsyncClient, plural: str) -> list[dict[str, Any]]:
    return (await client.get(f"{CRM}/{plural}")).json()[plural]


async def furnish(client: httpx.AsyncClient) -> None:
    account = await make_record(client, "accounts", name="Acme", annual_revenue=1200.5, tags=["a"])
    contact = await make_record(client, "contacts", email="Ada@acme.example", account_id=account["id"])
    about = {"account_id": account["id"], "contact_id": contact["id"]}
    won = await make_deal(client, "Won", status="won", amount=10.25, expected_close_date="2026-12-31", **about)
    await make_deal(client, "Open", external_system="erp", external_id="7")
    lead = await make_record(client, "leads", email="grace@acme.example", score=0.1, attributes={"deep": [{"x": None}]})
    about = {"lead_id": lead["id"], "opportunity_id": won["id"]}
    await make_record(client, "activities", type="call", occurred_at="2026-03-31T09:00:00.123456Z", **about)


async def test_a_bundle_into_its_own_organization_changes_nothing(
    client: httpx.AsyncClient, organization: TestOrganization, services: AppServices
) -> None:
    await furnish(client)
    bundle = (await client.get(EXPORT)).json()
    report = await bring(client, **bundle)
    assert report["counts"] == {"created": 0, "updated": 0, "unchanged": 7, "skipped": 0, "invalid": 0}
    assert report["changeset_id"] is None
    assert {**(await client.get(EXPORT)).json(), "exported_at": ""} == {**bundle, "exported_at": ""}
    async with services.database.tenant(organization.id) as session:
        assert await session.fetchval("SELECT count(*) FROM changeset WHERE source = 'import'") == 0


async def test_rows_are_found_by_public_id_then_external_id_then_address(client: httpx.AsyncClient) -> None:
    first = await make_record(client, "contacts", email="one@example.com", external_system="erp", external_id="1")
    second = await make_record(client, "contacts", email="two@example.com", external_system="erp", external_id="2")
    report = await bring(
        client,
        contacts=[
            {"public_id": first["public_id"], "title": "by public id"},
            {"external_system": "erp", "external_id": "2", "title": "by external id"},
            {"email": "ONE@example.com", "company": "by address"},
            {"public_id": "cnt_elsewhere", "email": "two@example.com"},
            {"email": "three@example.com"},
        ],
    )
    assert statuses(report) == ["updated", "updated", "updated", "unchanged", "created"]
    ids = [first["public_id"], second["public_id"], first["public_id"], second["public_id"]]
    assert [result["public_id"] for result in report["results"]][:4] == ids
    assert second["public_id"] in report["results"][3]["reason"]
    rows = {row["public_id"]: row for row in await listed(client, "contacts")}
    assert (rows[ids[0]]["title"], rows[ids[0]]["company"]) == ("by public id", "by address")
    assert rows[ids[1]]["title"] == "by external id"


async def test_references_are_looked_for_in_the_bundle_and_then_in_the_organization(
    client: httpx.AsyncClient, new_organization: MakeOrganization
) -> None:
    here = await make_record(client, "accounts", name="Here")
    theirs = await make_record((await new_organization()).client, "accounts", name="Theirs")
    report = await bring(
        client,
        accounts=[{"public_id": "acct_new", "id": RANDOM, "name": "New"}, {"public_id": "acct_bad", "name": 5}],
        contacts=[
            {"first_name": "A", "account_id": "acct_new"},
            {"first_name": "B", "account_id": RANDOM.upper()},
            {"first_name": "C", "account_id": here["public_id"]},
            {"first_name": "D", "account_id": "acct_bad"},
            {"first_name": "E", "account_id": theirs["public_id"]},
            {"first_name": "F", "account_id": theirs["id"]},
        ],
    )
    assert statuses(report) == ["created", "invalid", *["created"] * 3, *["invalid"] * 3]
    assert all("neither in the bundle nor" in result["reason"] for result in report["results"][5:])
    new = next(row["id"] for row in await listed(client, "accounts") if row["name"] == "New")
    made = {row["first_name"]: row["account_id"] for row in await listed(client, "contacts")}
    assert made == {"A": new, "B": new, "C": here["id"]}


async def test_what_is_wrong_is_said_by_row_and_keeps_nothing_else_out(client: httpx.AsyncClient) -> None:
    taken = await make_record(client, "contacts", email="taken@example.com")
    mine = await make_record(client, "contacts", email="mine@example.com")
    report = await bring(
        client,
        contacts=[
            "text",
            {"public_id": 7},
            {"public_id": "acct_1"},
            {"emial": "x@example.com"},
            {"email": "no address"},
            {"owner_id": 999_999_999},
            {"deleted_at": "2026-01-01T00:00:00Z", "public_id": "cnt_gone"},
            {"public_id": mine["public_id"], "email": "taken@example.com"},
            {"email": "good@example.com"},
        ],
        opportunities=[
            {"amount": 5},
            {"name": "D", "pipeline_stage_id": "stage_x"},
            {"name": "D", "stage_position": 2**63},
        ],
        leads=[{"closed_at": "2026-01-01T00:00:00Z"}],
    )
    expected = [*["invalid"] * 6, "skipped", "invalid", "created", *["invalid"] * 4]
    assert statuses(report) == expected
    reasons = [result["reason"] or "" for result in report["results"]]
    words = ["object", "public_id", "acct_1", "email", "e-mail address", "owner_id", "deleted", "Another contact", ""]
    words += ["name", "pipeline_stage_id", "stage_position", "closed_at"]
    assert [word in reason for word, reason in zip(words, reasons, strict=True)] == [True] * len(words), reasons
    assert report["counts"] == {"created": 1, "updated": 0, "unchanged": 0, "skipped": 1, "invalid": 11}
    assert len(await listed(client, "contacts")) == 3
    assert (await client.get(f"{CRM}/contacts/{taken['id']}")).json() == taken


async def test_a_dry_run_shows_the_diff_and_writes_nothing(client: httpx.AsyncClient) -> None:
    there = await make_record(client, "accounts", name="Acme", tags=["old"])
    before = (await client.get(EXPORT)).json()
    rows = [{"public_id": there["public_id"], "name": "Acme", "tags": ["new"]}, {"name": "Other"}]
    report = await bring(client, accounts=rows, pipelines=[{"name": "P", "stages": [{"name": "S"}]}], dry_run=True)
    assert (report["dry_run"], report["changeset_id"]) == (True, None)
    changed, created = (result for result in report["results"] if result["record_type"] == "account")
    assert changed["changes"] == {"tags": {"before": ["old"], "after": ["new"]}}
    assert created["changes"]["name"] == {"before": None, "after": "Other"}
    assert {**(await client.get(EXPORT)).json(), "exported_at": ""} == {**before, "exported_at": ""}


async def test_an_import_is_one_changeset_and_automations_can_be_left_out(
    client: httpx.AsyncClient, organization: TestOrganization, services: AppServices
) -> None:
    there = await make_record(client, "leads", email="there@example.com")
    rows = [{"email": "there@example.com", "score": 0.5}, {"email": "new@example.com"}]
    report = await bring(client, leads=rows, accounts=[{"name": "Acme"}])
    quiet = await bring(client, leads=[{"email": "quiet@example.com"}], suppress_automations=True)
    async with services.database.tenant(organization.id) as session:
        changes = await session.fetch(
            "SELECT changeset_id, action, record_type FROM change_event WHERE record_id <> $1 OR action = 'update'",
            there["id"],
        )
        events = await session.fetch(
            "SELECT type FROM event WHERE type LIKE 'lead.%' OR type LIKE 'account.%' ORDER BY id"
        )
    assert {
        (row["action"], row["record_type"]) for row in changes if row["changeset_id"] == report["changeset_id"]
    } == {
        ("update", "lead"),
        ("create", "lead"),
        ("create", "account"),
    }
    assert quiet["changeset_id"] != report["changeset_id"]
    assert sorted(event["type"] for event in events) == [
        "account.created",
        "lead.created",
        "lead.created",
        "lead.scored",
        "lead.updated",
    ]


async def test_a_record_that_was_deleted_comes_back(client: httpx.AsyncClient) -> None:
    account = await make_record(client, "accounts", name="Acme")
    bundle = (await client.get(EXPORT)).json()
    await client.delete(f"{CRM}/accounts/{account['id']}")
    [result] = (await bring(client, **bundle))["results"]
    assert (result["status"], result["public_id"]) == ("updated", account["public_id"])
    assert "restored" in result["reason"]
    [back] = await listed(client, "accounts")
    assert back == {**account, "updated_at": back["updated_at"]}


async def test_two_rows_of_one_address_are_one_record_and_the_later_counts(client: httpx.AsyncClient) -> None:
    rows = [{"email": "a@example.com", "title": "1"}, {"email": "A@EXAMPLE.com", "title": "2", "company": "C"}]
    report = await bring(client, contacts=rows)
    assert statuses(report) == ["created", "updated"]
    [row] = await listed(client, "contacts")
    assert (row["title"], row["company"]) == ("2", "C")


async def test_a_stage_decides_the_status_and_what_is_not_said_stays(client: httpx.AsyncClient) -> None:
    pipeline = await default_pipeline(client)
    deal = await make_deal(client, "Deal", amount=5)
    won = pipeline["stages"][5]["public_id"]
    rows = [{"public_id": deal["public_id"], "pipeline_stage_id": won, "closed_at": "2026-01-02T03:04:05Z"}]
    await bring(client, opportunities=[*rows, {"name": "Lost", "status": "lost"}, {"name": "New"}])
    found = {row["name"]: row for row in await listed(client, "opportunities")}
    assert found["Deal"].items() >= {"status": "won", "amount": 5, "closed_at": "2026-01-02T03:04:05.000Z"}.items()
    assert found["Lost"]["pipeline_stage_id"] == pipeline["stages"][6]["id"]
    assert found["New"]["pipeline_stage_id"] == pipeline["stages"][0]["id"]
    assert found["Lost"]["closed_at"] is not None


async def test_pipelines_are_made_found_and_mapped(
    client: httpx.AsyncClient, organization: TestOrganization, new_organization: MakeOrganization
) -> None:
    other = await new_organization()
    await make_deal(other.client, "Theirs", status="won")
    bundle = (await other.client.get(EXPORT)).json()
    default = await default_pipeline(client)
    bundle["pipelines"][0]["stages"].insert(1, {"public_id": "stage_x", "name": "Extra"})
    bundle["opportunities"].append({"name": "Extra", "pipeline_stage_id": "stage_x"})
    editor = organization.as_role(MemberRole.EDITOR)
    report = await bring(editor, **bundle)
    assert (report["results"][0]["status"], report["results"][0]["public_id"]) == ("skipped", default["public_id"])
    found = {row["name"]: row["pipeline_stage_id"] for row in await listed(client, "opportunities")}
    stages = [stage["id"] for stage in default["stages"]]
    assert found == {"Theirs": stages[5], "Extra": stages[0]}
    assert (await bring(client, **bundle))["results"][0]["status"] == "updated"
    now = (await client.get(PIPELINES)).json()["pipelines"][0]
    assert [stage["name"] for stage in now["stages"]][-1] == "Extra"


async def test_custom_fields_go_along_with_their_values(
    client: httpx.AsyncClient, new_organization: MakeOrganization
) -> None:
    other = (await new_organization()).client
    for key, kind in (("plan", "text"), ("seats", "integer"), ("gone", "text")):
        field = {"record_type": "account", "key": key, "label": key.title(), "type": kind}
        assert (await other.post(f"{CRM}/custom_fields", json=field)).status_code == 201
    await make_record(other, "accounts", name="Acme", custom_fields={"plan": "pro", "seats": 5, "gone": "x"})
    gone = (await other.get(f"{CRM}/custom_fields", params={"key": "gone"})).json()["custom_fields"][0]
    await other.delete(f"{CRM}/custom_fields/{gone['id']}")
    bundle = (await other.get(EXPORT)).json()
    assert [field["key"] for field in bundle["custom_fields"]] == ["plan", "seats"]
    assert bundle["accounts"][0]["custom_fields"] == {"plan": "pro", "seats": 5}
    assert set(statuses(await bring(other, **bundle))) == {"unchanged"}
    report = await bring(client, **{**bundle, "contacts": [{"custom_fields": {"plan": "pro"}}]})
    assert [(one["record_type"], one["status"]) for one in report["results"]][:3] == [
        ("custom_field", "created"),
        ("custom_field", "created"),
        ("account", "created"),
    ]
    assert report["results"][3]["status"] == "invalid"
    assert "custom_fields.plan" in report["results"][3]["reason"]
    [account] = await listed(client, "accounts")
    assert account["custom_fields"] == {"plan": "pro", "seats": 5}
    bad = [{"public_id": account["public_id"], "custom_fields": {"seats": "many"}}]
    assert statuses(await bring(client, accounts=bad)) == ["invalid"]


@pytest.mark.parametrize("body", [{"deals": []}, {"accounts": {}}, {"version": 2}, []])
async def test_what_is_no_bundle_is_refused(client: httpx.AsyncClient, body: Any) -> None:
    answer = await client.post(IMPORT, json=body)
    assert answer.status_code in {400, 422}
    assert answer.json()["error"] in {"validation_failed", "bad_request"}


async def test_a_portion_is_no_limit(client: httpx.AsyncClient) -> None:
    accounts = [{"public_id": f"acct_n{number}", "name": f"Account {number}"} for number in range(1100)]
    contacts = [{"account_id": f"acct_n{1099 - number}", "first_name": str(number)} for number in range(1100)]
    report = await bring(client, accounts=accounts, contacts=contacts)
    assert report["counts"]["created"] == 2200
    assert [result["index"] for result in report["results"]] == [*range(1100), *range(1100)]
    again = await bring(client, **{**(await client.get(EXPORT)).json(), "dry_run": True})
    assert again["counts"]["unchanged"] == 2200
