"""The application with one of its two tenant nets taken away: the queries' own filter, or row-level security."""

import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg

from drippulse.kit.db import Database, Hook, Record, Role, Session
from drippulse.kit.services import AppServices
from drippulse.organizations.authentication import Authenticator
from drippulse.organizations.login_throttle import LoginThrottle
from drippulse.settings import Settings
from drippulse_server.services import build_services

FILTER = re.compile(r"((?:\w+\.)?organization_id|\bo\.id) = \$1\b")
SECURED = "SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relrowsecurity AND c.relkind IN ('r', 'p')"


def unfiltered(sql: str) -> str:
    """A statement that asks for every organization's rows; its parameters stay."""
    return FILTER.sub(r"(\1 = $1 OR true)", sql)


class UnfilteredSession(Session):
    """Another session's transaction, without the organization in any WHERE."""

    def __init__(self, inner: Session) -> None:
        self._inner = inner
        self.organization_id = inner.organization_id
        self.memo = inner.memo
        self.news = inner.news
        self.statements = inner.statements

    async def fetch(self, sql: str, *args: Any) -> list[Record]:
        return await self._inner.fetch(unfiltered(sql), *args)

    async def fetchrow(self, sql: str, *args: Any) -> Record | None:
        return await self._inner.fetchrow(unfiltered(sql), *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        return await self._inner.fetchval(unfiltered(sql), *args)

    async def execute(self, sql: str, *args: Any) -> str:
        return await self._inner.execute(unfiltered(sql), *args)

    async def executemany(self, sql: str, args: Iterable[Sequence[Any]]) -> None:
        await self._inner.executemany(unfiltered(sql), args)

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[Session]:
        async with self._inner.savepoint():
            yield self

    def after_commit(self, hook: Hook) -> None:
        self._inner.after_commit(hook)


class UnfilteredDatabase(Database):
    @asynccontextmanager
    async def session(self, role: Role, organization_id: int | None = None) -> AsyncGenerator[Session]:
        async with super().session(role, organization_id) as session:
            yield UnfilteredSession(session) if role is Role.APP else session

    async def read(self, organization_id: int, sql: str, *args: Any) -> Any:
        return await super().read(organization_id, unfiltered(sql), *args)


def services_without_filters(settings: Settings) -> AppServices:
    services, database = build_services(settings), UnfilteredDatabase(settings)
    authenticator = Authenticator(database, settings, LoginThrottle(services.redis))
    return replace(services, database=database, authenticator=authenticator)


async def drop_row_level_security(settings: Settings) -> None:
    """On every table of this database."""
    connection = await asyncpg.connect(settings.database_owner_url)
    try:
        for row in await connection.fetch(SECURED):
            await connection.execute(f"ALTER TABLE {row['name']} DISABLE ROW LEVEL SECURITY")
    finally:
        await connection.close()
