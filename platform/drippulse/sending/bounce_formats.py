"""What mail providers report, read into one shape. Pure.

Sources: Amazon SES notification contents (docs.aws.amazon.com/ses, "Amazon SNS notification examples"), Twilio SendGrid
"Event Webhook Reference", Postmark "Bounce webhook" and "Spam complaint webhook".
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import orjson
from pydantic import ValidationError

from drippulse.kit import strict_json
from drippulse.kit.errors import BadRequestError
from drippulse.messaging.links import MailRef
from drippulse.sending.schemas import BounceRow

Json = Mapping[str, Any]
OUR_MESSAGE_ID = re.compile(r"\b(\d{1,9})\.(\d{1,18})\.(\d{1,18})@drippulse\b")
OUR_FEEDBACK_ID = re.compile(r"\b(\d{1,18}):(\d{1,18}):drippulse\b")
SENDGRID = {"bounce": "bounce", "spamreport": "complaint", "delivered": "delivered"}
POSTMARK_HARD = frozenset({"HardBounce", "BadEmailAddress", "ManuallyDeactivated", "Unconfirmed"})
POSTMARK_QUIET = frozenset({"AutoResponder", "AddressChange", "ChallengeVerification", "Subscribe", "Unsubscribe"})
MAX_TEXT = 2000
LAST_YEAR = 9000


@dataclass(frozen=True, slots=True)
class Report:
    """One thing that happened to one mail. `ref` is the mail's, where the provider carried our ids through.

    `enrollment` is (organization, enrollment) out of a Feedback-ID, which does not name the visit.
    """

    source: str
    event_id: str
    type: str
    email: str | None
    ref: MailRef | None = None
    enrollment: tuple[int, int] | None = None
    hard: bool = True
    reason: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unusable:
    """A row of which nothing is kept. `invalid` when it should have been understood."""

    reason: str
    invalid: bool = False


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Amazon SNS asks whether the subscription is wanted; opening `url` says yes."""

    url: str | None


Row = Report | Unusable


def read(body: object, call_id: str | None) -> list[Row] | Confirmation | None:
    """The rows of a body; None when it is in no format that is known.

    Args:
        call_id: the `webhook-id` of a signed call, which numbers plain rows that have no id of their own.
    """
    if isinstance(body, list):
        return _array(cast("list[object]", body), call_id)
    if not isinstance(body, dict):
        return None
    fields = cast("Json", body)
    if "Type" in fields and ("TopicArn" in fields or "SubscribeURL" in fields):
        return _sns(fields)
    if "notificationType" in fields or "eventType" in fields:
        return list(_ses(fields))
    if "RecordType" in fields:
        return [_postmark(fields)]
    if "sg_event_id" in fields:
        return [_sendgrid(fields)]
    return [_plain(fields, call_id, 0)] if "type" in fields else None


def _array(rows: list[object], call_id: str | None) -> list[Row]:
    found: list[Row] = []
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            found.append(Unusable("Not a JSON object.", invalid=True))
            continue
        fields = cast("Json", row)
        if "sg_event_id" in fields or "event" in fields:
            found.append(_sendgrid(fields))
        elif "RecordType" in fields:
            found.append(_postmark(fields))
        else:
            found.append(_plain(fields, call_id, index))
    return found


def _plain(fields: Json, call_id: str | None, index: int) -> Row:
    try:
        row = BounceRow.model_validate(dict(fields))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        problem = first["msg"].removeprefix("Value error, ").replace("Input should be", "must be", 1)
        return Unusable(f"{place}: {problem}" if place else f"{problem[:1].upper()}{problem[1:]}", invalid=True)
    own = row.id or (f"{call_id[:300]}:{index}" if call_id else digest(row.model_dump(mode="json")))
    ref, enrollment = our_ids([row.message_id or ""])
    return Report("plain", own, row.type, row.email, ref, enrollment, row.hard, row.reason, _utc(row.at))


def _sns(fields: Json) -> list[Row] | Confirmation | None:
    kind = fields.get("Type")
    if kind == "SubscriptionConfirmation":
        url = _text(fields.get("SubscribeURL"))
        trusted = re.fullmatch(r"https://sns\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/\?\S*", url)
        return Confirmation(url if trusted else None)
    if kind != "Notification":
        return [Unusable(f"Amazon SNS message of type {_text(kind)[:40]}.")]
    try:
        message = strict_json.loads(_text(fields.get("Message")).encode(errors="replace"))
    except BadRequestError:
        return [Unusable("The Message of the notification is not JSON.")]
    if strict_json.holds_nul(message):
        return [Unusable("The Message holds the character U+0000.", invalid=True)]
    return list(_ses(cast("Json", message))) if isinstance(message, dict) else None


