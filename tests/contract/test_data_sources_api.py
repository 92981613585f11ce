"""Data sources over HTTP: definitions, secrets, files, previews, runs."""

import csv
import io
from typing import Any

import httpx
import pytest

from drippulse.data_sources.opening import Opening
from drippulse.data_sources.runner import run_next
from drippulse.data_sources.sources.base import Limits
from drippulse.kit.http import OutboundHttp
from drippulse.kit.services import AppServices
from drippulse.workflows.templates import Templates
from tests.conftest import MakeOrganization
from tests.support.organizations import TestOrganization

SOURCES, RUNS = "/api/v1/data_sources", "/api/v1/data_source_runs"
CONTACTS = "/api/v1/crm/contacts"
UPLOAD: dict[str, Any] = {"name": "Upload", "type": "csv_upload", "record_type": "contact"}
API: dict[str, Any] = {
    "name": "Partner",
    "type": "http_json",
    "record_type": "contact",
    "config": {"url": "https://api.example.com/v1/people", "auth": {"type": "bearer"}, "items_path": "data"},
    "secrets": {"token": "s3cret-canary"},
    "mapping": {"mail": "email"},
}
PEOPLE = b"E-Mail,First name,Plan\nada@example.com,Ada,pro\nno address,Bob,free\n=cmd,Eve,x\n"
CSV = {"content-type": "text/csv"}


