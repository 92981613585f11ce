"""A mail server that keeps to the protocol as real ones do (aiosmtpd): no nested MAIL, logins, STARTTLS, 421."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class StrictServer:
    """Handler and ledger. `per_connection` messages are taken on a connection, then it answers 421 and closes.

    With `wrapped` connections are in TLS from the start.
    """

    refuse: str = "refused@"
    per_connection: int = 1000
    answer: str = "250 taken"
    port: int = 0
    wrapped: ssl.SSLContext | None = None
    taken: list[str] = field(default_factory=list[str])
    tls: list[bool] = field(default_factory=list[bool])
    logins: list[bool] = field(default_factory=list[bool])
    protocols: list[SMTP] = field(default_factory=list[SMTP])

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        count: int = getattr(session, "messages", 0)
        if count >= self.per_connection:
            transport = server.transport
            assert transport is not None
            asyncio.get_running_loop().call_soon(transport.close)
            return "421 too many messages in this connection"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith(self.refuse):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.taken += envelope.rcpt_tos
        self.tls.append(session.ssl is not None)
        self.logins.append(bool(session.authenticated))
        session.messages = getattr(session, "messages", 0) + 1  # pyright: ignore[reportAttributeAccessIssue] - ours
        return self.answer

    def hang_up(self) -> None:
        """Close every connection, as a server does with idle ones."""
        for protocol in self.protocols:
            if protocol.transport is not None:
                protocol.transport.close()


def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    """Ada's password is "s3cret:@/"."""
    known = isinstance(data, LoginPassword) and (data.login, data.password) == (b"ada", b"s3cret:@/")
    return AuthResult(success=known, handled=False)


@asynccontextmanager
async def strict_smtp(server: StrictServer, **options: Any) -> AsyncGenerator[StrictServer]:
    """Serve on a free loopback port; `options` are aiosmtpd's."""

    def protocol() -> SMTP:
        made = SMTP(server, enable_SMTPUTF8=True, hostname="strict", **options)
        server.protocols.append(made)
        return made

    listening = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=server.wrapped)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        server.hang_up()
        listening.close()
        await asyncio.sleep(0)


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for 127.0.0.1: its file, and the context that serves with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return chain, context
