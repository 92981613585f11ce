"""Reads and writes of engagement and suppression."""

from drippulse.kit.addresses import same_mailbox_key
from drippulse.kit.db import Record, Session
from drippulse.messaging.links import MailRef


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


async def suppress(session: Session, ref: MailRef, email: str, reason: str) -> bool:
    """Put an address on the suppression list; False when it was there already."""
    added = await session.fetchval(
        """INSERT INTO suppression (organization_id, email, reason, enrollment_id) VALUES ($1, $2, $3, $4)
           ON CONFLICT (organization_id, email) DO NOTHING RETURNING id""",
        ref.organization_id,
        same_mailbox_key(email),
        reason,
        ref.enrollment_id,
    )
    return added is not None
