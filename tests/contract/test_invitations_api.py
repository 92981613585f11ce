"""Invitations: told once, good once, for a week."""

import asyncio
from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from drippulse.organizations.login_throttle import ACCOUNT_ATTEMPTS
from tests.conftest import MakeClient, MakeOrganization
from tests.support.organizations import PASSWORD, TestOrganization
from tests.support.team import ACCEPT, TEAM, accept, admin_session, invite, join, logged_in, somebody


async def sql(services: AppServices, organization: TestOrganization, statement: str, *args: Any) -> list[Any]:
    async with services.database.tenant(organization.id) as session:
        return await session.fetch(statement, *args)


async def test_an_invitation_answers_its_link_once_and_makes_a_member_who_can_log_in(
    organization: TestOrganization, make_client: MakeClient
) -> None:
    admin = await admin_session(organization)
    invited = await invite(admin, "Editor", "Ada@Example.com")
    assert (invited["status"], invited["role"], invited["email"]) == ("invited", "Editor", "Ada@example.com")
    assert invited["invited_by"] == {"type": "user", "id": organization.admin_id}
    told = invited["invitation"]
    assert told["url"].endswith(f"/invitation#{told['token']}")
    assert told["expires_at"] == invited["invitation_expires_at"]
    username = somebody()
    joined = await accept(make_client(), told["token"], username)
    assert joined.status_code == 201
    assert joined.json() == {
        "id": invited["id"],
        "user_id": joined.json()["user_id"],
        "username": username,
        "role": "Editor",
        "organization_id": organization.id,
    }
    verified = (await (await logged_in(make_client, username)).get("/api/v1/admin/verify")).json()
    assert (verified["role"], verified["organization_id"]) == ("Editor", organization.id)
    shown = (await admin.get(f"{TEAM}/{invited['id']}")).json()
    assert (shown["status"], shown["username"], shown["invitation_expires_at"]) == ("active", username, None)
    assert shown["accepted_at"]


async def test_only_the_hash_of_a_token_is_kept_and_it_is_gone_after_use(
    organization: TestOrganization, services: AppServices, make_client: MakeClient
) -> None:
    invited = await invite(organization.client)
    token = invited["invitation"]["token"]
    [row] = await sql(services, organization, "SELECT * FROM membership WHERE id = $1", invited["id"])
    assert token not in str(dict(row))
    assert len(row["token_hash"]) == 64
    await accept(make_client(), token, somebody())
    [row] = await sql(services, organization, "SELECT * FROM membership WHERE id = $1", invited["id"])
    assert row["token_hash"] is None


async def test_used_replaced_withdrawn_and_unknown_tokens_answer_alike(
    organization: TestOrganization, make_client: MakeClient
) -> None:
    used, replaced, withdrawn = [await invite(organization.client) for _ in range(3)]
    await accept(make_client(), used["invitation"]["token"], somebody())
    again = await organization.client.post(f"{TEAM}/{replaced['id']}/resend")
    await organization.client.delete(f"{TEAM}/{withdrawn['id']}")
    tokens = [one["invitation"]["token"] for one in (used, replaced, withdrawn)]
    answers = [await accept(make_client(), token, somebody()) for token in (*tokens, "drinv_unknown", "x")]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}
    assert answers[0].json()["error"] == "invitation_not_found"
    assert (await accept(make_client(), again.json()["invitation"]["token"], somebody())).status_code == 201


