"""No organization sees another's rows: with both nets, with the queries' filter off, and without row-level security."""

from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest

from drippulse.enrollments import queries as enrollment_queries
from drippulse.enrollments.queries import Filters
from drippulse.kit.db import Database, Role, sets_organization
from drippulse.kit.pagination import ListRequest, PageRequest
from drippulse.kit.services import AppServices
from drippulse.settings import Settings
from drippulse.workflows import queries as workflow_queries
from tests.conftest import MakeOrganization
from tests.support.organizations import TestOrganization
from tests.support.workflows import create_workflow, enroll

ALL = PageRequest(limit=None)
UNKNOWN = 999_999_999
NOT_TENANT = {"app_user", "dev_mail", "event_cursor", "heartbeat", "migration", "organization"}
TABLES = """SELECT c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
  EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'organization_id') AS tenant
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"""


@dataclass(frozen=True)
class Two:
    """Two organizations with a workflow and an enrollment each; `mine` asks for what is `theirs`."""

    mine: TestOrganization
    theirs: TestOrganization
    my_workflow: int
    their_workflow: int
    their_enrollment: int


@pytest.fixture(scope="module")
async def two(new_organization: MakeOrganization) -> Two:
    mine, theirs = await new_organization(), await new_organization()
    my_workflow = (await create_workflow(mine.client))["id"]
    their_workflow = (await create_workflow(theirs.client))["id"]
    await enroll(mine.client, my_workflow, {"email": "mine@example.com"})
    made = await enroll(theirs.client, their_workflow, {"email": "theirs@example.com"})
    return Two(mine, theirs, my_workflow, their_workflow, made["enrollment_ids"][0])


async def _tables(settings: Settings) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(settings.database_owner_url)
    try:
        return await connection.fetch(TABLES)
    finally:
        await connection.close()


async def test_row_level_security_is_enabled_and_forced_on_every_tenant_table(settings: Settings) -> None:
    rows = await _tables(settings)
    assert {row["name"] for row in rows if not row["tenant"]} == NOT_TENANT
    assert [row["name"] for row in rows if row["tenant"] and not (row["enabled"] and row["forced"])] == []
    assert all(row["enabled"] and row["forced"] for row in rows if row["name"] in {"app_user", "organization"})


async def test_a_connection_without_an_organization_sees_no_row(services: AppServices, two: Two) -> None:
    names = [row["name"] for row in await _tables(services.settings) if row["tenant"]]
    async with services.database.session(Role.APP) as session:
        for name in (*names, "organization", "app_user"):
            assert await session.fetchval(f"SELECT count(*) FROM {name}") == 0, name


async def test_the_setting_of_one_transaction_is_gone_in_the_next(services: AppServices, two: Two) -> None:
    database = Database(services.settings.model_copy(update={"database_pool_size": 1}))
    await database.open()
    try:
        async with database.tenant(two.mine.id) as session:
            assert await session.fetchval("SELECT count(*) FROM workflow") == 1
        async with database.session(Role.APP) as session:
            assert await session.fetchval("SELECT count(*) FROM workflow") == 0
    finally:
        await database.close()


@pytest.mark.parametrize("pooled", [False, True])
async def test_a_read_sees_its_organization_without_any_filter_and_leaves_nothing_behind(
    services: AppServices, two: Two, pooled: bool
) -> None:
    settings = {"database_pool_size": 1, "database_statement_cache": 0 if pooled else 100}
    database = Database(services.settings.model_copy(update=settings))
    owners = f"""SELECT (SELECT json_agg(DISTINCT organization_id) FROM workflow)::text
    FROM (SELECT {sets_organization("$1::bigint")}) AS o"""
    await database.open()
    try:
        for _ in range(8):  # more often than PostgreSQL plans a statement anew
            for organization in (two.mine, two.theirs):
                assert await database.read(organization.id, owners, organization.id) == f"[{organization.id}]"
        if not pooled:
            assert await database.pool.fetchval("SELECT count(*) FROM workflow") == 0
        async with database.session(Role.APP) as session:
            assert await session.fetchval("SELECT count(*) FROM workflow") == 0
    finally:
        await database.close()


async def test_a_tenant_sees_only_its_rows_without_any_filter(services: AppServices, two: Two) -> None:
    async with services.database.tenant(two.mine.id) as session:
        for table in ("workflow", "workflow_version", "enrollment", "event", "membership", "api_key"):
            owners = await session.fetch(f"SELECT DISTINCT organization_id FROM {table}")
            assert [row["organization_id"] for row in owners] == [two.mine.id], table
        assert await session.fetchval("SELECT count(*) FROM organization") == 1
        assert await session.fetchval("SELECT count(*) FROM app_user") == 1


