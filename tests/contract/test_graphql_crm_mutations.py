"""CRM records and what belongs to them, changed over GraphQL."""

from typing import Any

import httpx
import pytest

from drippulse_graphql.kit.models.names import global_id
from tests.conftest import MakeOrganization
from tests.support.crm import signed_in
from tests.support.graphql import done, mutate, refused
from tests.support.organizations import TestOrganization

CONTACT = "contact { id databaseId publicId email firstName tags attributes customFields accountId createdAt }"
KINDS = {
    "Account": ({"name": "Acme", "annualRevenue": 1200.5}, {"name": "Acme 2"}, "account { id name annualRevenue }"),
    "Contact": ({"email": "ada@example.com", "tags": ["vip"]}, {"firstName": "Ada"}, CONTACT),
    "Lead": ({"company": "Acme", "score": 0.5}, {"status": "hot"}, "lead { id company score status }"),
    "Opportunity": (
        {"name": "20 seats", "amount": 4800, "expectedCloseDate": "2026-12-24"},
        {"status": "WON"},
        "opportunity { id name amount status currency expectedCloseDate pipelineId }",
    ),
    "Activity": (
        {"type": "CALL", "subject": "First", "occurredAt": "2026-03-31T09:00:00Z"},
        {"outcome": "good"},
        "activity { id type subject occurredAt outcome }",
    ),
}


def _plural(kind: str) -> str:
    return {"Opportunity": "Opportunities", "Activity": "Activities"}.get(kind, f"{kind}s")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_record_is_made_changed_deleted_and_restored(client: httpx.AsyncClient, kind: str) -> None:
    fields, changes, shown = KINDS[kind]
    made = await done(client, f"createCrm{kind}", shown, **fields)
    assert {name: made.get(name, value) for name, value in fields.items()} == {
        name: f"{str(value)[:-1]}.000Z" if name == "occurredAt" else value for name, value in fields.items()
    }
    changed = await done(client, f"updateCrm{kind}", shown, id=made["id"], **changes)
    assert {**made, **changes} == changed
    assert await done(client, f"deleteCrm{kind}", "deletedId", id=made["id"])
    assert [code[-10:] for _, code in await refused(client, f"updateCrm{kind}", id=made["id"], **changes)] == [
        "_not_found"
    ]
    assert (await done(client, f"restoreCrm{kind}", shown, id=made["id"]))["id"] == made["id"]


@pytest.mark.parametrize("kind", KINDS)
async def test_many_records_are_changed_assigned_and_deleted(client: httpx.AsyncClient, kind: str) -> None:
    fields, _, shown = KINDS[kind]
    made = await done(client, f"createCrm{kind}", shown, **fields)
    plural, counted = _plural(kind), "result { updated unchanged failed { id error } changesetId }"
    said = {"ids": [made["id"]], "changes": {"addTags": ["2026"]}}
    assert (await done(client, f"bulkUpdateCrm{plural}", counted, **said))["updated"] == 1
    found = {"filter": {"tags": ["2026"]}}
    assert (await done(client, f"assignCrm{plural}", counted, **found, ownerId=None))["unchanged"] == 1
    told = await refused(client, f"bulkDeleteCrm{plural}", filter={"nonsense": 1})
    assert told == [("filter.nonsense", "validation_failed")]
    assert (await done(client, f"bulkDeleteCrm{plural}", "result { deleted }", **found)) == {"deleted": 1}


