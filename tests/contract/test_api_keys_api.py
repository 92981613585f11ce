"""API keys over the API: made, shown without their secret, revoked, counted."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from drippulse.organizations.tables import MemberRole
from tests.conftest import MakeClient, MakeOrganization
from tests.support.organizations import TestOrganization
from tests.support.team import TEAM, admin_session, join

KEYS, USAGE = "/api/v1/api_keys", "/api/v1/api_keys/usage"
VERIFY = "/api/v1/admin/verify"


async def make(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await client.post(KEYS, json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_the_documented_request_answers_the_documented_shape(
    client: httpx.AsyncClient, make_client: MakeClient
) -> None:
    made = await make(client, name="Production automation", expires_in=365)
    assert {"id", "name", "key", "key_prefix", "last_four", "expires_at", "created_at", "message"} <= set(made)
    assert made["name"] == "Production automation"
    assert made["key"].startswith(made["key_prefix"])
    assert made["key"].endswith(made["last_four"])
    assert made["key_prefix"] == "adcrm_live_"
    assert made["message"] == "Save this API key now! You won't be able to see it again."
    lasts = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
    assert abs(lasts - timedelta(days=365)) < timedelta(seconds=1)
    assert (await make_client(made["key"]).get(VERIFY)).json()["role"] == "Admin"


async def test_everything_may_be_left_out(client: httpx.AsyncClient) -> None:
    for answer in (await client.post(KEYS), await client.post(KEYS, json={"api_key": {}})):
        made = answer.json()
        assert (answer.status_code, made["role"], made["expires_at"], made["rate_limit"]) == (201, "Admin", None, None)


async def test_the_list_and_a_single_key_are_redacted(client: httpx.AsyncClient, services: AppServices) -> None:
    made = await make(client, name="Shown once", role="editor", rate_limit=60)
    shown = await client.get(f"{KEYS}/{made['id']}")
    listed = await client.get(KEYS)
    assert shown.json() == {name: value for name, value in made.items() if name not in {"key", "message"}}
    assert shown.json() in listed.json()["api_keys"]
    assert (shown.json()["role"], shown.json()["rate_limit"], shown.json()["status"]) == ("Editor", 60, "active")
    secret = made["key"].removeprefix(made["key_prefix"])
    assert secret not in shown.text + listed.text


async def test_a_revoked_key_stops_at_once_and_stays_in_the_list(
    client: httpx.AsyncClient, make_client: MakeClient
) -> None:
    made = await make(client)
    holder = make_client(made["key"])
    assert (await holder.get(VERIFY)).status_code == 200
    revoked = await client.delete(f"{KEYS}/{made['id']}/revoke")
    assert (revoked.status_code, revoked.json()["status"]) == (200, "revoked")
    assert (await holder.get(VERIFY)).status_code == 401
    assert (await client.delete(f"{KEYS}/{made['id']}/revoke")).json() == revoked.json()
    listed = (await client.get(KEYS, params={"status": "revoked"})).json()
    assert [row["id"] for row in listed["api_keys"]] == [made["id"]]


async def test_a_key_may_revoke_itself(client: httpx.AsyncClient, make_client: MakeClient) -> None:
    made = await make(client)
    holder = make_client(made["key"])
    assert (await holder.delete(f"{KEYS}/{made['id']}/revoke")).status_code == 200
    assert (await holder.get(VERIFY)).status_code == 401


async def test_an_expired_key_opens_nothing(
    organization: TestOrganization, make_client: MakeClient, services: AppServices
) -> None:
    made = await make(organization.client, expires_in=1)
    async with services.database.tenant(organization.id) as session:
        await session.execute("UPDATE api_key SET expires_at = now() WHERE id = $1", made["id"])
    assert (await make_client(made["key"]).get(VERIFY)).status_code == 401
    assert (await organization.client.get(f"{KEYS}/{made['id']}")).json()["status"] == "expired"


async def test_a_key_tells_who_made_it(organization: TestOrganization, make_client: MakeClient) -> None:
    me = await admin_session(organization)
    by_user = await make(me)
    by_key = await make(make_client(by_user["key"]))
    assert by_user["created_by"] == {"type": "user", "id": organization.admin_id}
    assert by_key["created_by"] == {"type": "api_key", "id": by_user["id"]}
    first = next(row for row in (await me.get(KEYS)).json()["api_keys"] if row["name"] == "Viewer")
    assert first["created_by"] is None


async def test_a_key_outlives_the_key_that_made_it_and_not_the_person_behind_both(
    organization: TestOrganization, make_client: MakeClient
) -> None:
    person = await join(organization, "Admin")
    parent = await make(person.client)
    child = await make(make_client(parent["key"]), role="Viewer")
    await organization.client.delete(f"{KEYS}/{parent['id']}/revoke")
    assert (await make_client(child["key"]).get(VERIFY)).json()["role"] == "Viewer"
    await organization.client.delete(f"{TEAM}/{person.member_id}")
    assert (await make_client(child["key"]).get(VERIFY)).status_code == 401


async def test_a_key_made_while_its_maker_was_being_removed_opens_nothing(
    organization: TestOrganization, make_client: MakeClient, services: AppServices
) -> None:
    person = await join(organization, "Admin")
    made = await make(person.client)
    async with services.database.tenant(organization.id) as session:
        await session.execute("UPDATE membership SET status = 'removed' WHERE id = $1", person.member_id)
    assert (await make_client(made["key"]).get(VERIFY)).status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"expires_in": 0}, "expires_in"),
        ({"expires_in": -1}, "expires_in"),
        ({"expires_in": 10**9}, "expires_in"),
        ({"expires_in": 1.5}, "expires_in"),
        ({"expires_in": "365"}, "expires_in"),
        ({"role": "Owner"}, "role"),
        ({"role": "Editr"}, "role"),
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"rate_limit": 0}, "rate_limit"),
        ({"rate_limit": 10**9}, "rate_limit"),
        ({"key_hash": "x"}, "key_hash"),
        ({"organization_id": 1}, "organization_id"),
    ],
)
async def test_what_does_not_fit_is_refused_by_field_and_makes_no_key(
    body: dict[str, Any], field: str, client: httpx.AsyncClient
) -> None:
    before = (await client.get(KEYS)).json()["total_count"]
    answer = await client.post(KEYS, json=body)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    if body.get("role") == "Editr":
        assert 'Did you mean "Editor"?' in answer.json()["message"]
    assert (await client.get(KEYS)).json()["total_count"] == before


async def test_fields_of_an_answer_are_taken_as_echoes_and_change_nothing(client: httpx.AsyncClient) -> None:
    first = await make(client, name="First")
    echoed = await make(client, **{name: value for name, value in first.items() if name != "rate_limit"})
    assert echoed["id"] != first["id"]
    assert echoed["key"] != first["key"]


async def test_only_admins_have_to_do_with_keys(organization: TestOrganization) -> None:
    for role in (MemberRole.VIEWER, MemberRole.EDITOR, MemberRole.APPROVER):
        client = organization.as_role(role)
        answers = [await client.get(KEYS), await client.post(KEYS, json={}), await client.get(USAGE)]
        assert [answer.status_code for answer in answers] == [403] * 3


async def test_requests_are_counted_by_key_and_day(organization: TestOrganization, make_client: MakeClient) -> None:
    made = await make(organization.client, name="Counted")
    holder = make_client(made["key"])
    for _ in range(3):
        await holder.get(VERIFY)
    await holder.post("/graphql", json={"query": "{ viewer { role } }"})
    await holder.get("/api/v1/workflows/999999999")
    today = datetime.now(UTC).date().isoformat()
    answer = (await organization.client.get(USAGE, params={"key_id": made["id"]})).json()
    row = {"date": today, "key_id": made["id"], "name": "Counted", "requests": 5}
    assert answer["usage"] == [row]
    assert answer["totals"] == {
        "requests": 5,
        "by_key": [{"key_id": made["id"], "name": "Counted", "requests": 5}],
    }
    assert answer["until"] == today
    everything = (await organization.client.get(USAGE, params={"from": today, "to": today})).json()
    assert row in everything["usage"]
    assert everything["totals"]["requests"] == sum(one["requests"] for one in everything["usage"])
    assert (await organization.client.get(f"{KEYS}/{made['id']}")).json()["last_used_at"]


async def test_usage_of_other_days_and_organizations_is_not_in_it(
    organization: TestOrganization, new_organization: MakeOrganization
) -> None:
    other = await new_organization()
    theirs = await make(other.client)
    assert (await organization.client.get(USAGE, params={"to": "2020-01-31"})).json()["usage"] == []
    answers = [await organization.client.get(USAGE, params={"key_id": one}) for one in (theirs["id"], 999_999_999)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize(
    "params",
    [
        {"from": "2026-02-01", "to": "2026-01-01"},
        {"from": "2020-01-01", "to": "2026-01-01"},
        {"from": "yesterday"},
        {"to": "2026-02-30"},
        {"from": "0001-01-01", "to": "9999-12-31"},
    ],
)
async def test_a_period_that_is_none_is_refused(params: dict[str, str], client: httpx.AsyncClient) -> None:
    assert (await client.get(USAGE, params=params)).status_code == 422


async def test_the_first_day_there_is_can_be_asked_for(client: httpx.AsyncClient) -> None:
    answer = await client.get(USAGE, params={"to": "0001-01-01"})
    assert (answer.status_code, answer.json()["usage"]) == (200, [])


async def test_the_same_idempotency_key_makes_one_key_and_tells_it_again(client: httpx.AsyncClient) -> None:
    headers = {"idempotency-key": "make-one"}
    first, second = [await client.post(KEYS, json={"name": "Once"}, headers=headers) for _ in range(2)]
    assert first.content == second.content
    assert second.headers["idempotent-replayed"] == "true"
    assert (await client.get(KEYS, params={"q": "Once"})).json()["total_count"] == 1