async def create(client: httpx.AsyncClient, fields: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(SOURCES, json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def carry_out(services: AppServices) -> None:
    """What a worker does."""
    http = OutboundHttp()
    opening = Opening(services.settings, services.database, services.vault, http, Templates(), Limits())
    while await run_next(opening):
        pass
    await http.aclose()


async def test_a_source_is_made_shown_listed_changed_and_deleted(client: httpx.AsyncClient) -> None:
    made = await create(client, {"data_source": {**API, "schedule": {"every_minutes": 30}}})
    assert (made["secret_names"], made["status"], made["last_run_id"]) == (["token"], "active", None)
    assert made["config"] == API["config"]
    assert made["next_run_at"] is not None
    own = f"{SOURCES}/{made['id']}"
    assert (await client.get(own)).json() == made
    listed = (await client.get(f"{SOURCES}?type=http_json&q=part")).json()
    assert [one["id"] for one in listed["data_sources"]] == [made["id"]]
    echoed = await client.patch(own, json={**made, "status": "paused"})
    assert echoed.status_code == 200, echoed.text
    assert (echoed.json()["status"], echoed.json()["next_run_at"]) == ("paused", None)
    assert echoed.json()["mapping"] == API["mapping"]
    assert (await client.delete(own)).status_code == 204
    assert (await client.get(own)).json()["error"] == "data_source_not_found"


async def test_secrets_are_never_answered_and_go_nowhere_else(client: httpx.AsyncClient) -> None:
    made = await create(client, API)
    own = f"{SOURCES}/{made['id']}"
    moved = {"config": {**API["config"], "url": "https://evil.example.org/v1/people"}}
    refused = await client.patch(own, json=moved)
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["secrets.token"])
    assert (await client.patch(own, json={**moved, "secrets": {"token": "another"}})).status_code == 200
    path = {"config": {**API["config"], "url": "https://evil.example.org/v2/people"}}
    assert (await client.patch(own, json=path)).status_code == 200
    assert "s3cret-canary" not in (await client.get(own)).text + refused.text
    wrong = await client.post(SOURCES, json={**API, "secrets": {"token": ["s3cret-canary"]}})
    assert (wrong.status_code, "s3cret-canary" in wrong.text) == (422, False)


async def test_a_connection_authenticates_at_its_own_provider_alone(client: httpx.AsyncClient) -> None:
    """Else whoever may change a source could send somebody's token to an address of his own."""
    slack = {"provider": "slack", "bot_token": "xoxb-1-mine"}
    connection = (await client.post("/api/v1/integration_connections", json=slack)).json()["id"]
    auth = {"type": "connection", "connection_id": connection}
    fields = {key: value for key, value in API.items() if key != "secrets"}

    def at(url: str) -> dict[str, Any]:
        return {**fields, "config": {"url": url, "auth": auth}}

    elsewhere = await client.post(SOURCES, json=at("https://evil.example.org/users.list"))
    assert (elsewhere.status_code, list(elsewhere.json()["errors"])) == (422, ["config.auth.connection_id"])
    await create(client, at("https://slack.com/api/users.list"))
    auth["connection_id"] = 999_999_999
    unknown = await client.post(SOURCES, json=at("https://slack.com/api/users.list"))
    assert (unknown.status_code, unknown.json()["error"]) == (404, "integration_connection_not_found")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"config": {"url": "http://127.0.0.1/people"}, "secrets": None}, "config.url"),
        ({"config": {"url": "https://169.254.169.254/"}}, "config.url"),
        ({"config": {"url": "https://user:password@example.com/"}}, "config.url"),
        ({"config": {"url": "https://example.com/?api_key=1"}}, "config.url"),
        ({"config": {}}, "config.url"),
        ({"config": {"url": "https://example.com/", "query": "SELECT 1"}}, "config.query"),
        ({"config": {**API["config"], "headers": {"Authorization": "x"}}}, "config.headers.Authorization"),
        ({"config": {**API["config"], "headers": {"X": "a\r\nHost: b"}}}, "config.headers.X"),
        ({"config": {**API["config"], "paging": {"type": "page"}}}, "config.paging"),
        ({"config": {**API["config"], "params": {"a": "{{ x"}}}, "config.params.a"),
        ({"config": {"url": "https://example.com/"}}, "secrets.token"),
        ({"secrets": None}, "secrets.token"),
        ({"mapping": {"mail": "emial"}}, "mapping.mail"),
        ({"mapping": {"mail": "first_name"}}, "mapping"),
        ({"mapping": {"mail": "email", "x": "custom.unknown"}}, "mapping.x"),
        ({"templates": {"nmae": "x"}}, "templates.nmae"),
        ({"templates": {"title": "{% for %}"}}, "templates.title"),
        ({"schedule": {}}, "schedule"),
        ({"schedule": {"cron": "0 0 30 2 *"}}, "schedule.cron"),
        ({"schedule": {"cron": "every day"}}, "schedule.cron"),
        ({"schedule": {"cron": "0 6 * * *", "timezone": "Mars"}}, "schedule.timezone"),
        ({"type": "google_sheets", "config": {"url": "https://example.com/sheet"}, "secrets": None}, "config.url"),
        ({"type": "postgres", "config": {"query": "DELETE FROM x"}, "secrets": {"dsn": "x"}}, "config.query"),
        ({"type": "postgres", "config": {"query": "SELECT 1"}, "secrets": {"dsn": "mysql://a:b@c/d"}}, "secrets.dsn"),
        ({"type": "postgres", "config": {"query": "SELECT 1"}, "secrets": None}, "secrets.dsn"),
        ({"type": "csv_upload", "config": {}, "secrets": None, "schedule": {"every_minutes": 5}}, "schedule"),
        ({"nmae": "x"}, "nmae"),
    ],
    ids=str,
)
async def test_definitions_that_cannot_work_are_refused_at_their_place(
    client: httpx.AsyncClient, change: dict[str, Any], place: str
) -> None:
    answer = await client.post(SOURCES, json={**API, **change})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [place]), answer.text
    assert len(answer.json()["message"]) > 20


