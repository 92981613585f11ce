"""The rows of a SELECT in somebody else's PostgreSQL: read-only, through a cursor, at an address that is checked."""

import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import asyncpg
import httpcore

from drippulse.data_sources.errors import InvalidDataSourceError, SourceError
from drippulse.data_sources.sources.base import Batch, Start
from drippulse.data_sources.state import CursorType, cursor_text, read_cursor
from drippulse.integrations.outbound import redact
from drippulse.kit.http import EgressRefusedError, checked_addresses

SSL_MODES: Final = ("verify-full", "require", "disable")
FIRST_ROWS: Final = 50
LARGE: Final = 8 << 20
CONNECT_SECONDS: Final = 20.0
GRACE_SECONDS: Final = 10.0
TYPES: Final = {CursorType.TIMESTAMP: "timestamptz", CursorType.NUMBER: "numeric", CursorType.TEXT: "text"}
REFUSALS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
EXAMPLE: Final = "postgresql://user:password@host:5432/database?sslmode=verify-full"


@dataclass(frozen=True, slots=True, repr=False)
class Dsn:
    """Where and as whom to connect."""

    host: str
    port: int
    user: str
    password: str
    database: str
    sslmode: str


@dataclass(frozen=True, slots=True)
class Query:
    """What is read. With a cursor column only rows behind the last cursor, in its order."""

    sql: str
    timeout_seconds: int
    cursor: tuple[str, CursorType] | None = None


def read_dsn(text: str, allow: frozenset[str] = frozenset()) -> Dsn:
    """Raises InvalidDataSourceError, which quotes nothing of it. Hosts of `allow` need no TLS."""
    place = "secrets.dsn"
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname or "", parts.port or 5432
    except ValueError:
        raise InvalidDataSourceError(place, f"It cannot be read; write it as {EXAMPLE}.") from None
    if parts.scheme not in {"postgresql", "postgres"} or not host or "," in host or "/" in unquote(host):
        raise InvalidDataSourceError(place, f"One host is needed; write it as {EXAMPLE}.")
    options = dict(parse_qsl(parts.query))
    if set(options) - {"sslmode"}:
        raise InvalidDataSourceError(place, "Of the parameters only sslmode is taken; leave the others out.")
    mode = options.get("sslmode") or ("disable" if f"{host}:{port}" in allow else "verify-full")
    if mode not in SSL_MODES or (mode == "disable" and f"{host}:{port}" not in allow):
        raise InvalidDataSourceError(place, "sslmode is verify-full, or require where the certificate is private.")
    user, password, database = (unquote(part or "") for part in (parts.username, parts.password, parts.path[1:]))
    if not user or not password or not database:
        raise InvalidDataSourceError(place, f"User, password and database are needed; write it as {EXAMPLE}.")
    return Dsn(host, port, user, password, database, mode)


