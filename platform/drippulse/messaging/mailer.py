"""The tracked mailer: composes a step's mail and hands it to SMTP."""

import asyncpg

from drippulse.messaging.compose import compose, tracked_urls
from drippulse.messaging.links import MailRef, TrackingLinks
from drippulse.messaging.smtp import SmtpPool
from drippulse.organizations.account.identities import Identities
from drippulse.settings import Settings
from drippulse.workflows.steps.base import Outcome, OutcomeKind, OutgoingMail, StepContext


class TrackedMailer:
    """Implements `Mailer` over SMTP."""

    def __init__(self, settings: Settings, pool: SmtpPool | None, identities: Identities) -> None:
        self._links = TrackingLinks(settings)
        self._sender = settings.mail_from
        self._pool = pool
        self._identities = identities

    async def send(self, mail: OutgoingMail, ctx: StepContext) -> Outcome:
        if self._pool is None:
            text = "No mail server is configured; set DRIPPULSE_SMTP_URL and retry the enrollment."
            return Outcome(OutcomeKind.RETRY, code="smtp_not_configured", message=text)
        ref = MailRef(ctx.organization_id, ctx.enrollment_id, ctx.visit)
        try:
            whole = (await self._identities.of(ctx.organization_id)).completed(mail)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            text = f"The sender identity could not be read: {error}"
            return Outcome(OutcomeKind.RETRY, code="database_unreachable", message=text)
        try:
            composed = compose(whole, ref, self._links, tracked_urls(mail), self._sender, ctx.now)
        except (ValueError, UnicodeError) as error:
            return Outcome(OutcomeKind.FAILED, code="mail_not_composed", message=f"The mail cannot be written: {error}")
        return await self._pool.send(composed)
