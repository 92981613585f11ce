"""The locks between those who put addresses on the suppression list and those who are about to send mail.

The former take one exclusively before they write, the latter only try to share both, before they look at the list. So
a mail that has not been begun when its address is put on the list is not begun afterwards, and nobody who sends waits.
"""

from collections.abc import Sequence

from drippulse.kit.db import Session

EXCLUSIVE = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
TRY_SHARED = """SELECT DISTINCT o, mailbox FROM unnest($1::bigint[], $2::text[]) AS t (o, mailbox)
WHERE NOT (pg_try_advisory_xact_lock_shared(hashtextextended('suppressions:' || o, 0))
  AND pg_try_advisory_xact_lock_shared(hashtextextended('suppressions:' || o || ':' || mailbox, 0)))"""


async def list_grows(session: Session, organization_id: int, mailbox: str | None = None) -> None:
    """Until this transaction ends no mail to this mailbox is begun, or none of the whole organization.

    Take it before any row that those who send lock.

    Args:
        mailbox: as the list spells it; None where it is not known yet, or there are many.
    """
    name = f"suppressions:{organization_id}"
    await session.execute(EXCLUSIVE, name if mailbox is None else f"{name}:{mailbox}")


async def growing(session: Session, mails: Sequence[tuple[int, str]]) -> set[tuple[int, str]]:
    """Of these (organization, mailbox), those that somebody may be putting on the list; whether the others are on it
    stays as it is until this transaction ends."""
    rows = await session.fetch(TRY_SHARED, [one for one, _ in mails], [mailbox for _, mailbox in mails])
    return {(row["o"], row["mailbox"]) for row in rows}
