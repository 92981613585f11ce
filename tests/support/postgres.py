"""The embedded PostgreSQL of one test process, and fresh databases in it."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from drippulse.migrations.run import migrate
from drippulse.settings import Settings, get_settings
from drippulse_server.embedded.postgres import EmbeddedPostgres
from drippulse_server.embedded.redis import EmbeddedRedis

SECRET_KEY = "tests-only-0123456789abcdef0123456789abcdef"
TEMPLATE = "drippulse_template"


def settings_of(postgres: EmbeddedPostgres, redis: EmbeddedRedis, **changes: object) -> Settings:
    """Development settings over the embedded services; the environment's variables are left aside."""
    values: dict[str, object] = {
        "env": "development",
        "database_url": postgres.database_url,
        "database_owner_url": postgres.owner_url,
        "redis_url": redis.url,
        "secret_key": SECRET_KEY,
        "rate_limit": 0,
        **changes,
    }
    return Settings.model_validate(values)


async def prepare(postgres: EmbeddedPostgres, settings: Settings) -> None:
    """Migrate the first database and keep an untouched copy of it to make others from."""
    with _environment(settings):
        await migrate(settings)
    await _as_superuser(
        postgres,
        f"CREATE DATABASE {TEMPLATE} TEMPLATE {_name(settings)} OWNER drippulse_owner",
        f"ALTER DATABASE {_name(settings)} SET synchronous_commit = off",  # of the shared one alone, for speed
    )


@contextmanager
def _environment(settings: Settings) -> Generator[None]:
    """Piccolo's configuration module reads the process's settings when it is first imported, and connects."""
    names = ("DRIPPULSE_DATABASE_URL", "DRIPPULSE_DATABASE_OWNER_URL")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(zip(names, (settings.database_url, settings.database_owner_url), strict=True))
    get_settings.cache_clear()
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        get_settings.cache_clear()


async def fresh_database(postgres: EmbeddedPostgres, settings: Settings, name: str) -> Settings:
    """A migrated, empty database beside the shared one; for tests that look at all organizations at once."""
    await _as_superuser(
        postgres,
        f"DROP DATABASE IF EXISTS {name} WITH (FORCE)",
        f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER drippulse_owner",
    )
    urls = {
        "database_url": _renamed(settings.database_url, name),
        "database_owner_url": _renamed(settings.database_owner_url, name),
    }
    return settings.model_copy(update=urls)


async def delete_organization(postgres: EmbeddedPostgres, settings: Settings, organization_id: int) -> None:
    """With everything that it has, which the product does not offer."""
    connection = await asyncpg.connect(_renamed(postgres.superuser_url, _name(settings)))
    try:
        tables = await connection.fetch(
            "SELECT table_name FROM information_schema.columns JOIN information_schema.tables USING (table_name) "
            "WHERE column_name = 'organization_id' AND table_type = 'BASE TABLE' AND tables.table_schema = 'public'"
        )
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            for table in tables:
                await connection.execute(
                    f"DELETE FROM {table['table_name']} WHERE organization_id = $1",
                    organization_id,
                )
            await connection.execute("DELETE FROM organization WHERE id = $1", organization_id)
    finally:
        await connection.close()


async def _as_superuser(postgres: EmbeddedPostgres, *statements: str) -> None:
    connection = await asyncpg.connect(postgres.superuser_url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _name(settings: Settings) -> str:
    return urlsplit(settings.database_url).path.removeprefix("/")


def _renamed(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}")).replace(":///", "://@/")
