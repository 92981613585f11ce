"""The SMTP server of the local mailbox."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncGenerator

from aiosmtpd.smtp import SMTP, Envelope, Session

from drippulse.settings import Settings
from drippulse_server.failures import CommandFailure, ExitCode
from drippulse_server.mailbox.store import CaughtMail, MailNotStoredError, MailWriter

HOST = "127.0.0.1"
SIZE_LIMIT = 10 * 1024 * 1024
RECIPIENT_LIMIT = 1000
IDLE_SECONDS = 120.0


class MailboxHandler:
    """Answers 250 only after the message is committed; see RFC 5321, 6.1."""

    def __init__(self, writer: MailWriter) -> None:
        self._writer = writer

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds hooks by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= RECIPIENT_LIMIT:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd finds hooks by this name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        try:
            await self._writer.add(CaughtMail(envelope.mail_from or "", tuple(envelope.rcpt_tos), content))
        except MailNotStoredError:
            return "451 4.3.0 The mailbox's database does not answer; try again later"
        return "250 2.0.0 OK, caught"


@contextlib.asynccontextmanager
async def mailbox_server(database_url: str, port: int, statement_cache: int = 256) -> AsyncGenerator[int]:
    """Serves SMTP on the loopback address while the block runs; yields the port (`port`, or a free one for 0).

    Raises:
        OSError: the port is taken.
    """
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # below, aiosmtpd logs every command with its addresses
    loop = asyncio.get_running_loop()
    writer = MailWriter(database_url, statement_cache)
    handler = MailboxHandler(writer)

    def session() -> SMTP:
        return SMTP(
            handler,
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
            hostname="localhost",
            ident="DripPulse mailbox",
            timeout=IDLE_SECONDS,
            loop=loop,
        )

    server = await loop.create_server(session, HOST, port, backlog=512)
    writing = asyncio.create_task(writer.run(), name="mailbox writer")
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        writing.cancel()
        await asyncio.wait((writing,))


async def serve_mailbox(settings: Settings, port: int) -> None:
    """Serves until SIGINT or SIGTERM.

    Raises:
        CommandFailure: the port is taken.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    try:
        async with mailbox_server(settings.database_url, port, settings.database_statement_cache):
            await stopping.wait()
    except OSError as error:
        sentence = f"Port {port} on {HOST} is taken by another program: choose another one with --port."
        raise CommandFailure(sentence, ExitCode.PORT_TAKEN) from error
