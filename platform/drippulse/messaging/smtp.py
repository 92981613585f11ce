"""Pooled SMTP connections, with what became of each message told apart as the engine needs it."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import monotonic
from urllib.parse import unquote, urlsplit

import aiosmtplib

from drippulse.messaging.compose import Composed
from drippulse.workflows.steps.base import Outcome, OutcomeKind

IDLE_SECONDS = 20.0
DEFAULT_PORTS = {"smtp": 25, "smtps": 465}


class SmtpPool:
    """Reuses connections to one server, at most `size` at a time.

    Args:
        url: `smtp://user:password@host:port` (STARTTLS when offered) or `smtps://` (TLS from the start).
        timeout: seconds for each reply.
    """

    def __init__(self, url: str, *, size: int = 50, timeout: float = 20) -> None:
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise ValueError(
                f"DRIPPULSE_SMTP_URL must look like smtp://user:password@host:port, not {parts.scheme}://..."
            )
        self._host, self._port = parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme]
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._tls = parts.scheme == "smtps"
        self._timeout = timeout
        self._tls_context = ssl.create_default_context()
        self._idle: list[tuple[float, aiosmtplib.SMTP]] = []
        self._slots = asyncio.Semaphore(size)

    async def send(self, mail: Composed) -> Outcome:
        """Hand one message over; never raises for what the server does.

        RETRY: the message was not taken. FAILED: it was refused for good. UNKNOWN: the content was sent and no answer
        came, so it may have been taken.
        """
        try:
            async with self._connection() as client:
                return await self._transact(client, mail)
        except aiosmtplib.SMTPAuthenticationError as error:
            return Outcome(
                OutcomeKind.RETRY, code="smtp_authentication", message=f"The mail server refused our login: {error}"
            )
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            return Outcome(
                OutcomeKind.RETRY, code="smtp_unreachable", message=f"The mail server cannot be reached: {reason}"
            )

    async def _transact(self, client: aiosmtplib.SMTP, mail: Composed) -> Outcome:
        options = ["SMTPUTF8"] if mail.utf8 else []
        if mail.utf8 and not client.supports_extension("smtputf8"):
            return _failed("smtp_no_utf8", "The mail server does not take addresses with non-ASCII characters.")
        encoding = "utf-8" if mail.utf8 else "ascii"
        try:
            await client.mail(mail.sender, options=options, encoding=encoding)
            await client.rcpt(mail.recipient, encoding=encoding)
        except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPRecipientRefused) as error:
            return _refused(error.code, error.message, "smtp_address_refused")
        try:
            response = await client.data(mail.content)
        except aiosmtplib.SMTPDataError as error:
            return _refused(error.code, error.message, "smtp_message_refused")
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            client.close()
            text = f"The connection broke after the message was sent, before the server answered: {error}"
            return Outcome(OutcomeKind.UNKNOWN, code="smtp_no_answer", message=text)
        return Outcome(OutcomeKind.DONE, output={"response": response.message[:200]})

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[aiosmtplib.SMTP]:
        async with self._slots:
            client = await self._take()
            try:
                yield client
            except BaseException:
                client.close()
                raise
            if client.is_connected:
                self._idle.append((monotonic(), client))

    async def _take(self) -> aiosmtplib.SMTP:
        while self._idle:
            since, client = self._idle.pop()
            if client.is_connected and monotonic() - since < IDLE_SECONDS:
                with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                    if monotonic() - since > 1:
                        await client.rset()
                    return client
            client.close()
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            use_tls=self._tls,
            start_tls=None if not self._tls else False,
            tls_context=self._tls_context,
            timeout=self._timeout,
        )
        await client.connect()
        return client

    async def close(self) -> None:
        """Say goodbye on every idle connection."""
        for _, client in self._idle:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await asyncio.wait_for(client.quit(), 1)
        self._idle.clear()


def _refused(code: int, message: str, name: str) -> Outcome:
    text = f"The mail server answered {code} {message}".strip()
    return _failed(name, text) if code >= 500 else Outcome(OutcomeKind.RETRY, code=name, message=text)


def _failed(code: str, message: str) -> Outcome:
    return Outcome(OutcomeKind.FAILED, code=code, message=message)
