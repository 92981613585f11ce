"""Planted secrets never come out again: in answers, errors, logs, the database's plain text, or Redis."""

import secrets
from dataclasses import dataclass, field
from typing import Any, cast

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis

from drippulse.kit.services import AppServices
from tests.conftest import MakeClient
from tests.support.organizations import PASSWORD, TestOrganization
from tests.support.workflows import webhook_step

API = "/api/v1"
STEPS = "{ workflows { nodes { steps { config } } } enrollments { nodes { timeline { input output error } } } }"
TEXTS = """SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' AND data_type IN ('text', 'jsonb', 'ARRAY')"""


def canary(prefix: str = "canary-") -> str:
    return prefix + secrets.token_hex(12)


@dataclass
class Planted:
    wrong_password: str = field(default_factory=canary)
    wrong_key: str = field(default_factory=lambda: canary("adcrm_live_"))
    slack_token: str = field(default_factory=lambda: canary("xoxb-1-"))
    second_slack_token: str = field(default_factory=lambda: canary("xoxb-2-"))
    zendesk_token: str = field(default_factory=canary)
    refused_field: str = field(default_factory=canary)
    step_secret: str = field(default_factory=lambda: "whsec_" + secrets.token_hex(24))
    bad_step_secret: str = field(default_factory=lambda: canary("whsec_!"))
    authorization: str = field(default_factory=lambda: f"Bearer {canary()}")
    api_key_header: str = field(default_factory=canary)
    cookie: str = field(default_factory=lambda: f"sid={canary()}")
    url_token: str = field(default_factory=canary)
    source_token: str = field(default_factory=canary)
    moved_token: str = field(default_factory=canary)
    refused_token: str = field(default_factory=canary)
    dsn_password: str = field(default_factory=canary)
    refused_dsn: str = field(default_factory=canary)
    session: str = ""
    made_key: str = ""
    invitation: str = ""
    member_password: str = field(default_factory=canary)
    new_password: str = field(default_factory=canary)
    refused_password: str = field(default_factory=canary)

    @property
    def all(self) -> dict[str, str]:
        return {name: str(value).removeprefix("Bearer ") for name, value in vars(self).items()}


