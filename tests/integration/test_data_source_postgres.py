"""Somebody else's PostgreSQL as a data source: read-only, incremental, and only at addresses that are called."""

import secrets
from collections.abc import AsyncGenerator
from typing import Any

import asyncpg
import pytest

from drippulse.data_sources.errors import InvalidDataSourceError, SourceError
from drippulse.data_sources.sources.base import Batch, Start
from drippulse.data_sources.sources.postgres import Dsn, PostgresQuery, Query, read_dsn
from drippulse.data_sources.state import CursorType
from drippulse.kit.db import Database
from drippulse.organizations import service as organizations
from drippulse.settings import Settings
from tests.conftest import MakeDatabase
from tests.support.data_runs import Runs, making_runs
from tests.support.ending_proxy import EndingProxy

PEOPLE = """DROP TABLE IF EXISTS person; CREATE TABLE person (id bigint, mail text, name text, born date, score numeric,
  changed timestamp, blob bytea);
INSERT INTO person SELECT n, 'p' || n || '@example.com', 'N' || n, '2000-01-01', 1.5,
  '2026-01-01'::timestamp + n * interval '1 s', '\\x00ff' FROM generate_series(1, 500) n"""
MAPPING = {"mail": "email", "name": "first_name", "score": "attributes.score", "blob": "attributes.blob"}
QUERY = "SELECT * FROM person;"


@pytest.fixture(scope="module")
async def own_settings(make_database: MakeDatabase) -> Settings:
    return await make_database("data_source_postgres")


@pytest.fixture(scope="module")
async def proxy(own_settings: Settings) -> AsyncGenerator[EndingProxy]:
    """Their database over TCP; it is ours as well, which does not matter here."""
    connection = await asyncpg.connect(own_settings.database_owner_url)
    await connection.execute(PEOPLE)
    await connection.close()
    async with EndingProxy(own_settings.database_owner_url) as made:
        yield made


@pytest.fixture
async def runs(own_settings: Settings, proxy: EndingProxy) -> AsyncGenerator[Runs]:
    database = Database(own_settings)
    await database.open()
    organization_id = await organizations.create_organization(database, secrets.token_hex(8))
    await database.close()
    async with making_runs(
        own_settings, organization_id, f"http://{proxy.proxied.split('@')[1].split('/')[0]}"
    ) as made:
        yield made


async def source_of(runs: Runs, proxy: EndingProxy, query: str = QUERY, **fields: Any) -> int:
    config = {"query": query, "statement_timeout_seconds": 5}
    given: dict[str, Any] = {"mapping": MAPPING, "secrets": {"dsn": proxy.proxied}, **fields}
    return await runs.source(type="postgres", config=config, **given)


async def sql(proxy: EndingProxy, statement: str) -> None:
    connection = await asyncpg.connect(proxy.url)
    await connection.execute(statement)
    await connection.close()


async def test_rows_of_a_query_become_records(runs: Runs, proxy: EndingProxy) -> None:
    run = await runs.run(await source_of(runs, proxy), portion_rows=120)
    assert (run["status"], run["problem"], run["counts"]["created"]) == ("completed", None, 500)
    found = await runs.fetchval("SELECT attributes::text FROM contact WHERE email = 'p7@example.com'")
    assert found == '{"blob": "00ff", "score": "1.5"}'


async def test_only_rows_behind_the_cursor_are_asked_for(runs: Runs, proxy: EndingProxy) -> None:
    source = await source_of(runs, proxy, incremental={"column": "changed"})
    first = await runs.run(source, portion_rows=100)
    assert (first["counts"]["created"], first["cursor_to"]) == (500, "2026-01-01T00:08:20")
    nothing = await runs.run(source)
    assert (nothing["status"], nothing["rows_read"], nothing["cursor_to"]) == ("completed", 0, None)
    await sql(proxy, "INSERT INTO person VALUES (501, 'new@example.com', 'New', null, 1, '2026-02-01', null)")
    second = await runs.run(source)
    await sql(proxy, "DELETE FROM person WHERE id = 501")
    assert (second["rows_read"], second["counts"]["created"]) == (1, 1)
    assert await runs.cursor(source) == "2026-02-01T00:00:00"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("WITH gone AS (DELETE FROM person RETURNING *) SELECT * FROM gone", "read-only transaction"),
        ("SELECT set_config('transaction_read_only', 'off', false), mail FROM person", "read-write mode"),
        ("SELECT 1 AS mail; DROP TABLE person", "multiple commands"),
        ("SELECT mail FROM nowhere", "does not exist"),
        ("SELECT mail, pg_sleep(30) FROM person", "took longer than 1 seconds"),
        ("SELECT mail, mail FROM person", "same name"),
        ("SELECT 1 / 0 AS mail", "Division by zero"),
    ],
)
async def test_queries_that_do_more_than_read_end_in_words(
    runs: Runs, proxy: EndingProxy, query: str, told: str
) -> None:
    config = {"query": query, "statement_timeout_seconds": 1}
    source = await runs.source(
        type="postgres", config=config, secrets={"dsn": proxy.proxied}, mapping={"mail": "email"}
    )
    run = await runs.run(source)
    assert run["status"] == "failed"
    assert told in run["problem"]
    connection = await asyncpg.connect(proxy.url)
    assert await connection.fetchval("SELECT count(*) FROM person") == 500
    await connection.close()