async def test_a_token_is_good_once_also_for_many_at_once(organization: TestOrganization) -> None:
    token = (await invite(organization.client))["invitation"]["token"]
    answers = await asyncio.gather(*(accept(organization.make_client(), token, somebody()) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 404, 404, 404]
    rows = (await organization.client.get(TEAM, params={"status": "active"})).json()
    assert rows["total_count"] == 2


async def test_an_invitation_runs_out_after_a_week(
    organization: TestOrganization, services: AppServices, make_client: MakeClient
) -> None:
    invited = await invite(organization.client)
    [row] = await sql(
        services,
        organization,
        "SELECT token_expires_at - invited_at = interval '7 days' AS week FROM membership WHERE id = $1",
        invited["id"],
    )
    assert row["week"]
    late = "UPDATE membership SET token_expires_at = now() WHERE id = $1"
    await sql(services, organization, late, invited["id"])
    answer = await accept(make_client(), invited["invitation"]["token"], somebody())
    assert (answer.status_code, answer.json()["error"]) == (410, "invitation_expired")
    again = await organization.client.post(f"{TEAM}/{invited['id']}/resend")
    assert (again.status_code, again.json()["id"]) == (200, invited["id"])
    assert (await accept(make_client(), again.json()["invitation"]["token"], somebody())).status_code == 201
    late_again = await organization.client.post(f"{TEAM}/{invited['id']}/resend")
    assert (late_again.status_code, late_again.json()["error"]) == (409, "not_invited")


async def test_an_address_is_invited_once_whatever_its_spelling(organization: TestOrganization) -> None:
    await invite(organization.client, email="ada@example.com")
    for email in ("ada@example.com", "ADA@EXAMPLE.COM", f"{organization.username.upper()}@example.com"):
        answer = await organization.client.post(TEAM, json={"email": email})
        assert (answer.status_code, answer.json()["error"]) == (409, "member_exists")
    answers = await asyncio.gather(
        *(organization.client.post(TEAM, json={"email": "grace@example.com"}) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_one_may_invite_whom_another_organization_has(
    organization: TestOrganization, new_organization: MakeOrganization
) -> None:
    other = await new_organization()
    for one in (organization, other):
        await invite(one.client, email="shared@example.com")
    answer = await organization.client.post(TEAM, json={"email": f"{other.username}@example.com"})
    assert answer.status_code == 201


async def test_a_taken_username_is_refused_and_the_invitation_stays_good(
    organization: TestOrganization, make_client: MakeClient
) -> None:
    token = (await invite(organization.client))["invitation"]["token"]
    for password in (PASSWORD, "another good password"):
        answer = await accept(make_client(), token, organization.username.upper(), password)
        assert (answer.status_code, answer.json()["error"]) == (409, "username_taken")
    assert (await accept(make_client(), token, somebody())).status_code == 201


async def test_somebody_who_left_comes_back_with_the_same_username_and_password(
    organization: TestOrganization, new_organization: MakeOrganization, make_client: MakeClient
) -> None:
    person, other = await join(organization, "Admin"), await new_organization()
    await organization.client.delete(f"{TEAM}/{person.member_id}")
    for place, role in ((organization, "Viewer"), (other, "Editor")):
        invited = await invite(place.client, role)
        token = invited["invitation"]["token"]
        wrong = await accept(make_client(), token, person.username, "not the password")
        assert (wrong.status_code, wrong.json()["error"]) == (409, "username_taken")
        back = await accept(make_client(), token, person.username)
        assert (back.status_code, back.json()["user_id"]) == (201, person.user_id)
        assert (await person.client.get("/api/v1/admin/verify")).status_code == 401
        verified = (await (await logged_in(make_client, person.username)).get("/api/v1/admin/verify")).json()
        assert (verified["role"], verified["organization_id"]) == (role, place.id)
        assert (await place.client.delete(f"{TEAM}/{invited['id']}")).status_code == 204


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"token": ""}, 422, "token"),
        ({"token": "x" * 201}, 422, "token"),
        ({"token": None}, 422, "token"),
        ({"username": "ab"}, 422, "username"),
        ({"username": "a b c"}, 422, "username"),
        ({"username": "<script>"}, 422, "username"),
        ({"username": "x" * 101}, 422, "username"),
        ({"password": "too short"}, 422, "password"),
        ({"password": "x" * 1025}, 422, "password"),
        ({"role": "Admin"}, 422, "role"),
        ({"organization_id": 1}, 422, "organization_id"),
    ],
)
async def test_what_does_not_fit_is_refused_by_field(
    change: dict[str, Any], status: int, field: str, anonymous: httpx.AsyncClient
) -> None:
    body = {"token": "drinv_x", "username": "somebody", "password": PASSWORD, **change}
    answer = await anonymous.post(ACCEPT, json=body)
    assert (answer.status_code, list(answer.json()["errors"])) == (status, [field])


async def test_missing_fields_are_named(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.post(ACCEPT, json={})
    assert (answer.status_code, sorted(answer.json()["errors"])) == (400, ["password", "token", "username"])


async def test_accepting_is_throttled_by_token(make_client: MakeClient, organization: TestOrganization) -> None:
    token = (await invite(organization.client))["invitation"]["token"]
    for _ in range(ACCOUNT_ATTEMPTS):
        refused = await accept(make_client(), token, organization.username)
        assert refused.status_code == 409
    answer = await accept(make_client(), token, somebody())
    assert (answer.status_code, answer.json()["error"]) == (429, "too_many_logins")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("email", ["", "no address", "a@b", "a@b.com\nBcc: c@d.com", "x" * 320 + "@example.com", 7])
async def test_what_is_no_address_is_not_invited(email: Any, client: httpx.AsyncClient) -> None:
    answer = await client.post(TEAM, json={"email": email})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["email"])


async def test_the_page_behind_the_link_holds_nothing_of_the_invitation_and_runs_its_own_script_alone(
    anonymous: httpx.AsyncClient,
) -> None:
    page = await anonymous.get("/invitation")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "<script>" not in page.text
    script = await anonymous.get("/invitation/accept.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert ACCEPT in script.text
