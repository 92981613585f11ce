"""`GET /crm/export`: a bundle of everything, or the CSV of one type."""

import asyncio
import csv
import io
from typing import Any

import httpx
import pytest

from drippulse.crm.bundles.errors import ExportsRunningError
from drippulse.crm.bundles.exporting import ExportOptions, bundle
from drippulse.crm.bundles.pumping import pumped
from drippulse.kit.services import AppServices
from tests.support.crm import CRM, make_deal, make_record
from tests.support.organizations import TestOrganization

EXPORT = f"{CRM}/export"
PLURALS = ["accounts", "contacts", "opportunities", "leads", "activities"]


async def furnish(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    """One record of each type, which refer to each other."""
    account = await make_record(client, "accounts", name="Acme", annual_revenue=1200.5, tags=["a", "b"])
    contact = await make_record(client, "contacts", email="ada@acme.example", account_id=account["id"])
    deal = await make_deal(client, "Seats", account_id=account["id"], contact_id=contact["id"], amount=10, status="won")
    lead = await make_record(client, "leads", email="grace@acme.example", score=0.5, contact_id=contact["id"])
    about = {"contact_id": contact["id"], "lead_id": lead["id"], "opportunity_id": deal["id"]}
    activity = await make_record(client, "activities", type="call", occurred_at="2026-03-31T09:00:00Z", **about)
    rows = (account, contact, deal, lead, activity)
    return dict(zip(PLURALS, rows, strict=True))


async def test_a_bundle_has_every_record_and_refers_by_public_id(client: httpx.AsyncClient) -> None:
    made = await furnish(client)
    answer = await client.get(EXPORT)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    bundle = answer.json()
    assert list(bundle) == [
        "version",
        "exported_at",
        "organization_id",
        "owners",
        "pipelines",
        "custom_fields",
        *PLURALS,
    ]
    contact = {**made["contacts"], "account_id": made["accounts"]["public_id"]}
    assert (bundle["accounts"], bundle["contacts"]) == ([made["accounts"]], [contact])
    [pipeline] = bundle["pipelines"]
    [deal] = bundle["opportunities"]
    assert (deal["pipeline_id"], deal["contact_id"]) == (pipeline["public_id"], contact["public_id"])
    assert deal["pipeline_stage_id"] == pipeline["stages"][5]["public_id"]
    [activity] = bundle["activities"]
    refs = [made[plural]["public_id"] for plural in ("contacts", "leads", "opportunities")]
    assert [activity[name] for name in ("contact_id", "lead_id", "opportunity_id", "account_id")] == [*refs, None]


async def test_only_the_types_that_are_named_and_what_changed_since(client: httpx.AsyncClient) -> None:
    made = await furnish(client)
    later = await make_record(client, "contacts", first_name="Later")
    bundle = (await client.get(EXPORT, params={"record_types": "leads,contacts", "since": later["updated_at"]})).json()
    assert [plural for plural in PLURALS if plural in bundle] == ["contacts", "leads"]
    assert ([row["id"] for row in bundle["contacts"]], bundle["leads"]) == ([later["id"]], [])
    await client.patch(f"{CRM}/contacts/{made['contacts']['id']}", json={"title": "Countess"})
    again = (await client.get(EXPORT, params={"record_types": "contacts", "since": later["updated_at"]})).json()
    assert len(again["contacts"]) == 2


async def test_deleted_records_come_when_asked_for_and_are_referred_to_by_no_live_one(
    client: httpx.AsyncClient,
) -> None:
    made = await furnish(client)
    await client.delete(f"{CRM}/accounts/{made['accounts']['id']}")
    bundle = (await client.get(EXPORT)).json()
    assert bundle["accounts"] == []
    assert "account_id" not in bundle["contacts"][0]
    [account] = (await client.get(EXPORT, params={"include_deleted": True})).json()["accounts"]
    assert account["public_id"] == made["accounts"]["public_id"]
    assert account["deleted_at"] is not None


async def test_csv_of_one_type_quotes_and_disarms(client: httpx.AsyncClient) -> None:
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\uff1d1", "  =1", "plain", 'say "hi", twice\nagain', ""]
    for text in texts:
        await make_record(client, "contacts", description=text, tags=["=a", "b"], attributes={"k": "v"})
    answer = await client.get(EXPORT, params={"format": "csv", "record_types": "contacts"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert ".csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["description"] for row in rows] == [f"'{text}" if text in texts[:8] else text for text in texts]
    assert (rows[0]["tags"], rows[0]["attributes"]) == ("'=a,b", '{"k":"v"}')
    exact = await client.get(EXPORT, params={"format": "csv", "record_types": "contacts", "formula_safe": False})
    found = [row["description"] for row in csv.DictReader(io.StringIO(exact.text, newline=""))]
    assert found == texts


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"format": "csv"}, "record_types"),
        ({"record_types": "contacts,deals"}, "record_types"),
        ({"record_types": ""}, "record_types"),
        ({"since": "yesterday"}, "since"),
    ],
)
async def test_what_cannot_be_exported_is_named(client: httpx.AsyncClient, params: dict[str, str], field: str) -> None:
    answer = await client.get(EXPORT, params=params)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])


async def test_an_export_is_of_one_moment_and_leaves_its_place_when_the_reader_goes(
    client: httpx.AsyncClient, organization: TestOrganization, services: AppServices
) -> None:
    """The third at a time is told to wait; rows written meanwhile are not in it."""

    def export() -> Any:
        return pumped(lambda: bundle(services.database, organization.id, ExportOptions(), services.clock()))

    await make_record(client, "accounts", name="Before")
    first, second = export(), export()
    head = await anext(first) + await anext(first)
    await anext(second)
    assert (await client.get(EXPORT)).json()["error"] == "export_in_progress"
    with pytest.raises(ExportsRunningError):
        await anext(export())
    await make_record(client, "accounts", name="After")
    whole = head + b"".join([piece async for piece in first])
    assert [row["name"] for row in httpx.Response(200, content=whole).json()["accounts"]] == ["Before"]
    await second.aclose()
    await asyncio.sleep(0)
    assert (await client.get(EXPORT)).status_code == 200


async def test_an_export_is_in_the_audit_log(
    client: httpx.AsyncClient, organization: TestOrganization, services: AppServices
) -> None:
    await client.get(EXPORT, params={"record_types": "leads"})
    async with services.database.tenant(organization.id) as session:
        acts = await session.fetch("SELECT details FROM audit_entry WHERE action = 'export.started'")
    assert [act["details"] for act in acts] == [
        '{"format": "json", "record_types": ["leads"], "include_deleted": false}'
    ]