async def test_a_database_that_ends_the_connection_ends_the_reading_in_words(proxy: EndingProxy) -> None:
    async with EndingProxy(proxy.url) as ending:
        allow = frozenset({ending.proxied.split("@")[1].split("/")[0]})
        source = PostgresQuery(read_dsn(ending.proxied, allow), Query(QUERY, 5), allow)
        batches = source.batches(Start(None, 0, None, 10))
        await anext(batches)
        await ending.say_goodbye()
        with pytest.raises(SourceError, match="The database refuses the query: "):
            await anext(batches)


async def test_reading_goes_on_at_the_cursor_that_it_came_to(runs: Runs, proxy: EndingProxy) -> None:
    """Rows with this very value are read again: some may not be written yet."""
    dsn = read_dsn(proxy.proxied, runs.opening.settings.egress_allow)
    query = Query("SELECT id % 10 AS tenth, mail FROM person", 5, ("tenth", CursorType.NUMBER))
    source = PostgresQuery(dsn, query, runs.opening.settings.egress_allow)
    before = await first_batch(source, Start(None, 0, None, 75))
    assert before.position == {"cursor": "0"}
    batches = [batch async for batch in source.batches(Start({"cursor": "8"}, 400, None, 75))]
    assert [row["tenth"] for batch in batches for _, row in batch.rows] == [8] * 50 + [9] * 50
    assert batches[0].rows[0][0] == 401


async def first_batch(source: PostgresQuery, start: Start) -> Batch:
    batches = source.batches(start)
    found = await anext(batches)
    await batches.aclose()
    return found


async def test_private_addresses_are_never_connected_to(runs: Runs, proxy: EndingProxy) -> None:
    source = PostgresQuery(
        read_dsn(proxy.proxied.replace("127.0.0.1", "localhost") + "?sslmode=require"), Query(QUERY, 5), frozenset()
    )
    with pytest.raises(SourceError, match="private or reserved"):
        await anext(source.batches(Start(None, 0, None, 10)))


async def test_a_database_without_tls_is_refused(runs: Runs, proxy: EndingProxy) -> None:
    allow = runs.opening.settings.egress_allow
    source = PostgresQuery(read_dsn(f"{proxy.proxied}?sslmode=require", allow), Query(QUERY, 5), allow)
    with pytest.raises(SourceError, match="SSL"):
        await anext(source.batches(Start(None, 0, None, 10)))


async def test_a_wrong_password_stays_out_of_the_problem(runs: Runs, proxy: EndingProxy) -> None:
    owner = proxy.proxied.split("//")[1].split(":")[0]
    place = proxy.proxied.split("@")[1]
    source = await source_of(runs, proxy, secrets={"dsn": f"postgresql://{owner}:wrong-canary@{place}"})
    run = await runs.run(source)
    assert run["status"] == "failed"
    assert "Password authentication failed" in run["problem"]
    assert "canary" not in run["problem"]


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://a:b@/c",
        "postgresql://a:b@h1,h2/c",
        "postgresql://a:b@%2Fvar%2Frun/c",
        "postgresql://a@h/c",
        "postgresql://a:b@h/",
        "postgresql://a:b@h/c?sslmode=disable",
        "postgresql://a:b@h/c?host=/tmp",
        "postgresql://a:b@h:x/c",
        "service=x",
    ],
)
def test_connection_strings_that_hide_something_are_refused(text: str) -> None:
    with pytest.raises(InvalidDataSourceError) as refused:
        read_dsn(text)
    assert ":b@" not in str(refused.value)


def test_a_connection_is_verified_unless_it_says_otherwise() -> None:
    assert read_dsn("postgres://u%40x:p%3Aw@db.example.com/main") == Dsn(
        "db.example.com", 5432, "u@x", "p:w", "main", "verify-full"
    )
