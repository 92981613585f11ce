"""Integration connections over REST: stored encrypted, listed by name, never answered."""

from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from drippulse.organizations.tables import MemberRole
from tests.conftest import MakeOrganization
from tests.support.connections import CANARY, SLACK_TOKEN, stored
from tests.support.organizations import TestOrganization

PATH = "/api/v1/integration_connections"
SLACK: dict[str, Any] = {"provider": "slack", "bot_token": SLACK_TOKEN}
ROW = {
    "id",
    "provider",
    "connection_key",
    "external_key",
    "status",
    "note",
    "secret_names",
    "connector_installed",
    "created_at",
    "updated_at",
}


async def create(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await client.post(PATH, json={**SLACK, **fields})
    assert response.status_code == 201, response.text
    return response.json()


async def test_a_connection_answers_its_names_and_no_secret(client: httpx.AsyncClient) -> None:
    made = await create(client, note="Sales workspace", default_channel="#sales")
    assert set(made) == ROW
    assert made["connection_key"] == made["external_key"] == "default"
    assert (made["provider"], made["status"], made["note"]) == ("slack", "active", "Sales workspace")
    assert made["secret_names"] == ["bot_token", "default_channel"]
    assert made["connector_installed"] is True
    assert made["created_at"].endswith("Z")
    assert (await client.get(f"{PATH}/{made['id']}")).json() == made


@pytest.mark.parametrize(
    "body",
    [
        SLACK,
        {"provider": "slack", "credentials": {"bot_token": SLACK_TOKEN}},
        {"provider": "slack", "secrets": {"bot_token": SLACK_TOKEN}},
        {"integration_connection": SLACK},
        {"integration_connection": {"provider": "slack", "credentials": {"bot_token": SLACK_TOKEN}}},
        {"integration_connection": {"provider": "slack"}, "credentials": {"bot_token": SLACK_TOKEN}},
        {"provider": "Slack ", "bot_token": SLACK_TOKEN, "secrets": {"bot_token": SLACK_TOKEN}, "id": 5},
    ],
)
async def test_credentials_are_taken_top_level_or_grouped_or_wrapped(
    client: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    response = await client.post(PATH, json=body)
    assert response.status_code == 201, response.text
    assert response.json()["secret_names"] == ["bot_token"]


async def test_aliases_name_the_provider(client: httpx.AsyncClient) -> None:
    response = await client.post(PATH, json={"provider": "gmail", "access_token": "ya29", "sender_email": "a@b.com"})
    assert response.status_code == 201
    assert response.json()["provider"] == "google_workspace"
    listed = await client.get(PATH, params={"provider": "Gmail"})
    assert listed.json()["total_count"] == 1


async def test_providers_without_an_installed_connector_can_be_stored_ahead(client: httpx.AsyncClient) -> None:
    body = {"provider": "zendesk", "subdomain": "acme", "email": "a@b.com", "api_token": CANARY}
    made = (await client.post(PATH, json=body)).json()
    assert made["connector_installed"] is False
    assert made["secret_names"] == ["subdomain", "email", "api_token"]


@pytest.mark.parametrize(
    ("body", "status", "field", "said"),
    [
        ({}, 400, "provider", "required"),
        ({"provider": None}, 422, "provider", "string"),
        ({"provider": "slakc"}, 422, "provider", 'Did you mean "slack"?'),
        ({"provider": "slack"}, 422, "webhook_url", "Give webhook_url or bot_token"),
        ({"provider": "slack", "default_channel": "#a"}, 422, "webhook_url", "Give webhook_url or bot_token"),
        ({"provider": "slack", "bot_tokn": CANARY}, 422, "bot_tokn", 'Did you mean "bot_token"?'),
        ({**SLACK, "connection_kye": "x"}, 422, "connection_kye", 'Did you mean "connection_key"?'),
        ({**SLACK, "api_key": CANARY}, 422, "api_key", "Unknown field"),
        ({"provider": "slack", "bot_token": f"{CANARY}\r\nX: y"}, 422, "bot_token", "blanks"),
        ({"provider": "slack", "bot_token": "  "}, 422, "bot_token", "blank"),
        ({"provider": "slack", "bot_token": 5}, 422, "bot_token", "string"),
        ({"provider": "slack", "credentials": [CANARY]}, 422, "credentials", "dictionary"),
        ({"provider": "slack", "credentials": {"bot_token": [CANARY]}}, 422, "credentials.bot_token", "string"),
        ({**SLACK, "credentials": {"bot_token": f"other-{CANARY}"}}, 422, "bot_token", "twice"),
        ({"provider": "slack", "webhook_url": f"http://hooks.slack.com/{CANARY}"}, 422, "webhook_url", "https"),
        ({"provider": "stripe"}, 422, "secret_key", "secret_key"),
        ({**SLACK, "status": "needs_reauth"}, 422, "status", "server"),
        ({**SLACK, "status": "on"}, 422, "status", "active"),
        ({**SLACK, "connection_key": "  "}, 422, "connection_key", "at least 1"),
        ({**SLACK, "connection_key": "a", "external_key": "b"}, 422, "external_key", "two names"),
        ({"provider": "slack", "bot_token": CANARY * 2000}, 422, "bot_token", "at most"),
        ({"integration_connection": [CANARY]}, 422, "integration_connection", "object"),
    ],
)
async def test_what_cannot_be_stored_is_refused_by_field_without_quoting_values(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, field: str, said: str
) -> None:
    response = await client.post(PATH, json=body)
    assert response.status_code == status, response.text
    answer = response.json()
    assert said in " ".join(answer["errors"][field])
    assert answer["message"]
    assert CANARY not in response.text
    assert (await client.get(PATH)).json()["total_count"] == 0


async def test_text_that_cannot_be_stored_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post(PATH, json={**SLACK, "note": "a\x00b"})
    assert response.status_code == 422


@pytest.mark.parametrize("column", ["organization_id", "id", "secret_names", "created_at", "updated_at"])
async def test_read_only_columns_are_ignored(client: httpx.AsyncClient, column: str) -> None:
    made = await create(client)
    changed = await client.patch(f"{PATH}/{made['id']}", json={column: 4711})
    assert changed.status_code == 200
    assert {**changed.json(), "updated_at": ""} == {**made, "updated_at": ""}


@pytest.mark.parametrize("column", ["role", "secret", "next_run_at", "fence"])
async def test_columns_of_other_tables_are_refused(client: httpx.AsyncClient, column: str) -> None:
    made = await create(client)
    for body in ({column: "x"}, {"integration_connection": {column: "x"}}):
        assert (await client.patch(f"{PATH}/{made['id']}", json=body)).status_code == 422
    assert (await client.get(f"{PATH}/{made['id']}")).json() == made


async def test_a_second_connection_with_the_same_key_is_a_conflict(client: httpx.AsyncClient) -> None:
    await create(client)
    other = await create(client, external_key="sales")
    assert other["connection_key"] == "sales"
    again = await client.post(PATH, json={**SLACK, "connection_key": "sales"})
    renamed = await client.patch(f"{PATH}/{other['id']}", json={"connection_key": "default"})
    for response in (again, renamed):
        assert response.status_code == 409
        assert response.json()["error"] == "connection_exists"
    assert (await client.get(PATH)).json()["total_count"] == 2


async def test_lists_are_newest_first_filtered_and_paged(client: httpx.AsyncClient) -> None:
    ids = [(await create(client, connection_key=f"k{n}", note=f"note {n}"))["id"] for n in range(3)]
    await client.post(PATH, json={"provider": "stripe", "secret_key": CANARY, "status": "disabled"})
    listed = (await client.get(PATH)).json()
    assert set(listed) == {"integration_connections", "total_count"}
    assert [row["id"] for row in listed["integration_connections"]][1:] == ids[::-1]
    for params, count in (
        ({"provider": "slack"}, 3),
        ({"connection_key": "k1"}, 1),
        ({"status": "disabled"}, 1),
        ({"q": "NOTE 2"}, 1),
    ):
        assert (await client.get(PATH, params=params)).json()["total_count"] == count
    page = await client.get(PATH, params={"per_page": 2, "provider": "slack"})
    assert page.json()["total_count"] == 3
    assert 'rel="next"' in page.headers["link"]
    first = (await client.get(PATH, params={"cursor": "", "per_page": 3})).json()
    rest = (await client.get(PATH, params={"cursor": first["next_cursor"], "per_page": 3})).json()
    assert [row["id"] for row in rest["integration_connections"]] == [ids[0]]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("params", [{"provider": "slakc"}, {"status": "on"}, {"sort": "secrets"}, {"per_page": 0}])
async def test_bad_filters_are_named(client: httpx.AsyncClient, params: dict[str, Any]) -> None:
    response = await client.get(PATH, params=params)
    assert response.status_code == 422
    assert list(response.json()["errors"]) == list(params)


async def test_patch_merges_secrets_and_null_removes_one(client: httpx.AsyncClient) -> None:
    made = await create(client, default_channel="#sales")
    path = f"{PATH}/{made['id']}"
    hook = f"https://hooks.slack.com/services/T/B/{CANARY}"
    added = (await client.patch(path, json={"secrets": {"webhook_url": hook}})).json()
    assert added["secret_names"] == ["webhook_url", "bot_token", "default_channel"]
    removed = (await client.patch(path, json={"bot_token": None, "note": "hook only"})).json()
    assert (removed["secret_names"], removed["note"]) == (["webhook_url", "default_channel"], "hook only")
    last = await client.patch(path, json={"credentials": {"webhook_url": None}})
    assert last.status_code == 422
    assert (await client.get(path)).json() == removed


async def test_an_echoed_answer_changes_nothing_and_renaming_works_under_either_name(client: httpx.AsyncClient) -> None:
    made = await create(client)
    path = f"{PATH}/{made['id']}"
    echoed = (await client.patch(path, json=made)).json()
    assert {**echoed, "updated_at": made["updated_at"]} == made
    for name in ("connection_key", "external_key"):
        renamed = (await client.patch(path, json={**made, name: f"by {name}"})).json()
        assert renamed["connection_key"] == renamed["external_key"] == f"by {name}"
        await client.patch(path, json={"connection_key": "default"})


async def test_the_provider_of_a_connection_cannot_change(client: httpx.AsyncClient) -> None:
    made = await create(client)
    response = await client.patch(f"{PATH}/{made['id']}", json={"provider": "stripe"})
    assert response.status_code == 422
    assert list(response.json()["errors"]) == ["provider"]


async def test_status_is_active_or_disabled(client: httpx.AsyncClient) -> None:
    made = await create(client)
    path = f"{PATH}/{made['id']}"
    assert (await client.patch(path, json={"status": "disabled"})).json()["status"] == "disabled"
    assert (await client.patch(path, json={"bot_token": "xoxb-new"})).json()["status"] == "disabled"
    assert (await client.patch(path, json={"status": "active"})).json()["status"] == "active"
    assert (await client.patch(path, json={"status": "needs_reauth"})).status_code == 422


async def test_a_deleted_connection_is_gone_with_its_ciphertext(
    client: httpx.AsyncClient, organization: TestOrganization, services: AppServices
) -> None:
    made = await create(client)
    response = await client.delete(f"{PATH}/{made['id']}")
    assert (response.status_code, response.content) == (204, b"")
    assert (await client.get(f"{PATH}/{made['id']}")).status_code == 404
    assert (await client.delete(f"{PATH}/{made['id']}")).status_code == 404
    async with services.database.tenant(organization.id) as session:
        assert await session.fetchval("SELECT count(*) FROM integration_connection") == 0
    await create(client)


async def test_foreign_ids_answer_as_unknown_ones_do(
    client: httpx.AsyncClient, new_organization: MakeOrganization
) -> None:
    made = await create((await new_organization()).client)
    answers: set[tuple[int, str]] = set()
    for target in (made["id"], 2**62, 2**70):
        path = f"{PATH}/{target}"
        for call in (
            client.get(path),
            client.patch(path, json={"note": "x"}),
            client.delete(path),
            client.post(f"{path}/test_connection"),
        ):
            response = await call
            answers.add((response.status_code, response.text))
    assert len(answers) == 1
    status, body = answers.pop()
    assert status == 404
    assert "integration_connection_not_found" in body


async def test_an_organization_sees_its_own_connections_alone(
    client: httpx.AsyncClient, new_organization: MakeOrganization
) -> None:
    await create((await new_organization()).client)
    assert (await client.get(PATH)).json() == {"integration_connections": [], "total_count": 0}
    await create(client)  # the same provider and key in another organization is no conflict


@pytest.mark.parametrize(
    ("role", "may_write"),
    [(MemberRole.VIEWER, False), (MemberRole.APPROVER, False), (MemberRole.EDITOR, True), (MemberRole.ADMIN, True)],
)
async def test_everybody_reads_and_editors_and_admins_write(
    organization: TestOrganization, role: MemberRole, may_write: bool
) -> None:
    made = await create(organization.client)
    client, path = organization.as_role(role), f"{PATH}/{made['id']}"
    assert (await client.get(PATH)).status_code == 200
    assert (await client.get(path)).status_code == 200
    statuses = [
        (await client.post(PATH, json={**SLACK, "connection_key": "second"})).status_code,
        (await client.patch(path, json={"note": "x"})).status_code,
        (await client.post(f"{PATH}/{2**62}/test_connection")).status_code,
        (await client.delete(path)).status_code,
    ]
    assert statuses == ([201, 200, 404, 204] if may_write else [403] * 4)


async def test_without_a_credential_nothing_is_answered(anonymous: httpx.AsyncClient) -> None:
    for response in (await anonymous.get(PATH), await anonymous.post(PATH, json=SLACK)):
        assert response.status_code == 401
        assert "www-authenticate" in response.headers


async def test_secrets_are_ciphertext_at_rest_and_appear_in_no_answer(
    client: httpx.AsyncClient, organization: TestOrganization, services: AppServices
) -> None:
    made = await create(client)
    path = f"{PATH}/{made['id']}"
    row = await stored(services.database, organization.id, made["id"])
    assert CANARY.encode() not in row["secrets"]
    answers = [
        await client.get(PATH),
        await client.get(path),
        await client.patch(path, json={"bot_token": f"{SLACK_TOKEN}-2", "default_channel": 7}),
        await client.patch(path, json={"bot_token": f"{SLACK_TOKEN}-2"}),
        await client.post(PATH, json=SLACK),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 422, 200, 409]
    assert all(CANARY not in answer.text for answer in answers)


async def test_a_connection_whose_connector_is_not_installed_cannot_be_tested(client: httpx.AsyncClient) -> None:
    made = (await client.post(PATH, json={"provider": "gong", "access_key": "a", "secret_key": CANARY})).json()
    response = await client.post(f"{PATH}/{made['id']}/test_connection")
    assert response.status_code == 422
    assert response.json()["error"] == "connector_not_installed"
