"""Sessions: one transaction, one database role, one organization.

Processes connect as a login role without rights of its own. A session opens a transaction, takes a role for it and
sets the organization that row-level security compares with, all in one round trip. Outside of sessions a connection
acts as APP for no organization, which sees no row; a single statement can read there that names its organization.
"""

import asyncio
import contextlib
import io
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence, Set
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from piccolo.engine.postgres import PostgresEngine
from piccolo.querystring import QueryString

from drippulse.settings import Settings

Record: TypeAlias = asyncpg.Record
Connection: TypeAlias = "asyncpg.Connection[Record] | PoolConnectionProxy[Record]"
Hook: TypeAlias = Callable[[], Awaitable[None]]


IDLE_SECONDS = 60
"""How long a transaction may stand still. One that nobody ends (its process is frozen, its host is gone) keeps its rows
locked and holds back the events of everybody."""


class Role(StrEnum):
    """The database roles. APP sees its organization, ENGINE what enrollments run on, AUTH credentials."""

    APP = "drippulse_app"
    ENGINE = "drippulse_engine"
    AUTH = "drippulse_auth"


class Session:
    """One open transaction. Statements are serialized: a connection runs one at a time."""

    def __init__(self, connection: Connection, organization_id: int | None) -> None:
        self._connection = connection
        self._lock = asyncio.Lock()
        self._hooks: list[Hook] = []
        self.organization_id = organization_id
        self.statements = 0
        self.news: set[int] = set()
        """The organizations whose event log this transaction adds to."""
        self.memo: dict[Any, Any] = {}
        """What a feature remembers until the transaction ends, under a key of its own."""

    async def fetch(self, sql: str, *args: Any) -> list[Record]:
        async with self._lock:
            self.statements += 1
            return await self._connection.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: Any) -> Record | None:
        async with self._lock:
            self.statements += 1
            return await self._connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        async with self._lock:
            self.statements += 1
            return await self._connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        async with self._lock:
            self.statements += 1
            return await self._connection.execute(sql, *args)

    async def executemany(self, sql: str, args: Iterable[Sequence[Any]]) -> None:
        async with self._lock:
            self.statements += 1
            await self._connection.executemany(sql, args)

    async def copy_text(self, table: str, columns: Sequence[str], lines: bytes) -> None:
        """COPY rows in PostgreSQL's text format into a temporary table; the empty text is NULL."""
        async with self._lock:
            self.statements += 1
            await self._connection.copy_to_table(
                table, schema_name="pg_temp", source=io.BytesIO(lines), columns=columns, format="text", null=""
            )

    def after_commit(self, hook: Hook) -> None:
        """Run `hook` once this transaction has committed; dropped when it rolls back."""
        self._hooks.append(hook)

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator["Session"]:
        """A part of this transaction: what it wrote, its hooks and its memo are undone when the block raises."""
        hooks, memo = len(self._hooks), dict(self.memo)
        await self.execute("SAVEPOINT part")
        try:
            yield self
        except BaseException:
            del self._hooks[hooks:]
            self.memo = memo
            with contextlib.suppress(
                asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError
            ):
                await asyncio.shield(self.execute("ROLLBACK TO SAVEPOINT part"))  # else the transaction is gone as well
            raise
        await self.execute("RELEASE SAVEPOINT part")

    async def run_hooks(self) -> None:
        for hook in self._hooks:
            await hook()


_current: ContextVar[Session | None] = ContextVar("drippulse_session", default=None)


def current_session() -> Session:
    """The session that the running request or actor opened.

    Raises:
        RuntimeError: there is none; a query outside a session is a bug.
    """
    session = _current.get()
    if session is None:
        raise RuntimeError("no database session is open here; wrap the call in Database.session()")
    return session


class SessionEngine(PostgresEngine):
    """Piccolo's engine over the current session, so that its queries share the transaction and its tenant."""

    def __init__(self) -> None:
        super().__init__(config={})

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> Any:
        query, args = querystring.compile_string(engine_type=self.engine_type)
        return await current_session().fetch(query, *args)

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> Any:
        raise RuntimeError("the schema changes through migrations only")

    async def get_version(self) -> float:
        return 15


DB = SessionEngine()


