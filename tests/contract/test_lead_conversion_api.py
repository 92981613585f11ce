"""Converting a lead over REST: what is made, what is found, what follows, and taking it back."""

import asyncio
from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from drippulse.organizations.tables import MemberRole
from tests.support.crm import CRM, make_record, signed_in
from tests.support.organizations import TestOrganization
from tests.support.workflows import create_workflow

ADA = {
    "email": "ada@acme.example",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "company": "Acme",
    "title": "CTO",
    "phone": "+1 415 555 0100",
    "city": "Bern",
    "website": "https://www.acme.example/about",
    "tags": ["hot"],
    "attributes": {"plan": "pro"},
    "source": "Fair",
}


async def convert(client: httpx.AsyncClient, lead: dict[str, Any], **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{CRM}/leads/{lead['id']}/convert", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(client: httpx.AsyncClient, lead: dict[str, Any], **body: Any) -> httpx.Response:
    answer = await client.post(f"{CRM}/leads/{lead['id']}/convert", json=body)
    assert answer.status_code >= 400, answer.text
    return answer


async def total(client: httpx.AsyncClient, plural: str) -> int:
    return (await client.get(f"{CRM}/{plural}")).json()["total_count"]


async def test_an_empty_body_makes_all_three_from_the_lead(client: httpx.AsyncClient) -> None:
    lead = await make_record(client, "leads", **ADA)
    answer = await client.post(f"{CRM}/leads/{lead['public_id']}/convert")
    assert answer.status_code == 200, answer.text
    done = answer.json()
    account, contact, deal = done["account"], done["contact"], done["opportunity"]
    assert done["created"] == ["account", "contact", "opportunity"]
    assert (account["name"], account["domain"], account["city"]) == ("Acme", "acme.example", "Bern")
    taken = ("email", "first_name", "last_name", "company", "title", "phone", "city", "tags", "attributes")
    assert {name: contact[name] for name in taken} == {name: ADA[name] for name in taken}
    assert contact["account_id"] == account["id"]
    assert (deal["name"], deal["source"], deal["status"]) == ("Acme", "Fair", "open")
    assert (deal["account_id"], deal["contact_id"]) == (account["id"], contact["id"])
    shown = (await client.get(f"{CRM}/leads/{lead['id']}")).json()
    assert shown == done["lead"]
    assert (shown["status"], shown["contact_id"]) == ("converted", contact["id"])
    ids = ("converted_account_id", "converted_contact_id", "converted_opportunity_id")
    assert [shown[name] for name in ids] == [account["id"], contact["id"], deal["id"]]
    assert shown["converted_at"] is not None
    for plural, made in (("accounts", account), ("contacts", contact), ("opportunities", deal)):
        assert (await client.get(f"{CRM}/{plural}/{made['id']}")).json() == made


async def test_what_is_sent_goes_before_what_the_lead_says(client: httpx.AsyncClient) -> None:
    lead = await make_record(client, "leads", **ADA)
    done = await convert(
        client,
        lead,
        account={"name": "Acme Holding", "industry": "SaaS"},
        contact={"title": "CEO", "tags": ["vip"]},
        opportunity={"name": "20 seats", "amount": 4800.5, "currency": "EUR", "expected_close_date": "2027-01-31"},
    )
    assert (done["account"]["name"], done["account"]["industry"]) == ("Acme Holding", "SaaS")
    assert (done["contact"]["title"], done["contact"]["tags"]) == ("CEO", ["vip"])
    deal = done["opportunity"]
    assert (deal["name"], deal["amount"], deal["currency"]) == ("20 seats", 4800.5, "EUR")
    assert deal["expected_close_date"] == "2027-01-31"


async def test_null_makes_no_account_and_no_opportunity(client: httpx.AsyncClient) -> None:
    lead = await make_record(client, "leads", **ADA)
    done = await convert(client, lead, account=None, opportunity=None)
    assert (done["account"], done["opportunity"], done["created"]) == (None, None, ["contact"])
    assert done["contact"]["account_id"] is None
    assert await total(client, "accounts") == await total(client, "opportunities") == 0


@pytest.mark.parametrize(
    "known",
    [
        {"name": "Something else", "domain": "ACME.example"},
        {"name": "Something else", "website": "http://acme.example:8080"},
        {"name": "ACME, Inc."},
    ],
)
async def test_an_account_with_the_domain_or_the_name_is_used(client: httpx.AsyncClient, known: dict[str, Any]) -> None:
    account = await make_record(client, "accounts", **known, city="Basel")
    lead = await make_record(client, "leads", **ADA)
    done = await convert(client, lead)
    assert (done["account"]["id"], done["created"]) == (account["id"], ["contact", "opportunity"])
    assert (done["account"]["name"], done["account"]["city"]) == (known["name"], "Basel")
    assert done["account"]["website"] == known.get("website", ADA["website"])


@pytest.mark.parametrize("known", [{"name": "Acme", "domain": "acme.other"}, {"name": "Co", "domain": "gmail.com"}])
async def test_an_account_of_another_domain_is_left_alone(client: httpx.AsyncClient, known: dict[str, Any]) -> None:
    await make_record(client, "accounts", **known)
    email = "ada@gmail.com" if known["domain"] == "gmail.com" else ADA["email"]
    website = "" if email != ADA["email"] else ADA["website"]
    lead = await make_record(client, "leads", **{**ADA, "email": email, "website": website})
    assert (await convert(client, lead))["created"] == ["account", "contact", "opportunity"]


async def test_a_contact_with_the_address_is_used_and_only_filled_up(client: httpx.AsyncClient) -> None:
    own = await make_record(client, "accounts", name="Her own")
    contact = await make_record(
        client,
        "contacts",
        email="ADA@acme.example",
        title="Countess",
        tags=["old"],
        attributes={"plan": "free", "a": 1},
        account_id=own["id"],
    )
    lead = await make_record(client, "leads", **ADA)
    done = await convert(client, lead)
    shown = done["contact"]
    assert (shown["id"], done["created"]) == (contact["id"], ["opportunity"])
    assert (shown["title"], shown["first_name"], shown["email"]) == ("Countess", "Ada", contact["email"])
    assert (shown["tags"], shown["attributes"]) == (["old", "hot"], {"plan": "free", "a": 1})
    assert shown["account_id"] == done["account"]["id"] == own["id"]


async def test_the_leads_own_contact_is_used_even_without_its_address(client: httpx.AsyncClient) -> None:
    other = await make_record(client, "contacts", email=ADA["email"])
    contact = await make_record(client, "contacts", first_name="Augusta")
    lead = await make_record(client, "leads", **ADA, contact_id=contact["id"])
    done = await convert(client, lead)
    assert (done["contact"]["id"], done["contact"]["first_name"]) == (contact["id"], "Augusta")
    assert done["contact"]["email"] is None  # another contact has it
    assert (await client.get(f"{CRM}/contacts/{other['id']}")).json() == other


async def test_records_that_are_named_are_used(client: httpx.AsyncClient) -> None:
    account = await make_record(client, "accounts", name="Named")
    contact = await make_record(client, "contacts", first_name="Named")
    lead = await make_record(client, "leads", **ADA)
    done = await convert(client, lead, account_id=account["public_id"], contact_id=contact["public_id"])
    assert (done["account"]["id"], done["contact"]["id"]) == (account["id"], contact["id"])
    assert (done["contact"]["account_id"], done["opportunity"]["name"]) == (account["id"], "Named")


async def test_a_lead_without_a_company_gets_the_domain_of_its_address_or_no_account(client: httpx.AsyncClient) -> None:
    at_work = await make_record(client, "leads", email="grace@navy.example", first_name="Grace")
    at_home = await make_record(client, "leads", email="grace@gmail.com", first_name="Grace", last_name="Hopper")
    assert (await convert(client, at_work))["account"]["name"] == "navy.example"
    error = (await refused(client, at_home, account={"industry": "Navy"})).json()
    assert (error["error"], list(error["errors"])) == ("validation_failed", ["account.name"])
    done = await convert(client, at_home)
    assert (done["account"], done["opportunity"]["name"]) == (None, "Grace Hopper")


async def test_what_is_new_belongs_to_the_owner(organization: TestOrganization) -> None:
    client = await signed_in(organization)
    me = (await client.get("/api/v1/team_members")).json()["team_members"][0]["user_id"]
    first = await make_record(client, "leads", **ADA, owner_id=me)
    second = await make_record(client, "leads", email="b@b.example", company="B")
    for lead, body in ((first, {}), (second, {"owner_id": me})):
        done = await convert(client, lead, **body)
        assert [done[name]["owner_id"] for name in ("account", "contact", "opportunity")] == [me, me, me]
    third = await make_record(client, "leads", email="c@c.example", company="C")
    answer = await refused(client, third, owner_id=999_999_999)
    assert (answer.status_code, answer.json()["error"]) == (404, "user_not_found")
    assert await total(client, "accounts") == 2


async def test_custom_fields_that_contacts_have_too_come_along(client: httpx.AsyncClient) -> None:
    for kind, key, type_ in (("lead", "seats", "integer"), ("lead", "only", "text"), ("contact", "seats", "integer")):
        field = {"record_type": kind, "key": key, "label": key, "type": type_}
        assert (await client.post(f"{CRM}/custom_fields", json=field)).status_code == 201
    lead = await make_record(client, "leads", **ADA, custom_fields={"seats": 7, "only": "x"})
    assert (await convert(client, lead))["contact"]["custom_fields"] == {"seats": 7}


async def test_a_second_conversion_is_refused_and_says_what_came_of_the_first(client: httpx.AsyncClient) -> None:
    lead = await make_record(client, "leads", **ADA)
    done = await convert(client, lead)
    answer = await refused(client, lead)
    told = answer.json()
    assert (answer.status_code, told["error"]) == (409, "lead_already_converted")
    assert (told["account_id"], told["contact_id"]) == (done["account"]["id"], done["contact"]["id"])
    assert [await total(client, plural) for plural in ("accounts", "contacts", "opportunities")] == [1, 1, 1]


async def test_a_lead_is_converted_once_however_many_ask(client: httpx.AsyncClient) -> None:
    lead = await make_record(client, "leads", **{**ADA, "email": None})
    answers = await asyncio.gather(*(client.post(f"{CRM}/leads/{lead['id']}/convert") for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    assert [await total(client, plural) for plural in ("accounts", "contacts", "opportunities")] == [1, 1, 1]


async def test_leads_of_one_company_converted_at_once_share_its_account(client: httpx.AsyncClient) -> None:
    leads = [
        await make_record(client, "leads", first_name=f"Ada {number}", company=name, website=website)
        for number, (name, website) in enumerate([("Acme", ""), ("ACME Ltd.", "acme.example"), ("acme", "")] * 2)
    ]
    done = await asyncio.gather(*(convert(client, lead) for lead in leads))
    assert len({one["account"]["id"] for one in done}) == await total(client, "accounts") == 1
    assert await total(client, "contacts") == 6


async def test_leads_with_one_address_converted_into_one_contact(client: httpx.AsyncClient) -> None:
    leads = [await make_record(client, "leads", first_name="Ada", company=f"Company {number}") for number in range(4)]
    body = {"contact": {"email": "ada@acme.example"}, "opportunity": None, "account": None}
    done = await asyncio.gather(*(convert(client, lead, **body) for lead in leads))
    assert len({one["contact"]["id"] for one in done}) == await total(client, "contacts") == 1


async def test_activities_are_the_contacts_too_and_runs_follow(client: httpx.AsyncClient) -> None:
    lead = await make_record(client, "leads", **ADA)
    other = await make_record(client, "contacts", first_name="Other")
    call = await make_record(client, "activities", subject="Call", lead_id=lead["id"])
    shared = await make_record(client, "activities", subject="Lunch", lead_id=lead["id"], contact_id=other["id"])
    workflow = (await create_workflow(client))["id"]
    enrolled = await client.post(
        f"/api/v1/workflows/{workflow}/enrollments/bulk",
        json={"contacts": [{"email": ADA["email"], "lead_ref": lead["public_id"]}]},
    )
    [run] = enrolled.json()["enrollment_ids"]
    done = await convert(client, lead)
    assert done["moved"] == {"activities": 1, "enrollments": 1, "cancelled_enrollments": 0}
    contact, account = done["contact"]["id"], done["account"]["id"]
    shown = [(await client.get(f"{CRM}/activities/{one['id']}")).json() for one in (call, shared)]
    assert [one["lead_id"] for one in shown] == [lead["id"]] * 2
    assert [one["contact_id"] for one in shown] == [contact, other["id"]]
    assert [one["account_id"] for one in shown] == [account, account]
    path = f"/api/v1/workflows/{workflow}/enrollments/{run}"
    assert (await client.get(path)).json()["lead_ref"] == done["contact"]["public_id"]
    undone = await client.post(f"{CRM}/changesets/{done['changeset_id']}/revert")
    assert undone.json()["conflicts"] == []
    assert (await client.get(path)).json()["lead_ref"] == lead["public_id"]
    assert (await client.get(f"{CRM}/activities/{call['id']}")).json()["contact_id"] is None


async def test_reverting_takes_the_whole_conversion_back(client: httpx.AsyncClient) -> None:
    known = await make_record(client, "contacts", email=ADA["email"])
    lead = await make_record(client, "leads", **ADA)
    done = await convert(client, lead)
    undone = (await client.post(f"{CRM}/changesets/{done['changeset_id']}/revert")).json()
    assert (undone["status"], undone["conflicts"]) == ("completed", [])
    back = (await client.get(f"{CRM}/leads/{lead['id']}")).json()
    assert back == {**lead, "updated_at": back["updated_at"]}
    contact = (await client.get(f"{CRM}/contacts/{known['id']}")).json()
    assert contact == {**known, "updated_at": contact["updated_at"]}
    assert await total(client, "accounts") == await total(client, "opportunities") == 0
    assert (await convert(client, lead))["created"] == ["account", "opportunity"]


async def test_a_conversion_that_cannot_be_completed_leaves_nothing_behind(client: httpx.AsyncClient) -> None:
    lead = await make_record(client, "leads", **ADA)
    bad: list[tuple[dict[str, Any], int, str]] = [
        ({"opportunity": {"pipeline_id": "pipe_x"}}, 404, "pipeline_not_found"),
        ({"account_id": "acct_x"}, 404, "account_not_found"),
        ({"contact_id": "cnt_x"}, 404, "contact_not_found"),
        ({"contact": {"email": "nobody"}}, 400, "invalid_email"),
        ({"opportunity": {"custom_fields": {"x": 1}}}, 422, "validation_failed"),
    ]
    for body, status, code in bad:
        answer = await refused(client, lead, **body)
        assert (answer.status_code, answer.json()["error"]) == (status, code), body
        assert set(answer.json().get("errors", {})) <= {"contact.email", "opportunity.custom_fields.x"}
    assert [await total(client, plural) for plural in ("accounts", "contacts", "opportunities")] == [0, 0, 0]
    assert (await client.get(f"{CRM}/leads/{lead['id']}")).json() == lead


@pytest.mark.parametrize(
    ("body", "place", "words"),
    [
        ({"account": {"name": "A"}, "account_id": "acct_x"}, "body", "not both"),
        ({"contact": {}, "contact_id": "cnt_x"}, "body", "not both"),
        ({"opportunity": {"account_id": "acct_x"}}, "opportunity.account_id", "leave it out"),
        ({"contact": {"account_id": "acct_x"}}, "contact.account_id", "leave it out"),
        ({"contact": {"frist_name": "A"}}, "contact.frist_name", "first_name"),
        ({"acount": {}}, "acount", "account"),
        ({"contact": None}, "contact", "Must be"),
    ],
)
async def test_a_body_that_contradicts_itself_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any], place: str, words: str
) -> None:
    lead = await make_record(client, "leads", **ADA)
    answer = await refused(client, lead, **body)
    assert answer.status_code == 422
    assert words in answer.json()["errors"][place][0]


async def test_foreign_ids_in_the_body_answer_as_random_ones(client: httpx.AsyncClient, new_organization: Any) -> None:
    other = (await new_organization()).as_role(MemberRole.ADMIN)
    lead = await make_record(client, "leads", **ADA)
    account, contact = await make_record(other, "accounts", name="A"), await make_record(other, "contacts", city="B")
    for name, foreign, random in (
        ("account_id", account["id"], "0192f0c1-7a3e-7cc3-98c4-dc0c0c07398f"),
        ("account_id", account["public_id"], "acct_x"),
        ("contact_id", contact["id"], "0192f0c1-7a3e-7cc3-98c4-dc0c0c07398f"),
    ):
        answers = [await refused(client, lead, **{name: ref}) for ref in (foreign, random)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content


async def test_the_event_says_what_the_lead_became(
    organization: TestOrganization, client: httpx.AsyncClient, services: AppServices
) -> None:
    lead = await make_record(client, "leads", **ADA)
    done = await convert(client, lead)
    events = (await client.get("/api/v1/events", params={"type": "lead.converted"})).json()["events"]
    assert [event["record_id"] for event in events] == [lead["id"]]
    data = events[0]["data"]
    assert (data["contact_id"], data["email"]) == (done["contact"]["id"], ADA["email"])
    assert data["created"] == ["account", "contact", "opportunity"]


async def test_converting_while_the_contact_is_merged_away_ends_with_a_live_contact(client: httpx.AsyncClient) -> None:
    for turn in range(6):
        old = await make_record(client, "contacts", first_name="Old", email=f"old{turn}@x.example")
        new = await make_record(client, "contacts", first_name="New")
        lead = await make_record(client, "leads", email=f"lead{turn}@x.example", contact_id=old["id"])
        await make_record(client, "activities", lead_id=lead["id"], contact_id=old["id"])
        converted, merged = await asyncio.gather(
            client.post(f"{CRM}/leads/{lead['id']}/convert", json={"opportunity": None}),
            client.post(f"{CRM}/contacts/{new['id']}/merge", json={"merge": [old["id"]]}),
        )
        assert merged.status_code == 200, merged.text
        assert converted.status_code == 200, converted.text
        shown = (await client.get(f"{CRM}/leads/{lead['id']}")).json()
        assert (shown["contact_id"], shown["converted_contact_id"]) == (new["id"], new["id"])
