"""Reads and writes of engagement and suppression."""

from datetime import timedelta

from drippulse.kit.addresses import same_mailbox_key
from drippulse.kit.db import Record, Session
from drippulse.messaging.links import MailRef
from drippulse.sending.list_locks import list_grows


async def delivery(session: Session, ref: MailRef) -> Record | None:
    """The mail behind a link: id, recipient, links, sent_at, and the database's now."""
    return await session.fetchrow(
        """SELECT id, recipient, links, sent_at, now() AS now FROM delivery
           WHERE organization_id = $1 AND enrollment_id = $2 AND visit = $3""",
        ref.organization_id,
        ref.enrollment_id,
        ref.visit,
    )


async def add_engagement(
    session: Session, ref: MailRef, delivery_id: int, kind: str, url: str | None, *, human: bool
) -> None:
    await session.execute(
        """INSERT INTO nurture_event (organization_id, enrollment_id, delivery_id, type, url, human)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        ref.organization_id,
        ref.enrollment_id,
        delivery_id,
        kind,
        url,
        human,
    )


async def links_just_followed(session: Session, ref: MailRef, delivery_id: int, url: str, within: timedelta) -> int:
    """How many other links of a mail were followed in the time just past. Clicks of one mail come one at a time."""
    await session.execute("SELECT pg_advisory_xact_lock(hashtextextended('clicks', $1))", delivery_id)
    return await session.fetchval(
        """SELECT count(DISTINCT url) FROM nurture_event WHERE organization_id = $1 AND enrollment_id = $2
           AND delivery_id = $3 AND type = 'click' AND url <> $4 AND at > clock_timestamp() - $5::interval""",
        ref.organization_id,
        ref.enrollment_id,
        delivery_id,
        url,
        within,
    )


async def take_back_clicks(session: Session, ref: MailRef, delivery_id: int, within: timedelta) -> None:
    """The clicks on a mail in the time just past were not a person's after all."""
    await session.execute(
        """UPDATE nurture_event SET human = false WHERE organization_id = $1 AND enrollment_id = $2
           AND delivery_id = $3 AND type = 'click' AND human AND at > clock_timestamp() - $4::interval""",
        ref.organization_id,
        ref.enrollment_id,
        delivery_id,
        within,
    )


async def suppress(session: Session, ref: MailRef, email: str, reason: str) -> bool:
    """Put an address on the suppression list; False when it was there already. No mail is begun meanwhile."""
    mailbox = same_mailbox_key(email)
    await list_grows(session, ref.organization_id, mailbox)
    added = await session.fetchval(
        """INSERT INTO suppression (organization_id, email, reason, enrollment_id) VALUES ($1, $2, $3, $4)
           ON CONFLICT (organization_id, email) DO NOTHING RETURNING id""",
        ref.organization_id,
        mailbox,
        reason,
        ref.enrollment_id,
    )
    return added is not None