async def test_an_uploaded_file_is_previewed_run_and_its_bad_rows_downloaded(
    organization: TestOrganization, services: AppServices
) -> None:
    client = organization.client
    source = await create(client, UPLOAD)
    own = f"{SOURCES}/{source['id']}"
    early = await client.post(RUNS, json={"data_source_id": source["id"]})
    assert (early.status_code, early.json()["error"]) == (409, "data_source_has_no_file")
    uploaded = await client.put(f"{own}/file", content=PEOPLE, headers=CSV)
    assert uploaded.status_code == 200, uploaded.text
    assert uploaded.json()["file"]["bytes"] == len(PEOPLE)
    shown = (await client.post(f"{own}/preview", json={})).json()
    assert shown["mapping"] == {"E-Mail": "email", "First name": "first_name"}
    assert (shown["unmapped_columns"], shown["more_rows"]) == (["Plan"], False)
    assert [row["outcome"] for row in shown["rows"]] == ["created", "failed", "failed"]
    assert shown["rows"][0]["source"] == {"E-Mail": "ada@example.com", "First name": "Ada", "Plan": "pro"}
    assert (shown["rows"][0]["record"]["first_name"], shown["rows"][0]["row"]) == ("Ada", 2)
    assert (await client.get(CONTACTS)).json()["total_count"] == 0
    started = await client.post(RUNS, json={"data_source_run": {"data_source_id": source["id"]}})
    assert (started.status_code, started.json()["status"]) == (201, "queued")
    again = await client.post(RUNS, json={"data_source_id": source["id"]})
    assert (again.status_code, again.json()["run_id"]) == (409, started.json()["id"])
    await carry_out(services)
    run = (await client.get(f"{RUNS}/{started.json()['id']}")).json()
    assert (run["status"], run["counts"]["created"], run["counts"]["failed"]) == ("completed", 1, 2)
    assert run["problem_count"] == 2
    errors = (await client.get(run["links"]["errors"])).text
    rows = list(csv.reader(io.StringIO(errors)))
    assert [row[0] for row in rows] == ["row", "3", "4"]
    assert rows[2][2] == "'=cmd"
    listed = (await client.get(f"{RUNS}?data_source_id={source['id']}&status=completed")).json()
    assert [one["id"] for one in listed["data_source_runs"]] == [run["id"]]
    over = await client.post(run["links"]["cancel"], json={})
    assert (over.status_code, over.json()["error"]) == (409, "data_source_run_over")
    undone = await client.post(f"/api/v1/crm/changesets/{run['changeset_id']}/revert", json={})
    assert undone.status_code == 200, undone.text
    assert (await client.get(CONTACTS)).json()["total_count"] == 0


async def test_a_file_that_is_no_table_leaves_the_one_before(client: httpx.AsyncClient) -> None:
    source = await create(client, {**UPLOAD, "mapping": {"E-Mail": "email"}})
    own = f"{SOURCES}/{source['id']}/file"
    assert (await client.put(own, content=PEOPLE, headers=CSV)).status_code == 200
    for content, status in ((b"<html>x", 422), (b"", 400), (b"Name\nAda\n", 422), (b"%PDF" * 400_000, 422)):
        assert (await client.put(own, content=content, headers=CSV)).status_code == status
    shown = (await client.get(f"{SOURCES}/{source['id']}")).json()
    assert shown["file"]["bytes"] == len(PEOPLE)
    other = await create(client, API)
    refused = await client.put(f"{SOURCES}/{other['id']}/file", content=PEOPLE, headers=CSV)
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["type"])


async def test_a_source_that_cannot_be_read_is_a_preview_in_words(client: httpx.AsyncClient) -> None:
    fields = {
        "name": "Nowhere",
        "type": "csv_url",
        "record_type": "lead",
        "config": {"url": "https://nowhere.invalid/x"},
    }
    source = await create(client, fields)
    answer = await client.post(f"{SOURCES}/{source['id']}/preview")
    assert (answer.status_code, answer.json()["error"]) == (422, "data_source_unreadable")
    assert "nowhere.invalid" in answer.json()["message"]


async def test_sources_and_runs_of_others_are_not_there(
    client: httpx.AsyncClient, new_organization: MakeOrganization
) -> None:
    other = (await new_organization()).client
    source = await create(other, UPLOAD)
    answers = [await client.post(RUNS, json={"data_source_id": number}) for number in (source["id"], 999_999_999)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert (await client.get(f"{RUNS}?data_source_id={source['id']}")).json()["total_count"] == 0
