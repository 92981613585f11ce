"""The account: the organization, and who is asking; one's own password."""

import asyncio
from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from drippulse.organizations.login_throttle import ACCOUNT_ATTEMPTS
from drippulse.organizations.tables import MemberRole
from tests.conftest import MakeClient, MakeOrganization
from tests.support.organizations import PASSWORD, TestOrganization
from tests.support.team import admin_session, join, logged_in
from tests.support.workflows import create_workflow

ACCOUNT, CHANGE = "/api/v1/account", "/api/v1/account/password"
NEW_PASSWORD = "another good password"


async def test_the_account_shows_the_organization_and_the_key_that_asks(organization: TestOrganization) -> None:
    shown = (await organization.as_role(MemberRole.VIEWER).get(ACCOUNT)).json()
    assert (shown["id"], shown["name"], shown["timezone"]) == (organization.id, organization.name, "UTC")
    assert shown["slug"].startswith("organization-")
    assert shown["locale"] == "en"
    assert shown["branding"] == {"logo_url": None, "color": None, "public_name": None}
    assert shown["sender"] == {"from_name": None, "from_address": None, "reply_to": None, "postal_address": None}
    assert shown["retention"] == {"timeline_days": None, "event_days": None, "audit_days": None}
    profile = shown["profile"]
    assert (profile["type"], profile["name"], profile["role"]) == ("api_key", "Viewer", "Viewer")
    assert profile["username"] is profile["email"] is None
    sending = await organization.client.get(shown["sending_url"])
    assert sending.status_code == 200


async def test_the_profile_of_a_session_is_the_users_own(organization: TestOrganization) -> None:
    profile = (await (await admin_session(organization)).get(ACCOUNT)).json()["profile"]
    assert profile == {
        "type": "user",
        "id": organization.admin_id,
        "name": organization.username,
        "username": organization.username,
        "email": f"{organization.username}@example.com",
        "role": "Admin",
    }


async def test_members_of_a_part_that_are_left_out_stay_and_null_takes_one_away(client: httpx.AsyncClient) -> None:
    first = await client.patch(ACCOUNT, json={"sender": {"from_name": "Acme", "from_address": "hello@acme.example"}})
    assert first.status_code == 200, first.text
    second = await client.patch(
        ACCOUNT,
        json={
            "account": {
                **first.json(),
                "sender": {"from_name": None, "postal_address": "1 Main Street\nSpringfield"},
                "branding": {"logo_url": "https://acme.example/logo.png", "color": "#1A73E8", "public_name": "Acme"},
                "retention": {"timeline_days": 365},
                "timezone": "Europe/Berlin",
                "locale": "de-AT",
            }
        },
    )
    assert second.status_code == 200, second.text
    shown = (await client.get(ACCOUNT)).json()
    assert shown == second.json()
    assert shown["sender"] == {
        "from_name": None,
        "from_address": "hello@acme.example",
        "reply_to": None,
        "postal_address": "1 Main Street\nSpringfield",
    }
    assert shown["branding"]["color"] == "#1a73e8"
    assert shown["retention"] == {"timeline_days": 365, "event_days": None, "audit_days": None}
    assert (shown["timezone"], shown["locale"], shown["name"]) == ("Europe/Berlin", "de-AT", first.json()["name"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"timezone": ""}, "timezone"),
        ({"timezone": None}, "timezone"),
        ({"locale": "english"}, "locale"),
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"slug": "No Slug"}, "slug"),
        ({"slug": "-x-"}, "slug"),
        ({"slug": "ab"}, "slug"),
        ({"branding": {"logo_url": "http://acme.example/logo.png"}}, "branding.logo_url"),
        ({"branding": {"logo_url": "javascript:alert(1)"}}, "branding.logo_url"),
        ({"branding": {"logo_url": "https://user:secret@acme.example/"}}, "branding.logo_url"),
        ({"branding": {"logo_url": 'https://acme.example/"onload="x'}}, "branding.logo_url"),
        ({"branding": {"color": "blue"}}, "branding.color"),
        ({"sender": {"from_address": "not an address"}}, "sender.from_address"),
        ({"sender": {"from_name": "Acme\r\nBcc: a@b.com"}}, "sender.from_name"),
        ({"sender": {"smtp": "x"}}, "sender.smtp"),
        ({"retention": {"timeline_days": 0}}, "retention.timeline_days"),
        ({"retention": {"event_days": -1}}, "retention.event_days"),
        ({"retention": {"event_days": 10**9}}, "retention.event_days"),
        ({"retention": {"audit_days": 7}}, "retention.audit_days"),
        ({"retention": {"timeline_days": 1.5}}, "retention.timeline_days"),
        ({"sending": {"caps": {}}}, "sending"),
        ({"organization_id": 1}, "organization_id"),
    ],
)
async def test_what_does_not_fit_is_refused_by_field_and_changes_nothing(
    body: dict[str, Any], field: str, client: httpx.AsyncClient
) -> None:
    before = (await client.get(ACCOUNT)).json()
    answer = await client.patch(ACCOUNT, json={"locale": "fr", **body})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert (await client.get(ACCOUNT)).json() == before