class Heard:
    """Sends requests and keeps every answer but the one to a login that worked."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.answers: list[str] = []

    async def __call__(self, method: str, path: str, json: Any = None, **headers: str) -> Any:
        response = await self.client.request(method, path, json=json, headers=headers)
        assert response.status_code < 500, response.text
        self.answers.append(f"{response.headers}{response.text}")
        return response.json() if response.content else None


async def plant_people(heard: Heard, planted: Planted, organization: TestOrganization) -> None:
    """Keys, invitations and passwords; the answers that tell a secret once are not heard."""
    client = organization.client
    planted.made_key = (await client.post(f"{API}/api_keys", json={"name": "Canary"})).json()["key"]
    invited = (await client.post(f"{API}/team_members", json={"email": "canary@example.com"})).json()
    planted.invitation = invited["invitation"]["token"]
    joining = {"token": planted.invitation, "username": f"canary-{organization.id}", "password": "short"}
    await heard("POST", f"{API}/team_members/accept", joining)
    await heard("POST", f"{API}/team_members/accept", {**joining, "password": planted.member_password})
    await heard("POST", f"{API}/team_members/accept", {**joining, "password": planted.member_password})
    login = {"username": joining["username"], "password": planted.member_password}
    token = (await client.post(f"{API}/auth/login", json=login)).json()["token"]
    change = {"current_password": planted.refused_password, "new_password": planted.new_password}
    await heard("POST", f"{API}/account/password", change, authorization=f"Bearer {token}")
    change["current_password"] = planted.member_password
    keyed = {"authorization": f"Bearer {token}", "idempotency-key": "canary"}
    assert (await client.post(f"{API}/account/password", json=change, headers=keyed)).status_code == 200
    await heard("GET", f"{API}/workflows", authorization=f"Bearer {planted.made_key}")
    for path in ("api_keys", "api_keys/usage", "team_members", "account", "audit_log"):
        await heard("GET", f"{API}/{path}")


async def plant_sources(heard: Heard, planted: Planted) -> None:
    """Data sources, good ones and refused ones, previewed and run."""
    path, source = f"{API}/data_sources", {"name": "Canary source", "record_type": "contact"}
    config = {"url": "https://nowhere.invalid/people", "auth": {"type": "query", "name": "access"}}
    fields = {**source, "type": "csv_url", "config": config}
    made = (await heard("POST", path, {**fields, "secrets": {"token": planted.source_token}}))["id"]
    await heard(
        "POST", path, {**fields, "config": {**config, "url": f"https://x:{planted.refused_token}@example.com/"}}
    )
    await heard("POST", path, {**fields, "secrets": {"token": [planted.refused_token]}})
    await heard("PATCH", f"{path}/{made}", {"secrets": {"token": planted.moved_token}})
    await heard("POST", f"{path}/{made}/preview", {})
    await heard("POST", f"{API}/data_source_runs", {"data_source_id": made})
    query = {**source, "type": "postgres", "config": {"query": "SELECT 1 AS email"}}
    dsn = f"postgresql://u:{planted.dsn_password}@nowhere.invalid/db"
    database = (await heard("POST", path, {**query, "secrets": {"dsn": dsn}}))["id"]
    await heard("POST", f"{path}/{database}/preview", {})
    await heard("POST", path, {**query, "secrets": {"dsn": f"mysql://u:{planted.refused_dsn}@nowhere.invalid/db"}})
    for place in (path, f"{path}/{made}", f"{path}/{database}", f"{API}/data_source_runs"):
        await heard("GET", place)


async def plant(heard: Heard, planted: Planted, organization: TestOrganization) -> None:
    wrong = {"username": organization.username, "password": planted.wrong_password}
    await heard("POST", f"{API}/auth/login", wrong)
    await heard("POST", f"{API}/auth/login", {"username": planted.wrong_password})
    await heard("GET", f"{API}/workflows", authorization=f"Bearer {planted.wrong_key}")
    await heard("GET", f"{API}/admin/verify", authorization=f"Bearer {planted.session}")
    slack = {"provider": "slack", "bot_token": planted.slack_token}
    connection = (await heard("POST", f"{API}/integration_connections", slack))["id"]
    await heard("POST", f"{API}/integration_connections", slack)  # exists
    await heard("PATCH", f"{API}/integration_connections/{connection}", {"bot_token": planted.second_slack_token})
    zendesk = {"provider": "zendesk", "subdomain": "x", "email": "a@b.co", "api_token": planted.zendesk_token}
    await heard("POST", f"{API}/integration_connections", zendesk)
    await heard("POST", f"{API}/integration_connections", {"provider": "slack", "bot_tokn": planted.refused_field})
    await heard("POST", f"{API}/integration_connections", {"provider": "slack", "bot_token": [planted.refused_field]})
    headers = {
        "Authorization": planted.authorization,
        "X-Api-Key": planted.api_key_header,
        "Cookie": planted.cookie,
    }
    url = f"https://example.com/hook?access_token={planted.url_token}"
    step = webhook_step(secret=planted.step_secret, headers=headers, url=url)
    made = await heard("POST", f"{API}/workflows", {"name": "Canaries", "steps": [step], "status": "active"})
    refused = webhook_step(secret=planted.bad_step_secret, headers={**headers, "Cookie": [planted.cookie]})
    await heard("PATCH", f"{API}/workflows/{made['id']}", {"steps": [refused]})
    await heard("PATCH", f"{API}/workflows/{made['id']}", {"steps": [{**step, "name": "Again"}]})
    await heard("POST", f"{API}/workflows/{made['id']}/test", {})
    await heard("POST", f"{API}/workflows/{made['id']}/enrollments/bulk", {"contacts": [{"email": "a@b.co"}]})
    await heard("GET", f"{API}/workflows/{made['id']}/versions/diff?from=1&to=2")
    node = {"id": "hook", "type": "send_webhook", "webhookUrl": url, "webhookAuthHeader": planted.authorization}
    nodes = await heard("POST", "/v1/workflows", {"name": "Canary nodes", "trigger": "manual", "nodes": [node]})
    await heard("GET", f"/v1/workflows/{nodes['id']}")
    for path in ("workflows", f"workflows/{made['id']}", f"workflows/{made['id']}/enrollments"):
        await heard("GET", f"{API}/{path}")
    [run] = (await heard("GET", f"{API}/workflows/{made['id']}/enrollments"))["enrollments"]
    await heard("GET", f"{API}/workflows/{made['id']}/enrollments/{run['id']}/explain")
    for path in ("integration_connections", f"integration_connections/{connection}"):
        await heard("GET", f"{API}/{path}")
    await heard("POST", "/graphql", {"query": STEPS})


async def database_texts(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        found: list[str] = []
        for row in await connection.fetch(TEXTS):
            text = f'SELECT string_agg("{row["column_name"]}"::text, \' \') FROM "{row["table_name"]}"'
            found.append(await connection.fetchval(text) or "")
        return " ".join(found)
    finally:
        await connection.close()


async def redis_texts(url: str) -> str:
    redis = cast("Any", Redis).from_url(url)
    try:
        found: list[str] = []
        async for key in redis.scan_iter("*"):
            value = await redis.dump(key)
            found.append(f"{key!r}{value!r}")
        return " ".join(found)
    finally:
        await redis.aclose()


async def test_planted_secrets_never_come_out(
    organization: TestOrganization,
    make_client: MakeClient,
    services: AppServices,
    postgres_superuser_url: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    credentials = {"username": organization.username, "password": PASSWORD}
    token = (await make_client().post(f"{API}/auth/login", json=credentials)).json()["token"]
    planted, heard = Planted(session=token), Heard(organization.client)
    await plant(heard, planted, organization)
    await plant_people(heard, planted, organization)
    await plant_sources(heard, planted)
    out, err = capfd.readouterr()
    places = {
        "answers": " ".join(heard.answers),
        "logs": out + err,
        "database": await database_texts(postgres_superuser_url),
        "redis": await redis_texts(services.settings.redis_url),
    }
    assert "Canaries" in places["answers"]
    assert "Canaries" in places["database"]
    assert "route=/api/v1/workflows" in places["logs"]
    for name, secret in planted.all.items():
        assert [place for place, text in places.items() if secret in text] == [], name
    key = organization.client.headers["authorization"].removeprefix("Bearer ")
    assert [place for place, text in places.items() if key in text] == []


@pytest.fixture
def postgres_superuser_url(postgres: Any, services: AppServices) -> str:
    """Past row-level security, into the database that the application uses."""
    name = services.settings.database_url.split("?")[0].rsplit("/", 1)[-1]
    return str(postgres.superuser_url).replace("/postgres?", f"/{name}?", 1)
