"""What recipients do with a mail: open, click, unsubscribe. Each is durable before it is answered."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from drippulse.enrollments.wake import Waker
from drippulse.events import service as events
from drippulse.events.service import SystemActor
from drippulse.kit.crypto import SignatureError
from drippulse.kit.db import Database, Record, Session
from drippulse.messaging import queries
from drippulse.messaging.engagement import BURST, BURST_LINKS, is_burst, is_human
from drippulse.messaging.links import MailRef, TrackingLinks
from drippulse.settings import Settings


@dataclass(frozen=True, slots=True)
class Visitor:
    """What is known of who follows a link."""

    method: str
    user_agent: str | None
    prefetched: bool = False


class Tracking:
    """The service behind the public links in mails."""

    def __init__(self, database: Database, settings: Settings, waker: Waker | None = None) -> None:
        self._database = database
        self._waker = waker  # workflows listen to what recipients do
        self._links = TrackingLinks(settings)

    @asynccontextmanager
    async def _tenant(self, ref: MailRef) -> AsyncGenerator[Session]:
        async with self._database.tenant(ref.organization_id) as session:
            if self._waker is not None:
                session.after_commit(self._waker.wake)
            yield session

    async def opened(self, token: str, visitor: Visitor) -> None:
        """Record an open. Raises SignatureError for a token we did not make."""
        ref, _ = self._links.read("o", token)
        async with self._tenant(ref) as session:
            mail = await _mail(session, ref)
            await _record(session, ref, mail, "open", None, visitor)

    async def clicked(self, token: str, visitor: Visitor) -> str:
        """Record a click; the URL to go to, which is one that was in the mail."""
        ref, index = self._links.read("c", token)
        async with self._tenant(ref) as session:
            mail = await _mail(session, ref)
            if index >= len(mail["links"]):
                raise SignatureError("This link is not in the mail it names.")
            url = str(mail["links"][index])
            await _record(session, ref, mail, "click", url, visitor)
        return url

    async def recipient(self, token: str) -> str:
        """The address that `unsubscribe` would suppress; changes nothing."""
        ref, _ = self._links.read("u", token)
        async with self._database.tenant(ref.organization_id) as session:
            return str((await _mail(session, ref))["recipient"])

    async def unsubscribed(self, token: str) -> str:
        """Suppress the recipient, at once and once (RFC 8058); the address."""
        ref, _ = self._links.read("u", token)
        async with self._tenant(ref) as session:
            mail = await _mail(session, ref)
            email = str(mail["recipient"])
            if await queries.suppress(session, ref, email, "unsubscribe"):
                await queries.add_engagement(session, ref, mail["id"], "unsubscribe", None, human=True)
                await _append(session, ref, "email.unsubscribed", {"email": email})
        return email


async def _mail(session: Session, ref: MailRef) -> Record:
    mail = await queries.delivery(session, ref)
    if mail is None:
        raise SignatureError("The mail that this link belongs to is not kept any more.")
    return mail


async def _record(session: Session, ref: MailRef, mail: Record, kind: str, url: str | None, visitor: Visitor) -> None:
    human = is_human(
        visitor.method, visitor.user_agent, mail["sent_at"], mail["now"], prefetched=visitor.prefetched
    ) and not await _in_burst(session, ref, mail, url)
    await queries.add_engagement(session, ref, mail["id"], kind, url, human=human)
    if human:
        data = {"email": mail["recipient"], "url": url}
        await _append(session, ref, "email.opened" if kind == "open" else "email.clicked", data)


async def _in_burst(session: Session, ref: MailRef, mail: Record, url: str | None) -> bool:
    """Whether somebody is going through all the links; if so, the clicks just before were not a person's either."""
    if url is None or len(mail["links"]) < BURST_LINKS:
        return False
    burst = is_burst(await queries.links_just_followed(session, ref, mail["id"], url, BURST))
    if burst:
        await queries.take_back_clicks(session, ref, mail["id"], BURST)
    return burst


async def _append(session: Session, ref: MailRef, event_type: str, data: Mapping[str, Any]) -> None:
    await events.append(session, event_type, "enrollment", ref.enrollment_id, SystemActor(ref.organization_id), data)
