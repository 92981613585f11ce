"""Reads and writes of what providers report, in a tenant session."""

from datetime import datetime

from drippulse.kit.addresses import same_mailbox_key
from drippulse.kit.db import Record, Session
from drippulse.messaging.links import MailRef
from drippulse.sending.bounce_formats import Report

MAIL = """SELECT d.id, d.enrollment_id, d.recipient, e.lead_ref
FROM delivery d JOIN enrollment e ON e.organization_id = d.organization_id AND e.id = d.enrollment_id
WHERE d.organization_id = $1"""

NURTURE = {"bounce": "bounce", "complaint": "complaint"}
FEEDBACK = {"bounce": "bounced", "complaint": "complained", "delivered": "delivered", "reply": "replied"}


async def delivery_by_ref(session: Session, ref: MailRef) -> Record | None:
    """The mail of a Message-ID: id, enrollment_id, recipient, lead_ref."""
    return await session.fetchrow(
        f"{MAIL} AND d.enrollment_id = $2 AND d.visit = $3", ref.organization_id, ref.enrollment_id, ref.visit
    )


async def newest_of_enrollment(session: Session, ref: MailRef, before: datetime | None) -> Record | None:
    """The last mail of an enrollment that had been begun when the provider's event happened."""
    return await session.fetchrow(
        f"{MAIL} AND d.enrollment_id = $2 ORDER BY (d.created_at <= coalesce($3, now())) DESC, d.id DESC LIMIT 1",
        ref.organization_id,
        ref.enrollment_id,
        before,
    )


async def newest_to(session: Session, organization_id: int, address: str) -> Record | None:
    """The last mail to an address, in whatever case it was written."""
    spellings = list({address.lower(), same_mailbox_key(address)})
    return await session.fetchrow(
        f"{MAIL} AND lower(d.recipient) = ANY ($2) ORDER BY d.id DESC LIMIT 1", organization_id, spellings
    )


async def one_at_a_time(session: Session, organization_id: int) -> None:
    """Until this transaction ends, nobody else takes reports of this organization."""
    await session.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('bounces:' || $1::bigint, 0))", organization_id
    )


async def add_report(session: Session, organization_id: int, report: Report, mailbox: str, mail: Record | None) -> bool:
    """False when this event of the provider was taken before."""
    added = await session.fetchval(
        """INSERT INTO bounce_report
             (organization_id, source, event_id, type, email, enrollment_id, delivery_id, hard, reason, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce($10, now()))
           ON CONFLICT (organization_id, source, event_id) DO NOTHING RETURNING 1""",
        organization_id,
        report.source,
        report.event_id,
        report.type,
        mailbox,
        mail["enrollment_id"] if mail is not None else None,
        mail["id"] if mail is not None else None,
        report.hard,
        report.reason,
        report.at,
    )
    return added is not None


async def soft_bounces(session: Session, organization_id: int, mailbox: str, days: int) -> int:
    """How many soft bounces of the last `days` days an address has, by when they happened."""
    return await session.fetchval(
        """SELECT count(*) FROM bounce_report WHERE organization_id = $1 AND email = $2 AND type = 'bounce' AND NOT hard
           AND at > now() - make_interval(days => $3)""",
        organization_id,
        mailbox,
        days,
    )


async def suppress(
    session: Session, organization_id: int, mailbox: str, reason: str, enrollment_id: int | None
) -> bool:
    """Put an address on the suppression list; False when it was there already."""
    added = await session.fetchval(
        """INSERT INTO suppression (organization_id, email, reason, enrollment_id) VALUES ($1, $2, $3, $4)
           ON CONFLICT (organization_id, email) DO NOTHING RETURNING id""",
        organization_id,
        mailbox,
        reason,
        enrollment_id,
    )
    return added is not None


async def note_feedback(session: Session, organization_id: int, mail: Record, report: Report) -> None:
    """What became of a mail after it was sent; worse news is not overwritten by better. A hard bounce or a complaint
    also stands among the enrollment's nurture events."""
    await session.execute(
        """UPDATE delivery SET feedback = $3, feedback_at = coalesce($4, now()) WHERE organization_id = $1 AND id = $2
           AND (feedback IS NULL OR feedback = 'delivered' OR $3 IN ('bounced', 'complained'))""",
        organization_id,
        mail["id"],
        FEEDBACK[report.type] if report.hard else "soft_bounced",
        report.at,
    )
    if report.type in NURTURE and report.hard:
        await session.execute(
            """INSERT INTO nurture_event (organization_id, enrollment_id, delivery_id, type, human)
               VALUES ($1, $2, $3, $4, true)""",
            organization_id,
            mail["enrollment_id"],
            mail["id"],
            NURTURE[report.type],
        )
