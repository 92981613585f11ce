"""Billing: who bills are written to, and what was used this month."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from drippulse.kit.db import Role
from drippulse.kit.services import AppServices
from drippulse.organizations.tables import MemberRole
from tests.support.organizations import TestOrganization

BILLING = "/api/v1/account/billing"
NO_ADDRESS = dict.fromkeys(("line1", "line2", "postal_code", "city", "state", "country"))


async def test_before_anything_was_said_the_fields_are_null_and_what_was_used_is_counted(
    client: httpx.AsyncClient,
) -> None:
    shown = (await client.get(BILLING)).json()
    assert {name: shown[name] for name in ("company_name", "email", "tax_id", "purchase_order")} == dict.fromkeys(
        ("company_name", "email", "tax_id", "purchase_order")
    )
    assert shown["address"] == NO_ADDRESS
    usage = shown["usage"]
    assert (usage["mails_sent"], usage["records"]["contact"]) == (0, 0)
    first = datetime.now(UTC).date().replace(day=1)
    assert usage["period_start"] == first.isoformat()
    assert usage["period_end"] > usage["period_start"]


async def test_what_was_sent_is_changed_and_null_takes_a_member_away(client: httpx.AsyncClient) -> None:
    first = await client.patch(
        BILLING,
        json={"company_name": "Acme GmbH", "email": "bills@acme.example", "tax_id": "DE 123 456 789",
              "address": {"line1": "Hauptstrasse 1", "city": "Berlin", "country": "DE"}},
    )  # fmt: skip
    assert first.status_code == 200, first.text
    second = await client.patch(BILLING, json={"billing": {**first.json(), "email": None, "address": {"city": None}}})
    assert second.status_code == 200, second.text
    shown = (await client.get(BILLING)).json()
    assert shown == second.json()
    assert (shown["company_name"], shown["email"], shown["tax_id"]) == ("Acme GmbH", None, "DE 123 456 789")
    assert shown["address"] == {**NO_ADDRESS, "line1": "Hauptstrasse 1", "country": "DE"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"tax_id": "none"}, "tax_id"),
        ({"tax_id": "12"}, "tax_id"),
        ({"company_name": "a\nb"}, "company_name"),
        ({"address": {"country": "Germany"}}, "address.country"),
        ({"address": {"street": "x"}}, "address.street"),
        ({"card_number": "4242"}, "card_number"),
    ],
)
async def test_what_does_not_fit_is_refused_by_field_and_changes_nothing(
    body: dict[str, Any], field: str, client: httpx.AsyncClient
) -> None:
    before = (await client.get(BILLING)).json()
    answer = await client.patch(BILLING, json={"purchase_order": "PO 7", **body})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert (await client.get(BILLING)).json() == before


async def test_mails_records_members_and_requests_of_this_month_are_counted(
    organization: TestOrganization, services: AppServices
) -> None:
    await organization.client.post("/api/v1/crm/contacts", json={"email": "a@example.com"})
    async with services.database.session(Role.ENGINE) as session:
        await session.execute(
            "INSERT INTO send_total (organization_id, day, shard, sent) VALUES "
            "($1, (now() AT TIME ZONE 'UTC')::date, 0, 3), ($1, (now() AT TIME ZONE 'UTC')::date, 1, 4), "
            "($1, (now() AT TIME ZONE 'UTC')::date - 40, 0, 100)",
            organization.id,
        )
    usage = (await organization.client.get(BILLING)).json()["usage"]
    assert (usage["mails_sent"], usage["members"]) == (7, 1)
    assert usage["records"] == {"account": 0, "contact": 1, "lead": 0, "opportunity": 0, "activity": 0}


async def test_only_admins_see_billing(organization: TestOrganization) -> None:
    for role in (MemberRole.VIEWER, MemberRole.EDITOR):
        assert (await organization.as_role(role).get(BILLING)).status_code == 403


async def test_a_change_stands_in_the_audit_log_without_its_content(organization: TestOrganization) -> None:
    await organization.client.patch(BILLING, json={"tax_id": "DE 123 456 789"})
    log = (await organization.client.get("/api/v1/audit_log", params={"action": "billing.updated"})).json()
    entry = next(iter(log.values()))[0]
    assert entry["details"] == {"fields": ["tax_id"]}
