"""Reading and emptying `dev_mail`, which belongs to the installation and to no organization."""

from dataclasses import dataclass

from drippulse.kit.db import Record, Session
from drippulse_server.mailbox.message import Mail, MailSummary, read_mail

SUMMARY = "id, received_at, envelope_from, envelope_to, subject"
MATCHES = """
($1 = '' OR EXISTS (SELECT FROM unnest(envelope_to) AS recipient WHERE strpos(lower(recipient), lower($1)) > 0))
AND ($2 = '' OR strpos(lower(subject), lower($2)) > 0)
"""


@dataclass(frozen=True, slots=True)
class MailFilter:
    """Parts of a recipient's address and of the subject, in any case; empty matches all."""

    to: str = ""
    subject: str = ""


async def count_mails(session: Session, wanted: MailFilter) -> int:
    """How many match."""
    sql = f"SELECT count(*) FROM dev_mail WHERE {MATCHES}"  # noqa: S608 - constants alone
    return int(await session.fetchval(sql, wanted.to, wanted.subject))


async def newest_summaries(
    session: Session, wanted: MailFilter, *, before: int | None, limit: int
) -> list[MailSummary]:
    """The newest that match, with ids below `before`."""
    sql = f"""SELECT {SUMMARY} FROM dev_mail WHERE {MATCHES} AND ($3::bigint IS NULL OR id < $3)
        ORDER BY id DESC LIMIT $4"""  # noqa: S608 - constants alone
    return [_summary(row) for row in await session.fetch(sql, wanted.to, wanted.subject, before, limit)]


async def newest_mails(session: Session, wanted: MailFilter, *, limit: int) -> list[Mail]:
    """The newest that match, with their content."""
    sql = f"SELECT {SUMMARY}, content FROM dev_mail WHERE {MATCHES} ORDER BY id DESC LIMIT $3"  # noqa: S608 - constants alone
    rows = await session.fetch(sql, wanted.to, wanted.subject, limit)
    return [read_mail(_summary(row), row["content"]) for row in rows]


async def find_mail(session: Session, mail_id: int) -> tuple[MailSummary, bytes] | None:
    """One mail and its content."""
    sql = f"SELECT {SUMMARY}, content FROM dev_mail WHERE id = $1"  # noqa: S608 - constants alone
    row = await session.fetchrow(sql, mail_id)
    return None if row is None else (_summary(row), bytes(row["content"]))


async def delete_mails(session: Session) -> int:
    """Empties the mailbox; how many there were."""
    return int((await session.execute("DELETE FROM dev_mail")).split()[-1])


def _summary(row: Record) -> MailSummary:
    return MailSummary(
        id=row["id"],
        received_at=row["received_at"],
        envelope_from=row["envelope_from"],
        envelope_to=tuple(row["envelope_to"]),
        subject=row["subject"],
    )