class Database:
    """The pool of one process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool: asyncpg.Pool[Record] | None = None
        self.on_news: Callable[[Set[int]], None] | None = None
        """Told after each commit whose event logs have grown. It must return at once and never raise."""

    async def open(self) -> None:
        self._pool = await asyncpg.create_pool(
            self._settings.database_url,
            min_size=1,
            max_size=self._settings.database_pool_size,
            statement_cache_size=self._settings.database_statement_cache,
            max_inactive_connection_lifetime=300,
            command_timeout=60,
            init=None if self._pooled else _rest_as_app,
            reset=_keep,
        )

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    @property
    def _pooled(self) -> bool:
        """Whether PgBouncer deals out connections by the transaction: nothing holds from one to the next."""
        return self._settings.database_statement_cache == 0

    @property
    def pool(self) -> "asyncpg.Pool[Record]":
        if self._pool is None:
            raise RuntimeError("the database pool is not open")
        return self._pool

    @asynccontextmanager
    async def session(self, role: Role, organization_id: int | None = None) -> AsyncGenerator[Session]:
        """One transaction as `role`; commits when the block ends, rolls back when it raises.

        Args:
            organization_id: what row-level security compares with; None sees no tenant row as APP.
        """
        async with self._connection() as connection:
            session = Session(connection, organization_id)
            await connection.execute(_begin(role, organization_id))
            token = _current.set(session)
            try:
                yield session
            except BaseException:
                await _rollback(connection)
                raise
            else:
                await connection.execute("COMMIT")
            finally:
                _current.reset(token)
        if session.news and self.on_news is not None:
            self.on_news(session.news)
        await session.run_hooks()

    async def read(self, organization_id: int, sql: str, *args: Any) -> Any:
        """The value that one SELECT answers for an organization, as APP, in one round trip.

        Args:
            sql: has `sets_organization` in a sub-select of its FROM, and nothing beside that in it.
        """
        if self._pooled:
            async with self.tenant(organization_id) as session:
                return await session.fetchval(sql, *args)
        async with self._connection() as connection:
            return await connection.fetchval(sql, *args)

    @asynccontextmanager
    async def _connection(self) -> "AsyncGenerator[PoolConnectionProxy[Record]]":
        async with self.pool.acquire() as connection:
            try:
                yield connection
            except asyncpg.InternalClientError as error:
                # The server ended the connection: its last words are read, the end of the stream is not. The driver
                # takes a statement in between for its own fault.
                with contextlib.suppress(asyncpg.InterfaceError):  # it is terminated already
                    connection.terminate()
                raise asyncpg.ConnectionDoesNotExistError(str(error)) from error

    async def in_one_message(self, role: Role, sql: str) -> None:
        """One transaction of one statement without arguments: once sent it comes to its end, whoever dies meanwhile."""
        async with self.pool.acquire() as connection:
            try:
                await connection.execute(f"{_begin(role, None)}; {sql}; COMMIT")
            except BaseException:
                await _rollback(connection)
                raise

    def tenant(self, organization_id: int) -> AbstractAsyncContextManager[Session]:
        """One transaction that sees this organization's rows and no others."""
        return self.session(Role.APP, organization_id)


def sets_organization(parameter: str) -> str:
    """SQL that names the organization of a statement to row-level security, for as long as that statement runs.

    The policies look at it when the first row is asked for. A sub-select in FROM comes before what is selected over it,
    because PostgreSQL does not merge one that changes something; whatever came earlier would see no row.
    """
    return f"set_config('app.organization_id', ({parameter})::text, true)"


def _begin(role: Role, organization_id: int | None) -> str:
    tenant = "" if organization_id is None else str(int(organization_id))
    return (
        f"BEGIN; SET LOCAL ROLE {role.value}; SET LOCAL app.organization_id = '{tenant}'; "
        f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'"
    )


async def _rollback(connection: Connection) -> None:
    try:
        await asyncio.shield(connection.execute("ROLLBACK"))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
        connection.terminate()


async def _rest_as_app(connection: Connection) -> None:
    await connection.execute(f"SET ROLE {Role.APP.value}")


async def _keep(connection: Connection) -> None:
    """Instead of asyncpg's reset query: every other setting is local to its transaction, nothing is left to reset."""