def _ses(message: Json) -> Iterator[Row]:
    kind = _text(message.get("notificationType") or message.get("eventType")).lower()
    mail, detail = _object(message.get("mail")), _object(message.get(kind))
    recipients = {
        "bounce": _addresses(detail.get("bouncedRecipients")),
        "complaint": _addresses(detail.get("complainedRecipients")),
        "delivery": [address for address in _list(detail.get("recipients")) if isinstance(address, str)],
    }.get(kind)
    if recipients is None:
        yield Unusable(f'Amazon SES reports "{kind[:40]}", which says nothing about the address.')
        return
    if kind == "complaint" and detail.get("complaintFeedbackType") == "not-spam":
        yield Unusable("The recipient says that it is not spam.")
        return
    ref, enrollment = our_ids(_strings(mail))
    base = _text(detail.get("feedbackId")) or _text(mail.get("messageId")) or digest(message)
    reasons = _reasons(detail.get("bouncedRecipients"))
    for address in recipients or [None]:
        yield Report(
            source="ses",
            event_id=f"{base}:{kind}:{address or ''}"[:500],
            type="delivered" if kind == "delivery" else kind,
            email=address,
            ref=ref,
            enrollment=enrollment,
            hard=kind != "bounce" or detail.get("bounceType") == "Permanent",
            reason=(reasons.get(address or "") or _text(detail.get("bounceSubType")))[:MAX_TEXT],
            at=_moment(detail.get("timestamp")),
        )


def _sendgrid(fields: Json) -> Row:
    event = _text(fields.get("event"))
    kind = SENDGRID.get(event)
    if kind is None:
        return Unusable(f'SendGrid event "{event[:40]}" says nothing about the address.')
    email = _text(fields.get("email")) or None
    if email is None:
        return Unusable("email: Field required", invalid=True)
    ref, enrollment = our_ids(_strings(fields))
    return Report(
        source="sendgrid",
        event_id=(_text(fields.get("sg_event_id")) or digest(fields))[:500],
        type=kind,
        email=email,
        ref=ref,
        enrollment=enrollment,
        hard=fields.get("type") != "blocked",
        reason=_text(fields.get("reason"))[:MAX_TEXT],
        at=_moment(fields.get("timestamp")),
    )


def _postmark(fields: Json) -> Row:
    record, name = _text(fields.get("RecordType")), _text(fields.get("Type"))
    kind = {"Bounce": "bounce", "SpamComplaint": "complaint", "Delivery": "delivered"}.get(record)
    if kind is None or (kind == "bounce" and name in POSTMARK_QUIET):
        return Unusable(f'Postmark record "{record[:40]} {name[:40]}" says nothing about the address.')
    email = _text(fields.get("Email")) or _text(fields.get("Recipient")) or None
    if email is None:
        return Unusable("Email: Field required", invalid=True)
    kind = "complaint" if name == "SpamComplaint" else kind
    ref, enrollment = our_ids(_strings(fields))
    number = fields.get("ID") or f"{_text(fields.get('MessageID')) or digest(fields)}:{email}"
    return Report(
        source="postmark",
        event_id=f"{record}:{number}"[:500],
        type=kind,
        email=email,
        ref=ref,
        enrollment=enrollment,
        hard=kind != "bounce" or name in POSTMARK_HARD,
        reason=(_text(fields.get("Details")) or _text(fields.get("Description")))[:MAX_TEXT],
        at=_moment(fields.get("BouncedAt") or fields.get("DeliveredAt")),
    )


def our_ids(texts: list[str]) -> tuple[MailRef | None, tuple[int, int] | None]:
    """The mail out of a Message-ID of ours, and (organization, enrollment), which a Feedback-ID also tells."""
    for text in texts:
        if found := OUR_MESSAGE_ID.search(text):
            visit, enrollment, organization = (int(part) for part in found.groups())
            return MailRef(organization, enrollment, visit), (organization, enrollment)
    for text in texts:
        if found := OUR_FEEDBACK_ID.search(text):
            return None, (int(found[2]), int(found[1]))
    return None, None


def digest(value: object) -> str:
    """The same for the same content, for rows that have no id of their own."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _strings(value: object) -> list[str]:
    """Every text in a JSON value, as far down as it goes (the body's depth is bounded where it is read)."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for member in cast("Json", value).values() for text in _strings(member)]
    return [text for element in _list(value) for text in _strings(element)]


def _addresses(recipients: object) -> list[str]:
    found = [_object(one).get("emailAddress") for one in _list(recipients)]
    return [address for address in found if isinstance(address, str) and address]


def _reasons(recipients: object) -> dict[str, str]:
    entries = [_object(one) for one in _list(recipients)]
    return {_text(entry.get("emailAddress")): _text(entry.get("diagnosticCode")) for entry in entries}


def _object(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _moment(value: object) -> datetime | None:
    """Unix seconds, or ISO 8601."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        return _utc(datetime.fromisoformat(value)) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None


def _utc(moment: datetime | None) -> datetime | None:
    """None also for years in which nobody sent mail: the time of arrival then stands for it."""
    if moment is None or not 2000 <= moment.year <= LAST_YEAR:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
