"""Writing caught mail, many messages in one transaction."""

import asyncio
import contextlib
import re
from dataclasses import dataclass
from email import policy
from email.parser import BytesHeaderParser
from typing import TypeAlias

import asyncpg

ROLE = "drippulse_app"
BATCH_MESSAGES = 500
BATCH_BYTES = 32 * 1024 * 1024
COMMAND_SECONDS = 20.0
PLAIN_SUBJECT = re.compile(rb"^subject:(.*(?:\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)
COLUMNS = ("envelope_from", "envelope_to", "subject", "content")

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
DATABASE_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError)


class MailNotStoredError(Exception):
    """The database did not take the message; the sender should try again."""


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """A message as it came over SMTP; `content` is RFC 5322."""

    envelope_from: str
    envelope_to: tuple[str, ...]
    content: bytes

    def row(self) -> tuple[str, list[str], str, bytes]:
        """The values of COLUMNS."""
        recipients = [_storable(recipient) for recipient in self.envelope_to]
        return _storable(self.envelope_from), recipients, subject_of(self.content), self.content


class MailWriter:
    """Stores messages with group commit: all that wait while one transaction runs share the next one.

    Args:
        database_url: the login role's.
        statement_cache: 0 behind PgBouncer in transaction mode.
    """

    def __init__(self, database_url: str, statement_cache: int = 256) -> None:
        self._url = database_url
        self._statement_cache = statement_cache
        self._connection: Connection | None = None
        self._waiting: asyncio.Queue[tuple[CaughtMail, asyncio.Future[None]]] = asyncio.Queue()

    async def add(self, mail: CaughtMail) -> None:
        """Returns once the message is committed.

        Raises:
            MailNotStoredError: it is not.
        """
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((mail, stored))
        await stored

    async def run(self) -> None:
        """Writes what is added until cancelled."""
        try:
            while True:
                batch = [await self._waiting.get()]
                size = len(batch[0][0].content)
                while not self._waiting.empty() and len(batch) < BATCH_MESSAGES and size < BATCH_BYTES:
                    batch.append(self._waiting.get_nowait())
                    size += len(batch[-1][0].content)
                await self._store(batch)
        finally:
            if self._connection is not None:
                with contextlib.suppress(*DATABASE_ERRORS):
                    await self._connection.close(timeout=2)

    async def _store(self, batch: list[tuple[CaughtMail, asyncio.Future[None]]]) -> None:
        try:
            await self._insert([mail for mail, _ in batch])
        except DATABASE_ERRORS as error:
            if len(batch) > 1:  # one message may be the reason; it must not take the others with it
                for one in batch:
                    await self._store([one])
                return
            _settle(batch[0][1], MailNotStoredError(str(error)))
            return
        for _, stored in batch:
            _settle(stored, None)

    async def _insert(self, mails: list[CaughtMail]) -> None:
        connection = await self._connected()
        async with connection.transaction():
            await connection.execute(f"SET LOCAL ROLE {ROLE}")
            await connection.copy_records_to_table("dev_mail", records=[mail.row() for mail in mails], columns=COLUMNS)

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._url,
                timeout=10,
                command_timeout=COMMAND_SECONDS,
                statement_cache_size=self._statement_cache,
            )
        return self._connection


def subject_of(content: bytes) -> str:
    """The decoded subject; empty when there is none, whatever the bytes are."""
    head = _head(content)
    found = PLAIN_SUBJECT.search(head)
    if found and found[1].isascii() and b"=?" not in found[1]:  # most mails; the parser takes 20 times as long
        return _storable(" ".join(found[1].decode().split()))
    try:
        subject = BytesHeaderParser(policy=policy.default).parsebytes(head).get("Subject", "")
        return _storable(str(subject))
    except (ValueError, IndexError, AttributeError, LookupError, TypeError):  # the standard library's parser on garbage
        return ""


def _head(content: bytes) -> bytes:
    end = content.find(b"\r\n\r\n")
    return content[: end + 4] if end >= 0 else content


def _storable(text: str) -> str:
    """PostgreSQL's text takes neither NUL nor lone surrogates."""
    return text.replace("\x00", "�").encode("utf-8", "replace").decode()


def _settle(stored: asyncio.Future[None], error: MailNotStoredError | None) -> None:
    if stored.done():  # the sender has gone
        return
    if error is None:
        stored.set_result(None)
    else:
        stored.set_exception(error)
