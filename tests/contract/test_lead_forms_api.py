"""Lead forms: their definitions, the page that people fill in, and what comes of what they send."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from drippulse.kit.crypto import LinkSigner
from drippulse.kit.services import AppServices
from drippulse.lead_forms.state import CONSENT, HONEYPOT, STAMP, Stamps
from tests.support.organizations import TestOrganization
from tests.support.workflows import create_workflow

FORMS = "/api/v1/crm/lead_forms"
PUBLIC = "/public/lead_forms"
EMAIL = {"name": "email", "label": "E-mail", "type": "email", "required": True}
FIRST = {"name": "first_name", "label": "First name", "help": "As on your badge"}
ABOUT = {"name": "description", "label": "Message", "type": "textarea"}
ADA = {"email": "ada@example.com", "first_name": "Ada"}


async def make_form(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    body = {"name": "Website", "title": "Talk to us", "fields": [EMAIL, FIRST, ABOUT], **more}
    answer = await client.post(FORMS, json={"lead_form": body})
    assert answer.status_code == 201, answer.text
    return answer.json()


class Visitor:
    """Somebody who has the page open since a while."""

    def __init__(self, client: httpx.AsyncClient, services: AppServices) -> None:
        self.client = client
        self._stamps = Stamps(LinkSigner(services.settings))

    def stamp(self, form: dict[str, Any], seconds: float = 30) -> str:
        return self._stamps.make(form["token"], datetime.now(UTC) - timedelta(seconds=seconds))

    async def send(self, form: dict[str, Any], seconds: float = 30, /, **fields: str) -> httpx.Response:
        data = {STAMP: self.stamp(form, seconds), **fields}
        return await self.client.post(f"{PUBLIC}/{form['token']}", data=data)

    async def send_json(self, form: dict[str, Any], **fields: Any) -> httpx.Response:
        return await self.client.post(f"{PUBLIC}/{form['token']}", json={STAMP: self.stamp(form), **fields})


@pytest.fixture
def visitor(anonymous: httpx.AsyncClient, services: AppServices) -> Visitor:
    return Visitor(anonymous, services)


async def leads(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    return (await client.get("/api/v1/crm/leads")).json()["leads"]


async def submissions(client: httpx.AsyncClient, form: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await client.get(f"{FORMS}/{form['id']}/submissions")
    assert answer.status_code == 200, answer.text
    return answer.json()["submissions"]


async def test_a_form_is_listed_changed_and_deleted(client: httpx.AsyncClient) -> None:
    form = await make_form(client)
    assert form["url"].endswith(f"{PUBLIC}/{form['token']}")
    assert len(form["token"]) >= 22
    assert (await client.get(FORMS)).json() == {"lead_forms": [form], "total_count": 1}
    changed = await client.patch(f"{FORMS}/{form['id']}", json={**form, "title": "Write to us", "tags": ["a", "a"]})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["title"], changed.json()["tags"]) == ("Write to us", ["a"])
    assert changed.json()["fields"] == form["fields"]
    assert (await client.delete(f"{FORMS}/{form['id']}")).status_code == 204
    assert (await client.get(f"{FORMS}/{form['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"fields": []}, "fields"),
        ({"fields": [EMAIL, EMAIL]}, "fields.1.name"),
        ({"fields": [{"name": "score", "label": "Score"}]}, "fields.0.name"),
        ({"fields": [{"name": "custom.unknown", "label": "X"}]}, "fields.0.name"),
        ({"fields": [{"name": "city", "label": "City", "type": "select"}]}, "fields.0.options"),
        ({"fields": [{"name": "email", "label": "E-mail"}]}, "fields.0.type"),
        ({"redirect_url": "http://example.com"}, "redirect_url"),
        ({"redirect_url": "javascript:alert(1)"}, "redirect_url"),
        ({"frame_ancestors": ["https://example.com; script-src *"]}, "frame_ancestors.0"),
        ({"frame_ancestors": ["*"]}, "frame_ancestors.0"),
    ],
)
async def test_a_definition_that_cannot_work_is_refused(
    client: httpx.AsyncClient, change: dict[str, Any], place: str
) -> None:
    answer = await client.post(FORMS, json={"name": "Website", "fields": [EMAIL], **change})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [place]), answer.text


async def test_a_required_custom_field_must_be_in_the_form(client: httpx.AsyncClient) -> None:
    field = {"record_type": "lead", "key": "size", "label": "Size", "type": "integer", "required": True}
    await client.post("/api/v1/crm/custom_fields", json=field)
    refused = await client.post(FORMS, json={"name": "Website", "fields": [EMAIL]})
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["fields"])


async def test_the_page_names_its_fields_and_loads_nothing(client: httpx.AsyncClient, visitor: Visitor) -> None:
    form = await make_form(client, title="<b>Talk</b> to us", consent_text="I agree to be called.")
    answer = await visitor.client.get(f"{PUBLIC}/{form['token']}")
    page = answer.text
    assert answer.status_code == 200
    assert "<b>Talk" not in page
    assert '<label for="f-email">E-mail</label>' in page
    assert 'autocomplete="email"' in page
    assert 'aria-describedby="f-first_name-help"' in page
    assert "<script" not in page
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert re.search(r'name="_stamp" value="[^"]{20,}"', page)


async def test_what_is_sent_makes_a_lead_with_a_changeset_of_its_own(
    client: httpx.AsyncClient, organization: TestOrganization, visitor: Visitor
) -> None:
    form = await make_form(client, tags=["web"], source="site", consent_text="I agree.")
    sent = await visitor.send(form, **ADA, description="Hello\r\nthere", **{CONSENT: "true"})
    assert (sent.status_code, sent.headers["location"]) == (303, f"{PUBLIC}/{form['token']}/thanks")
    assert form["success_message"] in (await visitor.client.get(sent.headers["location"])).text
    [lead] = await leads(client)
    assert (lead["email"], lead["first_name"], lead["source"], lead["tags"]) == (
        "ada@example.com",
        "Ada",
        "site",
        ["web"],
    )
    lead = (await client.get(f"/api/v1/crm/leads/{lead['id']}")).json()
    assert lead["description"] == "Hello\nthere"
    assert lead["attributes"]["consent"]["text"] == "I agree."
    [changeset] = (await client.get("/api/v1/crm/changesets")).json()["changesets"]
    assert (changeset["source"], changeset["actor"]["type"], changeset["label"]) == (
        "lead_form",
        "lead_form",
        "Website",
    )
    [submission] = await submissions(client, form)
    assert (submission["created_lead"], submission["consent_text"]) == (True, "I agree.")
    assert submission["lead_public_id"] == lead["public_id"]
    assert (await client.get(f"{FORMS}/{form['id']}")).json()["submission_count"] == 1


async def test_the_address_of_a_merged_lead_finds_the_one_that_is_left(
    client: httpx.AsyncClient, visitor: Visitor
) -> None:
    form = await make_form(client)
    made = [(await client.post("/api/v1/crm/leads", json={"email": f"{name}@example.com"})).json() for name in "ab"]
    await client.post(f"/api/v1/crm/leads/{made[0]['id']}/merge", json={"merge": [made[1]["id"]]})
    assert (await visitor.send(form, email="B@example.com", first_name="Ada")).status_code in {200, 303}
    [lead] = await leads(client)
    assert (lead["id"], lead["email"], lead["first_name"]) == (made[0]["id"], "a@example.com", "Ada")


async def test_a_known_address_is_changed_and_the_answer_does_not_tell(
    client: httpx.AsyncClient, visitor: Visitor
) -> None:
    known = {"email": "Ada@example.com", "company": "Acme", "source": "fair", "tags": ["vip"], "attributes": {"a": 1}}
    await client.post("/api/v1/crm/leads", json=known)
    form = await make_form(client, tags=["web"])
    new, old = [await visitor.send(form, email=email, first_name="A") for email in ("eve@x.org", "ada@example.com")]
    assert (new.status_code, new.headers["location"], new.content) == (
        old.status_code,
        old.headers["location"],
        old.content,
    )
    lead = next(lead for lead in await leads(client) if lead["email"].lower() == "ada@example.com")
    assert (lead["first_name"], lead["company"], lead["source"]) == ("A", "Acme", "fair")
    assert lead["tags"] == ["vip", "web"]
    assert [one["created_lead"] for one in await submissions(client, form)] == [False, True]


async def test_mistakes_stand_beside_their_fields_and_what_was_entered_is_kept(
    client: httpx.AsyncClient, visitor: Visitor
) -> None:
    form = await make_form(client, consent_text="I agree.")
    answer = await visitor.send(form, email="nobody", first_name='"><script>')
    assert answer.status_code == 422
    assert 'value="nobody"' in answer.text
    assert "&quot;&gt;&lt;script&gt;" in answer.text
    assert 'aria-describedby="f-email-bad" aria-invalid="true"' in answer.text
    assert 'id="f-email-bad">Please enter an e-mail address' in answer.text
    assert 'id="f-consent-bad"' in answer.text
    assert await leads(client) == []


async def test_links_in_texts_are_refused(client: httpx.AsyncClient, visitor: Visitor) -> None:
    form = await make_form(client)
    spam = await visitor.send(form, email="a@b.com", description="https://a.com https://b.com https://c.com")
    name = await visitor.send(form, email="a@b.com", first_name="Win http://a.com")
    fine = await visitor.send(form, email="a@b.com", description="See https://www.a.com")
    assert [spam.status_code, name.status_code, fine.status_code] == [422, 422, 303]


async def test_who_fills_in_the_hidden_field_is_counted_and_told_nothing(
    client: httpx.AsyncClient, visitor: Visitor
) -> None:
    form = await make_form(client)
    caught = await visitor.send(form, **ADA, **{HONEYPOT: "1"})
    right = await visitor.send(form, email="eve@example.com")
    assert (caught.status_code, caught.headers["location"]) == (right.status_code, right.headers["location"])
    assert [lead["email"] for lead in await leads(client)] == ["eve@example.com"]
    shown = (await client.get(f"{FORMS}/{form['id']}")).json()
    assert (shown["submission_count"], shown["refused_count"]) == (1, 1)


@pytest.mark.parametrize("seconds", [0, 25 * 3600])
async def test_a_form_sent_at_once_or_after_a_day_has_to_be_sent_again(
    client: httpx.AsyncClient, visitor: Visitor, seconds: float
) -> None:
    form = await make_form(client)
    answer = await visitor.send(form, seconds, **ADA)
    assert (answer.status_code, await leads(client)) == (422, [])
    assert 'value="ada@example.com"' in answer.text


async def test_a_stamp_counts_for_its_own_form_alone(client: httpx.AsyncClient, visitor: Visitor) -> None:
    form, other = await make_form(client), await make_form(client)
    for stamp in ("", "x", visitor.stamp(other)):
        answer = await visitor.client.post(f"{PUBLIC}/{form['token']}", data={STAMP: stamp, **ADA})
        assert answer.status_code == 422, stamp
    assert await leads(client) == []


async def test_json_is_answered_with_json(client: httpx.AsyncClient, visitor: Visitor) -> None:
    form = await make_form(client, redirect_url="https://example.com/thanks")
    made = await visitor.send_json(form, **ADA)
    assert (made.status_code, made.json()["redirect_url"]) == (201, "https://example.com/thanks")
    wrong = await visitor.send_json(form, email="nobody")
    assert (wrong.status_code, list(wrong.json()["errors"])) == (422, ["email"])
    array = await visitor.client.post(f"{PUBLIC}/{form['token']}", json=[])
    assert array.status_code == 400
    stamp = await visitor.client.get(f"{PUBLIC}/{form['token']}/stamp")
    assert stamp.json()["stamp"]


async def test_custom_fields_are_checked_by_their_type(client: httpx.AsyncClient, visitor: Visitor) -> None:
    for key, kind in (("size", "integer"), ("news", "boolean")):
        field = {"record_type": "lead", "key": key, "label": key, "type": kind}
        assert (await client.post("/api/v1/crm/custom_fields", json=field)).status_code == 201
    size = {"name": "custom.size", "label": "Size", "type": "number"}
    news = {"name": "custom.news", "label": "News", "type": "checkbox"}
    form = await make_form(client, fields=[EMAIL, size, news])
    wrong = await visitor.send(form, email="a@b.com", **{"custom.size": "1.5"})
    assert (wrong.status_code, 'id="f-custom-size-bad">Must be a whole number' in wrong.text) == (422, True)
    assert await leads(client) == []
    right = await visitor.send(form, email="a@b.com", **{"custom.size": "15", "custom.news": "true"})
    assert right.status_code == 303
    assert (await leads(client))[0]["custom_fields"] == {"size": 15, "news": True}


async def test_a_lead_is_enrolled_by_the_rules_of_the_workflow(client: httpx.AsyncClient, visitor: Visitor) -> None:
    workflow = (await create_workflow(client))["id"]
    form = await make_form(client, enroll={"workflow_id": workflow})
    await visitor.send(form, **ADA)
    await client.post("/api/v1/suppressions", json={"email": "gone@example.com"})
    await visitor.send(form, email="gone@example.com")
    gone, ada = await submissions(client, form)
    assert (gone["enrollment_id"], gone["not_enrolled"]) == (None, "the address is on the suppression list")
    run = (await client.get(f"/api/v1/workflows/{workflow}/enrollments/{ada['enrollment_id']}")).json()
    assert (run["contact"]["email"], run["lead_ref"]) == ("ada@example.com", ada["lead_public_id"])
    archived = await client.patch(f"/api/v1/workflows/{workflow}", json={"status": "archived"})
    assert archived.status_code == 200
    assert (await visitor.send(form, email="late@example.com")).status_code == 303
    late = (await submissions(client, form))[0]
    assert (late["enrollment_id"], "archived" in late["not_enrolled"]) == (None, True)


async def test_a_paused_a_rotated_and_an_unknown_form_take_nothing(client: httpx.AsyncClient, visitor: Visitor) -> None:
    form = await make_form(client)
    await client.patch(f"{FORMS}/{form['id']}", json={"status": "paused"})
    assert [
        (await visitor.client.get(f"{PUBLIC}/{form['token']}")).status_code,
        (await visitor.send(form)).status_code,
    ] == [
        410,
        410,
    ]
    await client.patch(f"{FORMS}/{form['id']}", json={"status": "active"})
    rotated = (await client.post(f"{FORMS}/{form['id']}/rotate_token")).json()
    assert rotated["token"] != form["token"]
    assert (await visitor.send(form, **ADA)).status_code == 404
    assert (await visitor.send(rotated, **ADA)).status_code == 303
    assert (await visitor.client.get(f"{PUBLIC}/{'é' * 8}")).status_code == 404


async def test_one_address_sends_ten_times_a_minute(client: httpx.AsyncClient, visitor: Visitor) -> None:
    form = await make_form(client)
    statuses = [(await visitor.send(form, email=f"a{n}@example.com")).status_code for n in range(11)]
    assert statuses == [303] * 10 + [429]


async def test_only_named_origins_may_embed_it(client: httpx.AsyncClient, visitor: Visitor) -> None:
    form = await make_form(client, frame_ancestors=["https://example.com"])
    embedded = await visitor.client.get(f"{PUBLIC}/{form['token']}/embed")
    assert "frame-ancestors https://example.com" in embedded.headers["content-security-policy"]
    assert f'action="{PUBLIC}/{form["token"]}/embed"' in embedded.text
    plain = await visitor.client.get(f"{PUBLIC}/{form['token']}")
    assert "frame-ancestors 'none'" in plain.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"email=%ff", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a%d=1" % n for n in range(300)), "application/x-www-form-urlencoded", 400),
        (b"x" * 200_000, "application/x-www-form-urlencoded", 413),
        (b"--x--", "multipart/form-data; boundary=x", 415),
        (b"{", "application/json", 400),
    ],
)
async def test_bodies_that_are_no_form_are_refused(
    client: httpx.AsyncClient, visitor: Visitor, content: bytes, media_type: str, status: int
) -> None:
    form = await make_form(client)
    url = f"{PUBLIC}/{form['token']}"
    answer = await visitor.client.post(url, content=content, headers={"content-type": media_type})
    assert answer.status_code == status, answer.text


async def test_what_is_done_to_forms_stands_in_the_audit_log(client: httpx.AsyncClient) -> None:
    made = await make_form(client)
    path = f"{FORMS}/{made['id']}"
    assert (await client.patch(path, json={"title": "Another title"})).status_code == 200
    assert (await client.post(f"{path}/rotate_token")).status_code == 200
    assert (await client.delete(path)).is_success
    log = (await client.get("/api/v1/audit_log", params={"subject": f"lead_form:{made['id']}"})).json()
    entries = log["audit_log"]
    assert [(entry["action"], entry["details"]) for entry in reversed(entries)] == [
        ("lead_form.created", {"name": "Website"}),
        ("lead_form.updated", {"fields": ["title"]}),
        ("lead_form.token_rotated", {}),
        ("lead_form.deleted", {"name": "Website"}),
    ]
