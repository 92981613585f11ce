"""The doctor on a healthy database, and on each thing that can be wrong with one."""

import asyncio
import os
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import asyncpg
import pytest

from drippulse.settings import Environment, Settings
from drippulse_server.doctor.check import Check, Verdict
from drippulse_server.doctor.database import check_database, pooler_fits
from drippulse_server.doctor.machine import data_dir_private, python_version, settings_complete
from drippulse_server.doctor.services import check_redis, check_smtp
from drippulse_server.embedded.postgres import EmbeddedPostgres
from drippulse_server.embedded.redis import EmbeddedRedis
from drippulse_server.mailbox.server import mailbox_server
from drippulse_server.up.preparation import prepare_database


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Generator[EmbeddedPostgres]:
    running = EmbeddedPostgres(tmp_path_factory.mktemp("doctor"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
async def settings(postgres: EmbeddedPostgres) -> Settings:
    values = {"DRIPPULSE_DATABASE_URL": postgres.database_url, "DRIPPULSE_DATABASE_OWNER_URL": postgres.owner_url}
    await prepare_database({**os.environ, **values})
    return Settings(database_url=postgres.database_url)


@pytest.fixture
async def owner(postgres: EmbeddedPostgres, settings: Settings) -> AsyncGenerator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(postgres.owner_url)
    await connection.execute("DELETE FROM heartbeat; INSERT INTO heartbeat (name, beat_at) VALUES ('sweeper', now())")
    yield connection
    await connection.close()


async def named(settings: Settings, name: str) -> Check:
    return next(check for check in await check_database(settings) if check.name == name)


async def test_a_healthy_database_passes_every_check(
    settings: Settings, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    checks = await check_database(settings)
    assert [check for check in checks if check.verdict is not Verdict.OK] == []
    assert {check.name for check in checks} == {
        "PostgreSQL",
        "connection pooler",
        "clock",
        "database role",
        "migrations",
        "row-level security",
        "sweeper",
        "stalls",
    }


async def test_a_sweeper_that_stands_still_is_told(
    settings: Settings, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await owner.execute("UPDATE heartbeat SET beat_at = now() - interval '1 hour'")
    check = await named(settings, "sweeper")
    assert (check.verdict, check.finding) == (Verdict.FAIL, "last beat 3600 s ago")
    assert "drippulse scheduler" in check.remedy
    await owner.execute("DELETE FROM heartbeat")
    assert (await named(settings, "sweeper")).finding == "has never run"


async def test_a_table_without_forced_row_level_security_is_named(
    settings: Settings, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await owner.execute("CREATE TABLE leaky (organization_id bigint); ALTER TABLE leaky ENABLE ROW LEVEL SECURITY")
    try:
        check = await named(settings, "row-level security")
        assert (check.verdict, check.finding) == (Verdict.FAIL, "not forced on leaky")
        await owner.execute(check.remedy.removeprefix("as the owner: "))
        assert (await named(settings, "row-level security")).verdict is Verdict.OK
    finally:
        await owner.execute("DROP TABLE leaky")


async def test_logging_in_as_the_owner_or_a_superuser_is_told(
    postgres: EmbeddedPostgres, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    as_owner = await named(Settings(database_url=postgres.owner_url), "database role")
    assert as_owner.verdict is Verdict.FAIL
    assert "owns the tables" in as_owner.finding
    superuser = Settings(database_url=postgres.superuser_url.replace("@/postgres?", "@/drippulse?"))
    assert "is a superuser" in (await named(superuser, "database role")).finding


async def test_a_database_without_a_schema_wants_migrations(
    postgres: EmbeddedPostgres, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    administrator = await asyncpg.connect(postgres.superuser_url)
    await administrator.execute("CREATE DATABASE empty OWNER drippulse_owner")
    await administrator.close()
    check = await named(Settings(database_url=postgres.database_url.replace("@/drippulse?", "@/empty?")), "migrations")
    assert check.verdict is Verdict.FAIL
    assert "drippulse migrate" in check.remedy


def test_prepared_statements_behind_a_pooler_are_told() -> None:
    check = pooler_fits(pooled=True, statement_cache=256)
    assert (check.verdict, "DRIPPULSE_DATABASE_STATEMENT_CACHE=0" in check.remedy) == (Verdict.FAIL, True)
    assert pooler_fits(pooled=True, statement_cache=0).verdict is Verdict.OK
    assert pooler_fits(pooled=False, statement_cache=256).verdict is Verdict.OK


async def test_services_that_do_not_answer_are_told_with_their_variable() -> None:
    dead = Settings(
        database_url="postgresql://127.0.0.1:1/x", redis_url="redis://127.0.0.1:1/0", smtp_url="smtp://127.0.0.1:1"
    )
    (database,) = await check_database(dead)
    for check, variable in (
        (database, "DRIPPULSE_DATABASE_URL"),
        (await check_redis(dead), "DRIPPULSE_REDIS_URL"),
        (check_smtp(dead), "DRIPPULSE_SMTP_URL"),
    ):
        assert check.verdict is Verdict.FAIL
        assert variable in check.remedy


async def test_services_that_answer_pass(tmp_path: Path, settings: Settings) -> None:
    keyval = EmbeddedRedis(tmp_path)
    keyval.start()
    try:
        assert (await check_redis(Settings(redis_url=keyval.url))).verdict is Verdict.OK
    finally:
        keyval.stop()
    async with mailbox_server(settings.database_url, 0) as port:
        check = await asyncio.to_thread(check_smtp, Settings(smtp_url=f"smtp://127.0.0.1:{port}"))
        assert check.verdict is Verdict.OK


def test_secrets_that_others_may_read_are_told(tmp_path: Path) -> None:
    assert data_dir_private(tmp_path / "absent").verdict is Verdict.SKIPPED
    secret = tmp_path / "secret.env"
    secret.touch(mode=0o600)
    assert data_dir_private(tmp_path).verdict is Verdict.OK
    secret.chmod(0o644)
    check = data_dir_private(tmp_path)
    assert check.verdict is Verdict.FAIL
    assert check.remedy == f"chmod 600 {secret}"


def test_missing_settings_are_named() -> None:
    bare = settings_complete(Settings(database_url="postgresql://x/y", env=Environment.DEVELOPMENT))
    assert bare.verdict is Verdict.FAIL
    assert "DRIPPULSE_SECRET_KEY" in bare.finding
    assert python_version().verdict is Verdict.OK