async def test_what_is_left_out_stays_and_null_takes_away(client: httpx.AsyncClient) -> None:
    account = await done(client, "createCrmAccount", "account { id databaseId }", name="Acme")
    made = await done(
        client, "createCrmContact", CONTACT, email="a@b.com", accountId=account["id"], attributes={"plan_name": "pro"}
    )
    assert made["accountId"] == account["databaseId"]
    kept = await done(client, "updateCrmContact", CONTACT, id=made["publicId"], firstName="Ada")
    assert (kept["accountId"], kept["attributes"]) == (account["databaseId"], {"plan_name": "pro"})
    gone = await done(client, "updateCrmContact", CONTACT, id=made["databaseId"], accountId=None)
    assert (gone["accountId"], gone["email"]) == (None, "a@b.com")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"email": "nonsense"}, ("email", "invalid_email")),
        ({"firstName": "x" * 501}, ("firstName", "validation_failed")),
        ({"timezone": "Mars/Base"}, ("timezone", "validation_failed")),
        ({"accountId": "0192f0c1-7a3e-7cc3-98c4-dc0c0c07398f"}, (None, "account_not_found")),
        ({"accountId": global_id("Lead", 1)}, ("accountId", "invalid_id")),
        ({"customFields": {"renewal_month": 3}}, ("customFields.renewal_month", "validation_failed")),
    ],
)
async def test_what_is_not_acceptable_is_told(
    client: httpx.AsyncClient, said: dict[str, Any], told: tuple[str | None, str]
) -> None:
    payload = await mutate(client, "createCrmContact", "contact { id }", **said)
    assert payload["contact"] is None
    [error] = payload["userErrors"]
    assert error["code"] == told[1]
    assert error["field"] in {told[0], None}
    assert (await client.get("/api/v1/crm/contacts")).json()["total_count"] == 0


async def test_another_organizations_account_is_not_found(
    client: httpx.AsyncClient, new_organization: MakeOrganization
) -> None:
    theirs = await done((await new_organization()).client, "createCrmAccount", "account { id }", name="Acme")
    assert await refused(client, "createCrmContact", accountId=theirs["id"]) == [(None, "account_not_found")]
    assert await refused(client, "updateCrmAccount", id=theirs["id"], name="X") == [(None, "account_not_found")]


async def test_a_conflict_says_what_rest_says(client: httpx.AsyncClient) -> None:
    await done(client, "createCrmContact", CONTACT, email="a@b.com")
    [error] = (await mutate(client, "createCrmContact", "contact { id }", email="A@b.com"))["userErrors"]
    rest = (await client.post("/api/v1/crm/contacts", json={"email": "A@b.com"})).json()
    assert (error["code"], error["message"]) == (rest["error"], rest["message"])
    assert (error["details"] or {}).items() <= rest.items()


async def test_contacts_are_merged_and_taken_apart_again(client: httpx.AsyncClient) -> None:
    one, other = [await done(client, "createCrmContact", CONTACT, firstName=name) for name in ("Ada", "Adah")]
    shown = "result { record { id firstName } merged changesetId moved enrollments { moved } }"
    merged = await done(client, "mergeCrmContact", shown, id=one["id"], merge=[other["id"]])
    assert merged["record"] == {"id": one["id"], "firstName": "Ada"}
    assert merged["merged"] == [other["publicId"]]
    undone = await done(client, "unmergeCrmContact", "revert { status counts conflicts { reason } }", id=one["id"])
    assert undone["status"] == "completed"


async def test_a_lead_is_converted_and_the_changeset_reverted(client: httpx.AsyncClient) -> None:
    lead = await done(client, "createCrmLead", "lead { id }", company="Acme", email="g@acme.example", lastName="Hopper")
    shown = "leadConversion { changesetId account { name } contact { email } opportunity { name } created }"
    made = await done(client, "convertCrmLead", shown, id=lead["id"], opportunity={"name": "20 seats"})
    assert (made["account"]["name"], made["opportunity"]["name"]) == ("Acme", "20 seats")
    again = await refused(client, "convertCrmLead", id=lead["id"])
    assert again == [(None, "lead_already_converted")]
    number = made["changesetId"]
    assert (await done(client, "revertCrmChangeset", "revert { status }", id=str(number), dryRun=True)) == {
        "status": "dry_run"
    }
    assert (await done(client, "revertCrmChangeset", "revert { status }", id=str(number)))["status"] == "completed"


