"""Taking what providers report: durable before the answer, once for each of the provider's events."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drippulse.events import service as events
from drippulse.events.service import SystemActor
from drippulse.kit.addresses import normalize_address, same_mailbox_key
from drippulse.kit.db import Record, Session
from drippulse.messaging.links import MailRef
from drippulse.sending import bounce_queries, breaker, metrics, queries
from drippulse.sending.bounce_formats import Confirmation, Report, Row, Unusable, read
from drippulse.sending.errors import UnknownBounceFormatError
from drippulse.sending.list_locks import list_grows

MOST_SOFT_BOUNCES = 5
SOFT_WINDOW_DAYS = 30
MOST_ROWS = 10_000
EVENTS = {"complaint": "email.complained", "delivered": "email.delivered", "reply": "email.replied"}
SUPPRESSED = frozenset({"bounce", "complaint"})


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a report is about. `mail` is the delivery, where it is one of ours."""

    email: str
    mail: Record | None


async def take(session: Session, organization_id: int, body: object, call_id: str | None) -> dict[str, Any]:
    """Record every row that can be read; what became of each, as `BouncesOut`.

    Raises:
        UnknownBounceFormatError: none of the formats, or no row of it can be read; nothing is written.
    """
    rows = read(body, call_id)
    if rows is None:
        raise UnknownBounceFormatError(
            "Send Amazon SES through SNS, a SendGrid event array, a Postmark record, or the plain format "
            '{"type": "bounce", "email": "ada@example.com"} or an array of it.'
        )
    if isinstance(rows, Confirmation):
        return await _confirmation(session, organization_id, rows)
    _refuse_unreadable(rows)
    await bounce_queries.one_at_a_time(session, organization_id)
    if any(isinstance(row, Report) and row.type in SUPPRESSED for row in rows):
        await list_grows(session, organization_id)
    results = [await _take_one(session, organization_id, index, row) for index, row in enumerate(rows)]
    if any(result["status"] == "recorded" for result in results):
        await breaker.evaluate(session, organization_id)
    return _answer(results)


def _refuse_unreadable(rows: Sequence[Row]) -> None:
    if len(rows) > MOST_ROWS:
        raise UnknownBounceFormatError(f"{len(rows)} rows are too many; send at most {MOST_ROWS} at once.")
    bad = {str(n): [row.reason] for n, row in enumerate(rows) if isinstance(row, Unusable) and row.invalid}
    if rows and len(bad) == len(rows):
        first = next(iter(bad.values()))[0]
        raise UnknownBounceFormatError(f"No row can be read. The first: {first}", errors=bad)


async def _confirmation(session: Session, organization_id: int, asked: Confirmation) -> dict[str, Any]:
    if asked.url is None:
        return {**_answer([]), "note": "This confirmation does not come from Amazon SNS; nothing was done."}
    await queries.set_confirm_url(session, organization_id, asked.url)
    note = (
        "An Admin finds the URL that confirms the subscription as `confirm_url` at GET /api/v1/sending/bounce_webhook."
    )
    return {**_answer([]), "note": note}


def _answer(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    by_status = Counter(result["status"] for result in results)
    return {
        "recorded": by_status["recorded"],
        "duplicates": by_status["duplicate"],
        "ignored": by_status["ignored"],
        "invalid": by_status["invalid"],
        "results": list(results),
        "note": None,
    }


async def _take_one(session: Session, organization_id: int, index: int, row: Row) -> dict[str, Any]:
    if isinstance(row, Unusable):
        return {"index": index, "status": "invalid" if row.invalid else "ignored", "reason": row.reason}
    status, reason = await _record(session, organization_id, row)
    metrics.REPORTS.labels(row.source, row.type, status).inc()
    return {"index": index, "status": status, "reason": reason}


async def _record(session: Session, organization_id: int, report: Report) -> tuple[str, str]:
    subject = await _subject(session, organization_id, report)
    if subject is None:
        return "ignored", "No mail of yours and no valid address is named."
    mailbox = same_mailbox_key(subject.email)
    if not await bounce_queries.add_report(session, organization_id, report, mailbox, subject.mail):
        return "duplicate", "This event was taken before."
    counts = _counts(report, subject)
    await queries.add_totals(session, organization_id, counts)
    reason = ""
    if report.type in SUPPRESSED:
        reason = await _suppress(session, organization_id, report, subject, mailbox)
    if subject.mail is not None:
        await bounce_queries.note_feedback(session, organization_id, subject.mail, report)
    await _announce(session, organization_id, report, subject, dead=bool(reason))
    return "recorded", reason


async def _subject(session: Session, organization_id: int, report: Report) -> Subject | None:
    """The mail by our ids, else the newest to the address; ids of other organizations are as good as none."""
    mail = None
    if report.ref is not None and report.ref.organization_id == organization_id:
        mail = await bounce_queries.delivery_by_ref(session, report.ref)
    elif report.enrollment is not None and report.enrollment[0] == organization_id:
        mail = await bounce_queries.newest_of_enrollment(session, MailRef(*report.enrollment, 0), report.at)
    address = normalize_address(report.email) if report.email else None
    if mail is None and address is not None:
        mail = await bounce_queries.newest_to(session, organization_id, address)
    email = str(mail["recipient"]) if mail is not None else address
    return Subject(email, mail) if email else None


def _counts(report: Report, subject: Subject) -> dict[str, int]:
    """Only mails of ours move the rates."""
    if subject.mail is None:
        return {}
    names = {"complaint": "complained", "delivered": "delivered"}
    name = ("bounced" if report.hard else "soft_bounced") if report.type == "bounce" else names.get(report.type)
    return {name: 1} if name else {}


async def _suppress(session: Session, organization_id: int, report: Report, subject: Subject, mailbox: str) -> str:
    """Why the address gets no more mail; empty for a soft bounce that is still borne with."""
    reason = "The address was put on the suppression list."
    if report.type == "bounce" and not report.hard:
        soft = await bounce_queries.soft_bounces(session, organization_id, mailbox, SOFT_WINDOW_DAYS)
        if soft < MOST_SOFT_BOUNCES:
            return ""
        reason = f"{soft} soft bounces within {SOFT_WINDOW_DAYS} days: {reason[0].lower()}{reason[1:]}"
    enrollment_id = subject.mail["enrollment_id"] if subject.mail is not None else None
    await bounce_queries.suppress(session, organization_id, mailbox, report.type, enrollment_id)
    return reason


async def _announce(session: Session, organization_id: int, report: Report, subject: Subject, *, dead: bool) -> None:
    """`email.bounced` says that the address is dead; a passing failure is `email.soft_bounced`."""
    name = EVENTS.get(report.type) or ("email.bounced" if dead else "email.soft_bounced")
    data: dict[str, Any] = {"email": subject.email, "reason": report.reason, "source": report.source}
    if report.type == "bounce":
        data["hard"] = report.hard
    if report.at is not None:
        data["at"] = _iso(report.at)
    record, number = "organization", organization_id
    if subject.mail is not None:
        record, number = "enrollment", int(subject.mail["enrollment_id"])
        data |= {"lead_ref": subject.mail["lead_ref"], "delivery_id": subject.mail["id"]}
    await events.append(session, name, record, number, SystemActor(organization_id), data)


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
