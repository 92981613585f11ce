"""The audit log: every security-relevant act, with who, from where and when, and no secret."""

from typing import Any

import asyncpg
import httpx
import pytest

from drippulse.kit.db import Role
from drippulse.kit.services import AppServices
from drippulse.organizations.audit.actions import AuditAction
from drippulse.organizations.login_throttle import ACCOUNT_ATTEMPTS
from tests.conftest import MakeClient, MakeOrganization
from tests.support.organizations import PASSWORD, TestOrganization
from tests.support.team import TEAM, admin_session, invite, join
from tests.support.waiting import eventually

LOG = "/api/v1/audit_log"
LOGIN = "/api/v1/auth/login"


async def entries(organization: TestOrganization, **params: Any) -> list[dict[str, Any]]:
    answer = await organization.client.get(LOG, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["audit_log"]


async def newest(organization: TestOrganization, action: str) -> dict[str, Any]:
    return (await entries(organization, action=action))[0]


async def test_a_login_tells_who_from_where_and_with_what(
    organization: TestOrganization, make_client: MakeClient
) -> None:
    body = {"username": organization.username, "password": PASSWORD}
    client = make_client()
    await client.post(LOGIN, json=body, headers={"user-agent": "Some\tagent/1.0"})
    entry = await newest(organization, "login.succeeded")
    assert entry["actor"] == {"type": "user", "id": organization.admin_id, "name": organization.username}
    assert entry["subject"] == {"type": "user", "id": str(organization.admin_id)}
    assert (entry["user_agent"], entry["address"].startswith("10.0.")) == ("Some agent/1.0", True)
    assert entry["at"].endswith("Z")


async def test_refused_logins_stand_in_the_log_of_the_users_organization(
    organization: TestOrganization, make_client: MakeClient
) -> None:
    client = make_client()
    for _ in range(ACCOUNT_ATTEMPTS + 3):
        await client.post(LOGIN, json={"username": organization.username.upper(), "password": "wrong"})

    async def recorded() -> bool:
        failed = await entries(organization, action="login.failed")
        throttled = await entries(organization, action="login.throttled")
        return len(failed) == ACCOUNT_ATTEMPTS and len(throttled) == 1

    await eventually(recorded)
    entry = await newest(organization, "login.failed")
    assert entry["actor"] == {"type": "anonymous", "id": None, "name": None}
    assert entry["details"] == {"username": organization.username}


async def test_a_login_of_nobody_is_in_no_log(organization: TestOrganization, make_client: MakeClient) -> None:
    await make_client().post(LOGIN, json={"username": "nobody-here", "password": "wrong"})
    assert await entries(organization) == []


async def test_keys_members_account_passwords_and_connections_leave_entries(organization: TestOrganization) -> None:
    me = await admin_session(organization)
    key = (await me.post("/api/v1/api_keys", json={"name": "Robot", "role": "Editor"})).json()
    await me.delete(f"/api/v1/api_keys/{key['id']}/revoke")
    await me.delete(f"/api/v1/api_keys/{key['id']}/revoke")
    person = await join(organization, "Editor")
    path = f"{TEAM}/{person.member_id}"
    await me.patch(path, json={"role": "Viewer"})
    await me.delete(path)
    await me.patch(path, json={"status": "active"})
    invited = await invite(me)
    await me.post(f"{TEAM}/{invited['id']}/resend")
    await me.patch("/api/v1/account", json={"locale": "fr", "retention": {"audit_days": 90}})
    await me.patch("/api/v1/account", json={"locale": "fr"})
    slack = {"provider": "slack", "bot_token": "xoxb-1-canary"}
    connection = (await me.post("/api/v1/integration_connections", json=slack)).json()["id"]
    await me.patch(f"/api/v1/integration_connections/{connection}", json={"bot_token": "xoxb-2-canary"})
    await me.delete(f"/api/v1/integration_connections/{connection}")
    await person.client.post("/api/v1/account/password", json={"current_password": "x", "new_password": "y" * 12})
    found = [
        (str(entry["action"]), str(entry["subject"]["id"]))
        for entry in reversed(await entries(organization))
        if entry["subject"] is not None
    ]
    member, other = str(person.member_id), str(invited["id"])
    assert [one for one in found if not one[0].startswith("login")] == [
        ("api_key.created", str(key["id"])),
        ("api_key.revoked", str(key["id"])),
        ("member.invited", member),
        ("member.accepted", member),
        ("member.role_changed", member),
        ("member.removed", member),
        ("member.restored", member),
        ("member.invited", other),
        ("member.invitation_resent", other),
        ("account.updated", str(organization.id)),
        ("connection.created", str(connection)),
        ("connection.updated", str(connection)),
        ("connection.deleted", str(connection)),
    ]
    changed = await newest(organization, "account.updated")
    assert changed["details"] == {
        "fields": ["locale", "retention"],
        "retention": {"from": {}, "to": {"audit_days": 90}},
    }
    assert (await newest(organization, "member.role_changed"))["details"]["to"] == "Viewer"
    text = (await organization.client.get(LOG)).text
    assert "canary" not in text
    assert key["key"] not in text


async def test_a_password_change_is_recorded(organization: TestOrganization) -> None:
    me = await admin_session(organization)
    await me.post("/api/v1/account/password", json={"current_password": PASSWORD, "new_password": "a new password!"})
    entry = await newest(organization, "password.changed")
    assert (entry["actor"]["id"], entry["details"]) == (organization.admin_id, {})


async def test_what_is_refused_or_undone_leaves_no_entry(organization: TestOrganization) -> None:
    rows = (await organization.client.get(TEAM)).json()["team_members"]
    assert (await organization.client.delete(f"{TEAM}/{rows[0]['id']}")).status_code == 409
    assert (await organization.client.post("/api/v1/api_keys", json={"expires_in": 0})).status_code == 422
    assert await entries(organization) == []


async def test_the_log_filters_by_action_actor_subject_and_time(organization: TestOrganization) -> None:
    me = await admin_session(organization)
    invited = await invite(me)
    await invite(organization.client)
    key = (await organization.client.get("/api/v1/account")).json()["profile"]["id"]
    by_user = {"actor": f"user:{organization.admin_id}"}
    assert [entry["action"] for entry in await entries(organization, **by_user)] == [
        "member.invited",
        "login.succeeded",
    ]
    [by_key] = await entries(organization, actor=f"api_key:{key}")
    assert by_key["actor"] == {"type": "api_key", "id": key, "name": "Admin"}
    assert len(await entries(organization, subject=f"team_member:{invited['id']}")) == 1
    assert len(await entries(organization, action="member.invited,login.succeeded")) == 3
    assert await entries(organization, since="2999-01-01T00:00:00Z") == []
    assert len(await entries(organization, since="2020-01-01")) == 3
    assert len(await entries(organization, **{"at[lt]": "2999-01-01"})) == 3
    page = await organization.client.get(LOG, params={"per_page": 2, "page": 2})
    assert (page.json()["total_count"], len(page.json()["audit_log"])) == (3, 1)


@pytest.mark.parametrize(
    "params", [{"action": "member.invite"}, {"since": "yesterday"}, {"actor[contains]": "user"}, {"who": "me"}]
)
async def test_filters_that_are_none_are_refused(params: dict[str, str], client: httpx.AsyncClient) -> None:
    assert (await client.get(LOG, params=params)).status_code == 422


async def test_admins_see_their_own_organizations_log_alone(
    organization: TestOrganization, new_organization: MakeOrganization
) -> None:
    other = await new_organization()
    await invite(other.client)
    assert await entries(organization) == []


@pytest.mark.parametrize("statement", ["UPDATE audit_entry SET action = 'x'", "DELETE FROM audit_entry"])
async def test_the_application_cannot_change_the_log(
    statement: str, organization: TestOrganization, services: AppServices
) -> None:
    for role in (Role.APP, Role.AUTH):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with services.database.session(role, organization.id) as session:
                await session.execute(statement)


def test_every_action_is_named_by_thing_and_act() -> None:
    assert all(len(action.value.split(".")) == 2 for action in AuditAction)
