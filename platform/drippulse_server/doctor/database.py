"""Checks on PostgreSQL."""

import time
from datetime import UTC, datetime
from typing import TypeAlias

import asyncpg

from drippulse.kit.clock import isoformat
from drippulse.kit.db import Role
from drippulse.migrations.run import pending_migrations
from drippulse.settings import Settings
from drippulse_server.doctor.check import Check, fail, ok, skipped
from drippulse_server.failures import CommandFailure
from drippulse_server.up.checks import reachable_database, without_secrets

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

OLDEST_VERSION, NEWEST_VERSION = 15, 18
SKEW_SECONDS = 2.0
BEAT_SECONDS = 60.0
# Tables that row-level security must cover and does not, whoever may read them.
OPEN_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND EXISTS (SELECT FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped)
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
ORDER BY c.relname
"""
ROLE_RIGHTS = """
SELECT r.rolname, r.rolsuper, r.rolbypassrls,
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relowner = r.oid) AS owns_tables
FROM pg_roles r WHERE r.rolname = session_user
"""


async def check_database(settings: Settings) -> list[Check]:
    """Reachable first; the rest needs that."""
    try:
        await reachable_database(settings.database_url)
    except CommandFailure as failure:
        finding, _, remedy = failure.message.partition(": check ")
        return [fail("PostgreSQL", finding, f"check {remedy}" if remedy else "start it")]
    connection = await asyncpg.connect(settings.database_url, timeout=5, command_timeout=10, statement_cache_size=0)
    try:
        checks = [
            await _version(connection, settings),
            await _pooler(connection, settings),
            await _clock(connection),
            await _login_role(connection),
            await _schema(connection),
        ]
        if checks[-1].remedy:
            return [
                *checks,
                *(skipped(name, "needs the schema") for name in ("row-level security", "sweeper", "stalls")),
            ]
        sweeper = await _sweeper(connection, settings)
        return [*checks, await _row_level_security(connection), sweeper, await _stalls(connection)]
    finally:
        await connection.close(timeout=5)


async def _version(connection: Connection, settings: Settings) -> Check:
    name = "PostgreSQL"
    major = connection.get_server_version().major
    if not OLDEST_VERSION <= major <= NEWEST_VERSION:
        remedy = f"use a version from {OLDEST_VERSION} to {NEWEST_VERSION}"
        return fail(name, f"version {major} at {without_secrets(settings.database_url)}", remedy)
    return ok(name, f"version {major} at {without_secrets(settings.database_url)}")


async def _pooler(connection: Connection, settings: Settings) -> Check:
    backend = await connection.fetchval("SELECT pg_backend_pid()")
    return pooler_fits(pooled=backend != connection.get_server_pid(), statement_cache=settings.database_statement_cache)


def pooler_fits(*, pooled: bool, statement_cache: int) -> Check:
    """A pooler (PgBouncer) hands out process numbers of its own, and other connections' prepared statements."""
    name = "connection pooler"
    if pooled and statement_cache:
        remedy = "set DRIPPULSE_DATABASE_STATEMENT_CACHE=0 for every process"
        return fail(name, f"there is one, and {statement_cache} statements are kept prepared", remedy)
    return ok(name, "one, without prepared statements" if pooled else "none")


async def _clock(connection: Connection) -> Check:
    """Ours against the database's, whose clock decides what is due; half the round trip is taken off."""
    name = "clock"
    before, began = datetime.now(UTC), time.monotonic()
    theirs: datetime = await connection.fetchval("SELECT clock_timestamp()")
    half_trip = (time.monotonic() - began) / 2
    skew = (theirs - before).total_seconds() - half_trip
    finding = f"{abs(skew):.3f} s {'behind' if skew > 0 else 'ahead of'} the database"
    if abs(skew) > SKEW_SECONDS:
        return fail(name, finding, "synchronize both clocks (NTP)")
    return ok(name, finding)


async def _login_role(connection: Connection) -> Check:
    name = "database role"
    rights = await connection.fetchrow(ROLE_RIGHTS)
    if rights is None:
        return fail(name, "the role of DRIPPULSE_DATABASE_URL is unknown to the server", "log in as a role of its own")
    faults = [
        what
        for what, found in (
            ("is a superuser", rights["rolsuper"]),
            ("bypasses row-level security", rights["rolbypassrls"]),
            ("owns the tables", rights["owns_tables"]),
        )
        if found
    ]
    if faults:
        remedy = (
            "make a role without rights for DRIPPULSE_DATABASE_URL; the owner belongs in DRIPPULSE_DATABASE_OWNER_URL"
        )
        return fail(name, f"{rights['rolname']} {' and '.join(faults)}", remedy)
    return ok(name, f"{rights['rolname']} has no rights of its own")


async def _schema(connection: Connection) -> Check:
    name = "migrations"
    try:
        async with connection.transaction():
            # without the role, a schema that was never made shows as a missing role
            await connection.execute(f"SET LOCAL ROLE {Role.APP.value}")
            pending = await pending_migrations(connection)
    except asyncpg.PostgresError as error:
        return fail(name, f"the schema cannot be used: {error}", "run `drippulse migrate`")
    if pending:
        return fail(name, f"{len(pending)} pending, first {pending[0]}", "run `drippulse migrate`")
    return ok(name, "none pending")


async def _row_level_security(connection: Connection) -> Check:
    name = "row-level security"
    tables = [str(row["relname"]) for row in await connection.fetch(OPEN_TABLES)]
    if tables:
        statements = "; ".join(
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY" for table in tables
        )
        return fail(name, f"not forced on {', '.join(tables)}", f"as the owner: {statements}")
    return ok(name, "forced on every table of an organization")


async def _sweeper(connection: Connection, settings: Settings) -> Check:
    """The age of the newest beat by the database's clock."""
    name = "sweeper"
    async with connection.transaction():
        await connection.execute(f"SET LOCAL ROLE {Role.APP.value}")
        age = await connection.fetchval("SELECT extract(epoch FROM now() - max(beat_at))::float8 FROM heartbeat")
    limit = max(BEAT_SECONDS, 3 * settings.sweep_seconds)
    if age is None:
        return fail(name, "has never run", "start `drippulse scheduler`")
    if age > limit:
        return fail(name, f"last beat {age:.0f} s ago", "start `drippulse scheduler`, or look at its log")
    return ok(name, f"last beat {age:.0f} s ago")


async def _stalls(connection: Connection) -> Check:
    """What the watchdog has flagged and nobody resolved, of all organizations."""
    name = "stalls"
    async with connection.transaction():
        await connection.execute(f"SET LOCAL ROLE {Role.ENGINE.value}")
        row = await connection.fetchrow(
            "SELECT count(*) AS open, min(since) AS since FROM stall WHERE resolved_at IS NULL"
        )
    if row is not None and row["open"]:
        finding = f"{row['open']} active enrollments stand still, the first since {isoformat(row['since'])}"
        return fail(name, finding, "see that a worker runs, then POST /api/v1/stalls/repair as an Admin")
    return ok(name, "every active enrollment moves, waits or is held")
