"""Pooled SMTP connections, with what became of each message told apart as the engine needs it."""

import asyncio
import contextlib
import ssl
from time import monotonic
from urllib.parse import unquote, urlsplit

import aiosmtplib

from drippulse.kit.addresses import one_line
from drippulse.messaging.compose import Composed
from drippulse.workflows.steps.base import Outcome, OutcomeKind

IDLE_SECONDS = 20.0
DEFAULT_PORTS = {"smtp": 25, "smtps": 465}
GOING_AWAY = 421  # RFC 5321, 3.8: the server closes the connection
UNDERSTOOD = (250, 251)  # 251: the server will forward
TAKEN = (200, 299)  # RFC 5321, 4.2.1: only the first digit tells success, though all but a few say 250
LONGEST_ANSWER = 500


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
            async with self._slots:
                return await self._deliver(mail)
        except aiosmtplib.SMTPAuthenticationError as error:
            return _again("smtp_authentication", f"The mail server refused our login: {error}")
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            return _again("smtp_unreachable", f"The mail server cannot be reached: {reason}")

    async def _deliver(self, mail: Composed) -> Outcome:
        """Over a kept connection; one that turns out to have ended, before the content went, is replaced at once."""
        kept = await self._kept()
        if kept is not None:
            with contextlib.suppress(OSError):  # disconnections and timeouts of aiosmtplib are OSErrors
                return await self._over(kept, mail)
        return await self._over(await self._connect(), mail)

    async def _over(self, client: aiosmtplib.SMTP, mail: Composed) -> Outcome:
        try:
            outcome = await self._transact(client, mail)
            if client.is_connected and outcome.kind is not OutcomeKind.DONE:
                await _abandon(client)
        except BaseException:
            client.close()
            raise
        if client.is_connected:
            self._idle.append((monotonic(), client))
        return outcome

    async def _transact(self, client: aiosmtplib.SMTP, mail: Composed) -> Outcome:
        """One message. Raises only while it certainly was not taken."""
        if mail.utf8 and not client.supports_extension("smtputf8"):
            return _failed("smtp_no_utf8", "The mail server does not take addresses with non-ASCII characters.")
        for command in _envelope(mail):
            answer = await client.execute_command(*command)
            if answer.code == GOING_AWAY:
                raise aiosmtplib.SMTPServerDisconnected(f"{answer.code} {answer.message}")
            if answer.code not in UNDERSTOOD:
                return _refused(answer.code, answer.message, "smtp_address_refused")
        try:
            response = await client.data(mail.content)
        except aiosmtplib.SMTPDataError as error:
            if TAKEN[0] <= error.code <= TAKEN[1]:
                return _done(f"{error.code} {error.message}")
            return _refused(error.code, error.message, "smtp_message_refused")
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            client.close()
            text = f"The connection broke after the message was sent, before the server answered: {error}"
            return Outcome(OutcomeKind.UNKNOWN, code="smtp_no_answer", message=_said(text))
        return _done(response.message)

    async def _kept(self) -> aiosmtplib.SMTP | None:
        """A connection from an earlier mail that still seems to be there."""
        while self._idle:
            since, client = self._idle.pop()
            if client.is_connected and monotonic() - since < IDLE_SECONDS:
                with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                    if monotonic() - since > 1:
                        await client.rset()
                    return client
            client.close()
        return None

    async def _connect(self) -> aiosmtplib.SMTP:
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
        try:
            await _introduce(client)
        except BaseException:
            client.close()
            raise
        return client

    async def close(self) -> None:
        """Say goodbye on every idle connection."""
        for _, client in self._idle:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await client.quit()
        self._idle.clear()


async def _introduce(client: aiosmtplib.SMTP) -> None:
    """Unless STARTTLS or the login needed it before."""
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except aiosmtplib.SMTPHeloError:
            await client.helo()


def _envelope(mail: Composed) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """MAIL and RCPT; the client's own `mail` and `rcpt` parse addresses that composing has proven."""
    options = (b"SMTPUTF8",) if mail.utf8 else ()
    return (b"MAIL", b"FROM:<%b>" % mail.sender.encode(), *options), (b"RCPT", b"TO:<%b>" % mail.recipient.encode())


async def _abandon(client: aiosmtplib.SMTP) -> None:
    """End what a refusal left open: servers answer the next MAIL with 503 otherwise."""
    try:
        await client.rset()
    except (aiosmtplib.SMTPException, OSError, TimeoutError):
        client.close()


def _done(answer: str) -> Outcome:
    return Outcome(OutcomeKind.DONE, output={"response": _said(answer)[:200]})


def _refused(code: int, message: str, name: str) -> Outcome:
    text = f"The mail server answered {code} {message}"
    return _failed(name, text) if code >= 500 else _again(name, text)


def _failed(code: str, message: str) -> Outcome:
    return Outcome(OutcomeKind.FAILED, code=code, message=_said(message))


def _again(code: str, message: str) -> Outcome:
    return Outcome(OutcomeKind.RETRY, code=code, message=_said(message))


def _said(text: str) -> str:
    """A server's words on one line, fit for storing: bytes that are not UTF-8 come as lone surrogates."""
    readable = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return one_line(" ".join(readable.split()))[:LONGEST_ANSWER]