class PostgresQuery:
    """Implements `Source`. After a break an incremental query goes on at the cursor it came to; another one begins
    again."""

    def __init__(self, dsn: Dsn, query: Query, allow: frozenset[str]) -> None:
        self._dsn = dsn
        self._query = query
        self._allow = allow

    async def batches(self, start: Start) -> AsyncGenerator[Batch]:
        connection = await self._connect()
        try:
            async for batch in self._read(connection, start):
                yield batch
        except TimeoutError:
            raise SourceError(f"The database said nothing for {self._query.timeout_seconds} seconds.") from None
        except asyncpg.QueryCanceledError:
            sentence = f"The query took longer than {self._query.timeout_seconds} seconds; make it quicker, or raise "
            raise SourceError(f"{sentence}config.statement_timeout_seconds.") from None
        except SourceError:
            raise
        except Exception as error:  # noqa: BLE001 - what a server says can break the driver in any way
            raise SourceError(f"The database refuses the query: {self._short(error)}") from None
        finally:
            connection.terminate()  # nothing is owed to it: it was only read

    async def _read(self, connection: "asyncpg.Connection[asyncpg.Record]", start: Start) -> AsyncGenerator[Batch]:
        seconds = self._query.timeout_seconds
        sql, args = self._statement(start)
        async with connection.transaction(readonly=True):
            await connection.execute(f"SET LOCAL statement_timeout = {seconds * 1000}; SET LOCAL timezone = 'UTC'")
            statement = await connection.prepare(sql, timeout=seconds + GRACE_SECONDS)
            names = [attribute.name for attribute in statement.get_attributes()]
            if len(set(names)) < len(names):
                raise SourceError("Two columns of the query have the same name; give each its own with AS.")
            cursor = await statement.cursor(*args, timeout=seconds + GRACE_SECONDS)
            position: Mapping[str, Any] = start.position or {}
            count, number = min(FIRST_ROWS, start.rows), start.row_number if position else 0
            while True:
                found = await cursor.fetch(count, timeout=seconds + GRACE_SECONDS)
                rows = [(number + place, _plain(row)) for place, row in enumerate(found, 1)]
                number += len(rows)
                size = sum(len(value) for _, row in rows for value in row.values() if isinstance(value, str))
                position = self._position(rows, position)
                yield Batch(rows, position, number, names, size=size)
                if len(found) < count:
                    return
                count = max(1, count // 4) if size > LARGE else min(count * 2, start.rows)

    def _statement(self, start: Start) -> tuple[str, list[Any]]:
        inner = self._query.sql.strip().rstrip(";")
        if self._query.cursor is None:
            return inner, []
        column, kind = self._query.cursor
        name = '"' + column.replace('"', '""') + '"'
        value = f'{name}::text COLLATE "C"' if kind is CursorType.TEXT else f"{name}::{TYPES[kind]}"
        last, compared = start.cursor, ">"
        if start.position and "cursor" in start.position:
            # Of the rows with this very value some may not be written yet.
            last, compared = read_cursor(kind, start.position["cursor"]), ">="
        if last is None:
            return f"SELECT * FROM (\n{inner}\n) AS read ORDER BY {value} NULLS FIRST", []
        behind = f"WHERE {value} {compared} $1::{TYPES[kind]} OR {name} IS NULL"
        return f"SELECT * FROM (\n{inner}\n) AS read {behind} ORDER BY {value} NULLS FIRST", [last]

    def _position(self, rows: Sequence[tuple[int, Mapping[str, Any]]], before: Mapping[str, Any]) -> Mapping[str, Any]:
        """`{"cursor": the last row's}`."""
        if self._query.cursor is None or not rows:
            return before
        found = rows[-1][1].get(self._query.cursor[0])
        return before if found is None else {"cursor": cursor_text(found)}

    async def _connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        """At an address that was checked, whatever the name means a moment later."""
        dsn = self._dsn
        allowed = f"{dsn.host}:{dsn.port}" in self._allow
        try:
            addresses = await checked_addresses(dsn.host, dsn.port, CONNECT_SECONDS, allowed=allowed)
            return await asyncpg.connect(
                host=addresses,
                port=[dsn.port] * len(addresses),
                user=dsn.user,
                password=dsn.password,
                database=dsn.database,
                ssl=_tls(dsn),
                timeout=CONNECT_SECONDS,
                statement_cache_size=0,
                server_settings={"application_name": "DripPulse"},
            )
        except EgressRefusedError as error:
            raise SourceError(error.message) from None
        except ssl.SSLCertVerificationError:
            sentence = "The certificate of the database is not valid for its host."
            raise SourceError(f"{sentence} Add ?sslmode=require to the DSN if it is a private one.") from None
        except (TimeoutError, httpcore.TimeoutException):
            raise SourceError("The database does not answer.") from None
        except (*REFUSALS, httpcore.ConnectError, OSError) as error:
            raise SourceError(f"The database cannot be reached, or does not let us in: {self._short(error)}") from None

    def _short(self, error: BaseException) -> str:
        """The first line of what went wrong, as a sentence without the password."""
        text = redact((str(error) or type(error).__name__).splitlines()[0][:300], (self._dsn.password,)).rstrip(".")
        return f"{text[:1].upper()}{text[1:]}."


class _NamedContext(ssl.SSLContext):
    """Verifies the certificate for `name`, as the connection itself goes to an address."""

    name: str

    def wrap_bio(
        self, incoming: Any, outgoing: Any, server_side: bool = False, server_hostname: Any = None, session: Any = None
    ) -> Any:
        return super().wrap_bio(incoming, outgoing, server_side, self.name, session)


def _tls(dsn: Dsn) -> ssl.SSLContext | bool:
    if dsn.sslmode == "disable":
        return False
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.name = dsn.host
    context.load_default_certs()
    if dsn.sslmode == "require":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _plain(row: asyncpg.Record) -> Mapping[str, Any]:
    """As JSON would have it."""
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, datetime):
        return cursor_text(value)
    if isinstance(value, list | tuple):
        members: list[Any] = [*value]
        return [_value(member) for member in members]
    return value.hex() if isinstance(value, bytes) else str(value)
