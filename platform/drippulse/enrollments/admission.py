"""The last look before a mail: asked in the transaction that commits the intent, so that nothing slips in between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from drippulse.kit.addresses import same_mailbox_key
from drippulse.kit.db import Session
from drippulse.sending.list_locks import growing
from drippulse.sending.rules import Looked, Outgoing, look
from drippulse.workflows.steps.base import Advance, Decision, WaitUntil

Key: TypeAlias = tuple[int, int]

SUPPRESSED = """
SELECT i.id, i.fence FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])
  AS i(id, fence, organization_id, email)
JOIN suppression s ON s.organization_id = i.organization_id AND s.email = i.email
"""
LIST_GROWS = "suppressions_changing"
LOOK_AGAIN = timedelta(seconds=1)
ON_THE_LIST = Advance(skipped="the address is on the suppression list")


class Candidate(Outgoing, Protocol):
    """A mail that is about to be sent at `next_run_at`, which is now."""

    next_run_at: datetime | None

    @property
    def recipient(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Admission:
    """`refused`: those that must not go out now, and how their enrollments go on instead: past the step, or waiting on
    it. `looked.book` counts the others against their caps once they are written."""

    refused: Mapping[Key, Decision]
    looked: Looked


async def admission(session: Session, mails: Sequence[Candidate]) -> Admission:
    """Asks the suppression list first, then the organization's sending policy.

    Nobody can put an address on the list until this transaction ends; where somebody is doing so, mail waits a moment.
    """
    if not mails:
        return Admission({}, Looked())
    busy = await growing(session, [_mailbox(mail) for mail in mails])
    waits: dict[Key, Decision] = {
        mail.key: WaitUntil(mail.next_run_at + LOOK_AGAIN, LIST_GROWS)
        for mail in mails
        if mail.next_run_at is not None and _mailbox(mail) in busy
    }
    mails = [mail for mail in mails if mail.key not in waits]
    rows = await session.fetch(
        SUPPRESSED,
        [mail.key[0] for mail in mails],
        [mail.key[1] for mail in mails],
        [mail.organization_id for mail in mails],
        [_mailbox(mail)[1] for mail in mails],
    )
    on_the_list: dict[Key, Decision] = {(row["id"], row["fence"]): ON_THE_LIST for row in rows}
    looked = await look(session, [mail for mail in mails if mail.key not in on_the_list])
    return Admission(waits | on_the_list | looked.waits, looked)


def _mailbox(mail: Candidate) -> tuple[int, str]:
    """(organization, address as the list spells it)."""
    return mail.organization_id, same_mailbox_key(mail.recipient or "")
