"""Mails of the platform itself, such as invitations: sent after commit, in the background, with one try."""

import asyncio

import structlog

from drippulse.messaging.compose import Composed
from drippulse.messaging.smtp import SmtpPool
from drippulse.organizations.members.invitations import Invitation, compose
from drippulse.settings import Settings
from drippulse.workflows.steps.base import OutcomeKind

log = structlog.get_logger(__name__)


class Notices:
    """One per process. What cannot be sent is logged; whoever began it has the link, or sends it again."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.smtp_url
        self._sender = settings.mail_from
        self._timeout = settings.smtp_timeout_seconds
        self._tasks: set[asyncio.Task[None]] = set()

    async def invite(self, invitation: Invitation) -> None:
        """Begin to send it; returns at once. A hook for after the commit."""
        if not self._url:
            log.info("notice_not_sent", reason="no mail server is configured")
            return
        task = asyncio.get_running_loop().create_task(self._send(compose(invitation, self._sender)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for what is being sent."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _send(self, mail: Composed) -> None:
        pool = SmtpPool(self._url, size=1, timeout=self._timeout)
        outcome = await pool.send(mail)
        await pool.close()
        if outcome.kind is not OutcomeKind.DONE:
            log.warning("notice_not_sent", code=outcome.code, reason=outcome.message)
