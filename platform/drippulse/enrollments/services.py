"""What effects use in a worker: one HTTP client, one mailer, the connectors."""

from dataclasses import dataclass
from typing import Self

from drippulse.integrations.calls import LiveConnectors
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database
from drippulse.kit.http import OutboundHttp
from drippulse.messaging.mailer import TrackedMailer
from drippulse.messaging.smtp import SmtpPool
from drippulse.organizations.account.identities import Identities
from drippulse.settings import Settings


@dataclass(frozen=True, slots=True)
class LiveServices:
    """Implements `Services` over the real world."""

    http: OutboundHttp
    mailer: TrackedMailer
    connectors: LiveConnectors
    smtp: SmtpPool | None

    @classmethod
    def create(cls, settings: Settings, database: Database) -> Self:
        http = OutboundHttp(settings.egress_allow, development=settings.development)
        smtp = (
            SmtpPool(settings.smtp_url, size=settings.worker_concurrency, timeout=settings.smtp_timeout_seconds)
            if settings.smtp_url
            else None
        )
        mailer = TrackedMailer(settings, smtp, Identities(database, settings.mail_from))
        return cls(http, mailer, LiveConnectors(database, Vault.of(settings), http, settings), smtp)

    async def close(self) -> None:
        if self.smtp is not None:
            await self.smtp.close()
        await self.http.aclose()
