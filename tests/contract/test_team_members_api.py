"""Team members: roles, the last Admin, and what is over at once when somebody is removed."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, cast

import httpx
import pytest

from drippulse.organizations.tables import MemberRole
from drippulse.settings import Settings
from drippulse_server.asgi import create_app
from tests.conftest import MakeOrganization
from tests.support.lifespan import running
from tests.support.organizations import TestOrganization
from tests.support.team import TEAM, admin_session, invite, join, logged_in
from tests.support.waiting import eventually

VERIFY = "/api/v1/admin/verify"
KEYS = "/api/v1/api_keys"


async def own_member(organization: TestOrganization) -> int:
    """The row of the Admin whom every test organization has."""
    rows = (await organization.client.get(TEAM)).json()["team_members"]
    return int(next(row["id"] for row in rows if row["user_id"] == organization.admin_id))


async def own_key(client: httpx.AsyncClient, role: str = "Admin") -> str:
    answer = await client.post(KEYS, json={"role": role})
    assert answer.status_code == 201, answer.text
    return answer.json()["key"]


async def role_of(client: httpx.AsyncClient) -> str | None:
    answer = await client.get(VERIFY)
    return answer.json()["role"] if answer.status_code == 200 else None


async def test_the_list_shows_names_and_roles_and_addresses_to_admins_alone(organization: TestOrganization) -> None:
    await invite(organization.client, "Editor", "ada@example.com")
    for role in MemberRole:
        listed = (await organization.as_role(role).get(TEAM)).json()
        invited, admin = listed["team_members"]
        assert (listed["total_count"], admin["username"], admin["role"]) == (2, organization.username, "Admin")
        assert (invited["role"], invited["status"], invited["user_id"]) == ("Editor", "invited", None)
        assert invited["email"] == ("ada@example.com" if role is MemberRole.ADMIN else None)
        shown = (await organization.as_role(role).get(f"{TEAM}/{invited['id']}")).json()
        assert shown == invited
        assert "invitation" not in shown


async def test_the_list_filters_by_status_and_role(organization: TestOrganization) -> None:
    person = await join(organization, "Editor")
    await invite(organization.client, "Viewer")
    assert (await organization.client.delete(f"{TEAM}/{person.member_id}")).status_code == 204

    async def statuses(**params: Any) -> list[str]:
        answer = await organization.client.get(TEAM, params=params)
        return [row["status"] for row in answer.json()["team_members"]]

    assert sorted(await statuses()) == ["active", "invited", "removed"]
    assert sorted(await statuses(status="active,invited")) == ["active", "invited"]
    assert await statuses(role="Editor") == ["removed"]
    refused = await organization.client.get(TEAM, params={"status": "activ"})
    assert (refused.status_code, "active" in refused.json()["message"]) == (422, True)


@pytest.mark.parametrize("role", ["Owner", "", 7, None, ["Admin"]])
async def test_an_unknown_role_is_refused_by_name(role: Any, organization: TestOrganization) -> None:
    body = {"email": "ada@example.com", "role": role}
    person = await join(organization)
    for answer in (
        await organization.client.post(TEAM, json=body),
        await organization.client.patch(f"{TEAM}/{person.member_id}", json={"role": role}),
    ):
        assert answer.status_code == 422
        assert "Viewer, Editor, Approver, Admin" in answer.json()["errors"]["role"][0]


async def test_a_lower_role_counts_at_once_for_sessions_and_keys(organization: TestOrganization) -> None:
    person = await join(organization, "Admin")
    key = organization.make_client(await own_key(person.client))
    assert [await role_of(person.client), await role_of(key)] == ["Admin", "Admin"]
    for role, of_key in (("Editor", "Editor"), ("Approver", "Approver"), ("Viewer", "Viewer"), ("Admin", "Admin")):
        changed = await organization.client.patch(f"{TEAM}/{person.member_id}", json={"team_member": {"role": role}})
        assert (changed.status_code, changed.json()["role"]) == (200, role)
        assert [await role_of(person.client), await role_of(key)] == [role, of_key]


async def test_a_key_has_what_both_it_and_its_maker_may(organization: TestOrganization) -> None:
    person = await join(organization, "Admin")
    key = organization.make_client(await own_key(person.client, "Editor"))
    await organization.client.patch(f"{TEAM}/{person.member_id}", json={"role": "Approver"})
    assert await role_of(key) == "Viewer"
    [shown] = [row for row in (await organization.client.get(KEYS)).json()["api_keys"] if row["created_by"]]
    assert shown["role"] == "Viewer"


async def test_removing_somebody_ends_their_sessions_and_keys_at_once(organization: TestOrganization) -> None:
    person = await join(organization, "Admin")
    key = organization.make_client(await own_key(person.client))
    child = organization.make_client(await own_key(key))
    assert [await role_of(one) for one in (person.client, key, child)] == ["Admin"] * 3
    assert (await organization.client.delete(f"{TEAM}/{person.member_id}")).status_code == 204
    assert [await role_of(one) for one in (person.client, key, child)] == [None] * 3
    again = await organization.make_client().post(
        "/api/v1/auth/login", json={"username": person.username, "password": "correct horse battery staple"}
    )
    assert (again.status_code, again.json()["error"]) == (401, "invalid_credentials")
    shown = (await organization.client.get(f"{TEAM}/{person.member_id}")).json()
    assert (shown["status"], shown["username"]) == ("removed", person.username)
    assert shown["removed_at"]
    assert (await organization.client.delete(f"{TEAM}/{person.member_id}")).status_code == 204


async def test_a_removed_member_is_let_in_again_without_the_sessions_and_keys_from_before(
    organization: TestOrganization,
) -> None:
    person = await join(organization, "Admin")
    key = organization.make_client(await own_key(person.client))
    path = f"{TEAM}/{person.member_id}"
    assert (await organization.client.patch(path, json={"status": "removed"})).json()["status"] == "removed"
    restored = await organization.client.patch(path, json={"status": "active", "role": "Editor"})
    assert (restored.json()["status"], restored.json()["removed_at"]) == ("active", None)
    assert [await role_of(one) for one in (person.client, key)] == [None, None]
    assert await role_of(await logged_in(organization.make_client, person.username)) == "Editor"


async def test_an_invitation_is_withdrawn_and_does_not_come_to_life_by_a_status(
    organization: TestOrganization,
) -> None:
    invited = await invite(organization.client)
    path = f"{TEAM}/{invited['id']}"
    for status in ("active", "removed", "active", "invited"):
        answer = await organization.client.patch(path, json={"status": status})
        assert (answer.status_code, answer.json().get("error")) == (
            (200, None) if status == "removed" else (409, "never_joined")
        )


async def test_nobody_changes_their_own_role_whatever_they_send(organization: TestOrganization) -> None:
    me = await admin_session(organization)
    await join(organization, "Admin")
    key = organization.make_client(await own_key(me))
    path = f"{TEAM}/{await own_member(organization)}"
    for client in (me, key):
        answer = await client.patch(path, json={"role": "Editor"})
        assert (answer.status_code, answer.json()["error"]) == (403, "own_role")
        same = await client.patch(path, json={"role": "Admin", "name": "Myself"})
        assert (same.status_code, same.json()["name"]) == (200, "Myself")
    assert await role_of(me) == "Admin"


async def test_the_last_admin_stays(organization: TestOrganization) -> None:
    path = f"{TEAM}/{await own_member(organization)}"
    person = await join(organization, "Editor")
    await invite(organization.client, "Admin")  # an invitation is no Admin yet
    for answer in (
        await organization.client.delete(path),
        await organization.client.patch(path, json={"role": "Viewer"}),
        await organization.client.patch(path, json={"status": "removed"}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (409, "last_admin")
    await organization.client.patch(f"{TEAM}/{person.member_id}", json={"role": "Admin"})
    assert (await organization.client.delete(path)).status_code == 204
    last = await organization.client.delete(f"{TEAM}/{person.member_id}")
    assert (last.status_code, last.json()["error"]) == (409, "last_admin")


@pytest.mark.parametrize("how", ["demoted", "removed", "both"])
async def test_of_two_admins_who_end_each_other_at_once_one_stays(how: str, organization: TestOrganization) -> None:
    person, first = await join(organization, "Admin"), await own_member(organization)
    client = organization.client
    members = (first, person.member_id)
    ways = {"demoted": ("PATCH", "PATCH"), "removed": ("DELETE", "DELETE"), "both": ("PATCH", "DELETE")}[how]
    answers = await asyncio.gather(
        *(
            client.request(method, f"{TEAM}/{member}", json={"role": "Viewer"} if method == "PATCH" else None)
            for method, member in zip(ways, members, strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers)[1] == 409
    rows = (await client.get(TEAM, params={"status": "active", "role": "Admin"})).json()["team_members"]
    assert len(rows) == 1


async def test_another_process_forgets_within_five_seconds(
    organization: TestOrganization, other_process: httpx.AsyncClient
) -> None:
    person = await join(organization, "Editor")
    headers = {"authorization": person.client.headers["authorization"]}
    assert (await other_process.get(VERIFY, headers=headers)).status_code == 200
    await organization.client.delete(f"{TEAM}/{person.member_id}")

    async def refused() -> bool:
        return (await other_process.get(VERIFY, headers=headers)).status_code == 401

    await eventually(refused, within=5)


async def test_only_admins_manage_the_team(organization: TestOrganization) -> None:
    invited = await invite(organization.client)
    for role in (MemberRole.VIEWER, MemberRole.EDITOR, MemberRole.APPROVER):
        client = organization.as_role(role)
        answers = [
            await client.post(TEAM, json={"email": "x@example.com"}),
            await client.patch(f"{TEAM}/{invited['id']}", json={"role": "Admin"}),
            await client.delete(f"{TEAM}/{invited['id']}"),
            await client.post(f"{TEAM}/{invited['id']}/resend"),
        ]
        assert [answer.status_code for answer in answers] == [403] * 4


async def test_removing_somebody_leaves_other_organizations_alone(
    organization: TestOrganization, new_organization: MakeOrganization
) -> None:
    other = await new_organization()
    person = await join(organization)
    await organization.client.delete(f"{TEAM}/{person.member_id}")
    assert (await other.client.get(TEAM)).json()["total_count"] == 1


@pytest.fixture
async def other_process(settings: Settings) -> AsyncGenerator[httpx.AsyncClient]:
    """An application with a cache of its own."""
    app = create_app(settings)
    async with running(app):
        transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://drippulse.test") as client:
            yield client