async def test_partitions_cannot_be_read_past_their_parents_policy(services: AppServices, two: Two) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with services.database.tenant(two.mine.id) as session:
            await session.fetch("SELECT 1 FROM event_other")


async def test_the_queries_find_nothing_when_their_filter_names_the_other_organization(
    services: AppServices, two: Two
) -> None:
    theirs = two.theirs.id
    async with services.database.tenant(two.mine.id) as session:
        assert await workflow_queries.by_id(session, theirs, two.their_workflow) is None
        assert await workflow_queries.page(session, theirs, ListRequest(ALL)) == []
        assert await enrollment_queries.page(session, theirs, two.their_workflow, Filters(), ALL) == []
        assert await enrollment_queries.counts(session, theirs, two.their_workflow) == []
        assert await enrollment_queries.detail(session, theirs, two.their_workflow, two.their_enrollment) is None


async def test_the_queries_find_nothing_foreign_without_row_level_security(services: AppServices, two: Two) -> None:
    mine = two.mine.id
    async with services.database.session(Role.ENGINE) as session:
        assert await session.fetchval("SELECT count(DISTINCT organization_id) FROM enrollment") >= 2  # no net here
        assert await workflow_queries.by_id(session, mine, two.their_workflow) is None
        pages = await workflow_queries.page(session, mine, ListRequest(ALL))
        assert [row["id"] for row in pages] == [two.my_workflow]
        assert await workflow_queries.count(session, mine, ListRequest(ALL)) == 1
        assert await enrollment_queries.page(session, mine, two.their_workflow, Filters(), ALL) == []
        assert await enrollment_queries.counts(session, mine, two.their_workflow) == []
        assert await enrollment_queries.count(session, mine, two.their_workflow, Filters()) == 0
        assert await enrollment_queries.versions(session, mine, two.their_workflow, [1]) == {}
        assert await enrollment_queries.detail(session, mine, two.their_workflow, two.their_enrollment) is None


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO workflow (organization_id, name) VALUES ($1, 'x')",
        "INSERT INTO event (organization_id, type, record_type, record_id, actor_type) VALUES ($1, 'x', 'x', '1', 'x')",
        "UPDATE workflow SET organization_id = $1",
    ],
)
async def test_rows_cannot_be_written_into_another_organization(
    statement: str, services: AppServices, two: Two
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with services.database.tenant(two.mine.id) as session:
            await session.execute(statement, two.theirs.id)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/workflows/{workflow}", None),
        ("PATCH", "/workflows/{workflow}", {"name": "taken over"}),
        ("DELETE", "/workflows/{workflow}", None),
        ("POST", "/workflows/{workflow}/test", {}),
        ("GET", "/workflows/{workflow}/enrollments", None),
        ("POST", "/workflows/{workflow}/enrollments/bulk", {"contacts": [{"email": "a@b.com"}]}),
        ("GET", "/workflows/{workflow}/enrollments/{enrollment}", None),
        ("DELETE", "/workflows/{workflow}/enrollments/{enrollment}", None),
        ("GET", "/workflows/{mine}/enrollments/{enrollment}", None),
        ("DELETE", "/workflows/{mine}/enrollments/{enrollment}", None),
    ],
)
async def test_foreign_ids_answer_404_exactly_as_unknown_ids(
    method: str, path: str, body: dict[str, Any] | None, two: Two
) -> None:
    foreign = path.format(workflow=two.their_workflow, enrollment=two.their_enrollment, mine=two.my_workflow)
    unknown = path.format(workflow=UNKNOWN, enrollment=UNKNOWN, mine=two.my_workflow)
    answers = [await two.mine.client.request(method, "/api/v1" + url, json=body) for url in (foreign, unknown)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    untouched = await two.theirs.client.get(f"/api/v1/workflows/{two.their_workflow}/enrollments")
    assert untouched.json()["total"] == 1
    assert (await two.theirs.client.get(f"/api/v1/workflows/{two.their_workflow}")).json()["name"] != "taken over"


async def test_lists_and_totals_show_ones_own_rows_alone(two: Two) -> None:
    body = (await two.mine.client.get("/api/v1/workflows", params={"page": 1})).json()
    assert ([row["id"] for row in body["workflows"]], body["total_count"]) == ([two.my_workflow], 1)


async def test_a_session_of_one_organization_does_not_open_another(
    two: Two, anonymous: httpx.AsyncClient, services: AppServices
) -> None:
    async with services.database.tenant(two.theirs.id) as session:
        await session.execute("UPDATE api_key SET revoked_at = now() WHERE role = 'Viewer'")
    services.authenticator.forget()
    revoked = next(key for role, key in two.theirs.keys.items() if role.value == "Viewer")
    response = await anonymous.get("/api/v1/workflows", headers={"authorization": f"Bearer {revoked}"})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_token")