async def test_tags_are_renamed_and_deleted(client: httpx.AsyncClient) -> None:
    await done(client, "createCrmContact", CONTACT, tags=["new"])
    shown = "tag { name status merged updated }"
    renamed = await done(client, "renameCrmTag", shown, tag="new", name="old")
    assert renamed == {"name": "old", "status": "COMPLETED", "merged": False, "updated": 1}
    assert await refused(client, "deleteCrmTag", tag="new") == [(None, "tag_not_found")]
    assert (await done(client, "deleteCrmTag", shown, tag="old"))["updated"] == 1


async def test_custom_fields_are_defined(client: httpx.AsyncClient) -> None:
    shown = "customField { id key type options required default }"
    said = {"recordType": "CONTACT", "key": "plan", "label": "Plan", "type": "SELECT", "options": ["a", "b"]}
    made = await done(client, "createCrmCustomField", shown, **said, default="a")
    assert (made["type"], made["default"]) == ("SELECT", "a")
    assert (await done(client, "createCrmContact", CONTACT))["customFields"] == {"plan": "a"}
    assert (await done(client, "updateCrmCustomField", shown, id=made["id"], default=None))["default"] is None
    assert await refused(client, "createCrmCustomField", **said) == [("key", "custom_field_exists")]
    assert await done(client, "deleteCrmCustomField", "deletedId", id=made["id"]) == made["id"]


async def test_pipelines_are_made_changed_and_ordered(organization: TestOrganization) -> None:
    client = await signed_in(organization)
    shown = "pipeline { id databaseId name stages { id name stageType position } }"
    made = await done(client, "createOpportunityPipeline", shown, name="Mine")
    stage = made["stages"][0]
    said: dict[str, Any] = {"stages": [{"id": stage["id"], "name": "Demo"}, {"name": "Trial"}]}
    changed = await done(client, "updateOpportunityPipeline", shown, id=made["id"], **said)
    assert {"Demo", "Trial"} <= {one["name"] for one in changed["stages"]}
    chosen = "default { defaultPipelineId pipeline { id } }"
    assert (await done(client, "setDefaultOpportunityPipeline", chosen, id=made["id"]))["pipeline"]["id"] == made["id"]
    deals = [await done(client, "createCrmOpportunity", "opportunity { id databaseId }", name=name) for name in "AB"]
    ordered = await done(
        client,
        "reorderOpportunities",
        "stage { pipelineId opportunities { id } totalCount }",
        pipelineStageId=stage["id"],
        orderedIds=[deals[1]["id"], deals[0]["databaseId"]],
    )
    assert [one["id"] for one in ordered["opportunities"]] == [deals[1]["id"], deals[0]["id"]]
    assert await refused(client, "deleteOpportunityPipeline", id=made["id"]) == [(None, "pipeline_not_empty")]


async def test_duplicates_are_dismissed(client: httpx.AsyncClient) -> None:
    made = [await done(client, "createCrmContact", CONTACT, firstName="Ada", company="Acme") for _ in range(2)]
    said = {"recordType": "CONTACT", "recordIds": [one["id"] for one in made]}
    shown = "dismissal { recordType recordIds dismissed changedPairs }"
    done_with = await done(client, "dismissCrmDuplicates", shown, **said)
    assert (done_with["recordType"], done_with["changedPairs"]) == ("CONTACT", 1)


async def test_a_change_says_who_made_it(client: httpx.AsyncClient) -> None:
    await done(client, "createCrmContact", CONTACT, firstName="Ada")
    await client.post("/api/v1/crm/contacts", json={"first_name": "Grace"})
    ours, theirs = (await client.get("/api/v1/crm/changesets")).json()["changesets"][::-1]
    volatile = {"id", "at", "label"}
    assert {k: v for k, v in ours.items() if k not in volatile} == {
        k: v for k, v in theirs.items() if k not in volatile
    }
