"""Bring a database to the newest schema: roles first, then Piccolo's migrations, one runner at a time."""

import contextlib
import io
import os
import re
from pathlib import Path
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from drippulse.kit.db import Role
from drippulse.kit.errors import DomainError
from drippulse.settings import Settings

LOCK_KEY = 0x64726970  # "drip": one migration runner per database
VERSIONS = Path(__file__).parent / "versions"

_Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"


class MigrationError(DomainError):
    code = "migration_failed"
    status = 500


def known_migrations() -> list[str]:
    """The ids of every migration that this version ships, oldest first."""
    pattern = re.compile(r'^ID = "(.+)"$', re.MULTILINE)
    return sorted(pattern.findall("".join(path.read_text() for path in VERSIONS.glob("drippulse_*.py"))))


async def pending_migrations(connection: _Connection) -> list[str]:
    """The ids that this database has not run yet."""
    if not await connection.fetchval("SELECT to_regclass('public.migration') IS NOT NULL"):
        return known_migrations()
    done = {row["name"] for row in await connection.fetch("SELECT name FROM migration WHERE app_name = 'drippulse'")}
    return [name for name in known_migrations() if name not in done]


async def migrate(settings: Settings) -> list[str]:
    """Run what is pending, as the owner role; safe to call from several processes at once.

    Returns:
        The ids that ran.

    Raises:
        MigrationError: a migration failed; each runs in a transaction of its own, so the database is as before it.
    """
    connection = await asyncpg.connect(settings.database_owner_url)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
        await _ensure_roles(connection, await _login_role(settings))
        pending = await pending_migrations(connection)
        if pending:
            await _run_piccolo(settings)
            await _grant_bookkeeping(connection)
        return pending
    except asyncpg.PostgresError as error:
        raise MigrationError(
            f"The schema could not be brought up to date: {error}. Nothing of that step was kept."
        ) from error
    finally:
        await connection.close()


async def _login_role(settings: Settings) -> str:
    connection = await asyncpg.connect(settings.database_url)
    try:
        return str(await connection.fetchval("SELECT session_user"))
    finally:
        await connection.close()


async def _ensure_roles(connection: _Connection, login: str) -> None:
    """Create the group roles (they are the cluster's, not the database's) and let the login role take them."""
    for role in Role:
        with contextlib.suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role.value):
                await connection.execute(f"CREATE ROLE {role.value} NOLOGIN")
        member = await connection.fetchval(
            "SELECT 1 FROM pg_auth_members WHERE roleid = $1::regrole AND member = $2::regrole AND grantor <> member",
            role.value,
            f'"{login}"',
        )
        superuser = await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = $1", login)
        if not member and not superuser:
            await connection.execute(f'GRANT {role.value} TO "{login}"')


async def _run_piccolo(settings: Settings) -> None:
    os.environ.setdefault("PICCOLO_CONF", "drippulse.piccolo_conf")
    from piccolo.apps.migrations.commands.forwards import run_forwards

    from drippulse import piccolo_conf

    piccolo_conf.DB.config = {"dsn": settings.database_owner_url}
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        result = await run_forwards("drippulse")
    if not result.success:
        raise MigrationError(f"The schema could not be brought up to date: {result.message or output.getvalue()}")


async def _grant_bookkeeping(connection: _Connection) -> None:
    """`doctor` and /health read which migrations ran."""
    roles = ", ".join(role.value for role in Role)
    await connection.execute(f"GRANT USAGE ON SCHEMA public TO {roles}; GRANT SELECT ON migration TO {roles}")