async def test_names_and_slugs_are_unique_over_the_installation(
    client: httpx.AsyncClient, new_organization: MakeOrganization
) -> None:
    other = await new_organization()
    slug = (await other.client.get(ACCOUNT)).json()["slug"]
    for body, code in (({"name": other.name}, "organization_name_taken"), ({"slug": slug}, "slug_taken")):
        answer = await client.patch(ACCOUNT, json=body)
        assert (answer.status_code, answer.json()["error"], list(answer.json()["errors"])) == (409, code, list(body))


async def test_another_time_zone_moves_what_is_scheduled_by_it(
    organization: TestOrganization, services: AppServices
) -> None:
    await create_workflow(organization.client, status="active")
    by_organization = "UPDATE workflow_schedule SET next_at = now() + interval '1 day'"
    async with services.database.tenant(organization.id) as session:
        await session.execute(by_organization)
    await organization.client.patch(ACCOUNT, json={"locale": "fr"})
    async with services.database.tenant(organization.id) as session:
        assert await session.fetchval("SELECT count(next_at) FROM workflow_schedule") == 1
    await organization.client.patch(ACCOUNT, json={"timezone": "Asia/Tokyo"})
    async with services.database.tenant(organization.id) as session:
        assert await session.fetchval("SELECT count(*) FROM workflow_schedule WHERE next_at IS NULL") == 1


async def test_a_password_change_ends_every_other_session_and_goes_on_with_the_new_token(
    organization: TestOrganization, make_client: MakeClient
) -> None:
    me, elsewhere = await admin_session(organization), await admin_session(organization)
    assert (await elsewhere.get(ACCOUNT)).status_code == 200
    answer = await me.post(CHANGE, json={"current_password": PASSWORD, "new_password": NEW_PASSWORD})
    assert (answer.status_code, list(answer.json())) == (200, ["token"])
    assert [(await client.get(ACCOUNT)).status_code for client in (me, elsewhere)] == [401, 401]
    assert (await make_client(answer.json()["token"]).get(ACCOUNT)).status_code == 200
    old = await make_client().post("/api/v1/auth/login", json={"username": organization.username, "password": PASSWORD})
    assert old.status_code == 401
    await logged_in(make_client, organization.username, NEW_PASSWORD)
    assert (await organization.client.get(ACCOUNT)).status_code == 200  # keys are no sessions


async def test_every_role_changes_its_own_password(organization: TestOrganization) -> None:
    person = await join(organization, "Viewer")
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert (await person.client.post(CHANGE, json=body)).status_code == 200


async def test_an_api_key_has_no_password(client: httpx.AsyncClient) -> None:
    answer = await client.post(CHANGE, json={"current_password": PASSWORD, "new_password": NEW_PASSWORD})
    assert (answer.status_code, answer.json()["error"]) == (403, "session_required")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"current_password": "wrong", "new_password": NEW_PASSWORD}, "current_password"),
        ({"current_password": PASSWORD, "new_password": "short"}, "new_password"),
        ({"current_password": PASSWORD, "new_password": PASSWORD}, "body"),
        ({"current_password": PASSWORD, "new_password": NEW_PASSWORD, "user_id": 1}, "user_id"),
    ],
)
async def test_a_password_that_may_not_be_leaves_everything_as_it_is(
    body: dict[str, Any], field: str, organization: TestOrganization
) -> None:
    me = await admin_session(organization)
    answer = await me.post(CHANGE, json=body)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert (await me.get(ACCOUNT)).status_code == 200


async def test_guesses_with_a_stolen_session_are_throttled_with_those_of_the_login(
    organization: TestOrganization, make_client: MakeClient
) -> None:
    me = await admin_session(organization)
    for _ in range(ACCOUNT_ATTEMPTS):
        wrong = await me.post(CHANGE, json={"current_password": "wrong", "new_password": NEW_PASSWORD})
        assert wrong.status_code == 422
    stopped = await me.post(CHANGE, json={"current_password": PASSWORD, "new_password": NEW_PASSWORD})
    assert (stopped.status_code, stopped.json()["error"]) == (429, "too_many_logins")


async def test_of_two_changes_at_once_one_counts(organization: TestOrganization) -> None:
    me, elsewhere = await admin_session(organization), await admin_session(organization)
    answers = await asyncio.gather(
        *(
            client.post(CHANGE, json={"current_password": PASSWORD, "new_password": f"{NEW_PASSWORD} {number}"})
            for number, client in enumerate((me, elsewhere))
        )
    )
    assert sorted(answer.status_code for answer in answers)[0] == 200
    assert sorted(answer.status_code for answer in answers)[1] in {401, 422}
