"""Reading caught mail: what a person, or a test, wants to see of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class MailSummary:
    """A row of `dev_mail` without the message itself."""

    id: int
    received_at: datetime
    envelope_from: str
    envelope_to: tuple[str, ...]
    subject: str


@dataclass(frozen=True, slots=True)
class Mail:
    """A caught message, decoded. `text` and `html` are None when it has no such part."""

    summary: MailSummary
    sender: str
    headers: tuple[tuple[str, str], ...]
    text: str | None
    html: str | None
    attachments: tuple[str, ...]


def read_mail(summary: MailSummary, content: bytes) -> Mail:
    """Decodes a message as far as it can be decoded; no content makes it fail."""
    message = message_from_bytes(content, policy=policy.default)
    headers = tuple((name, _header(message, name, raw)) for name, raw in message.raw_items())
    sender = next((value for name, value in headers if name.lower() == "from"), summary.envelope_from)
    return Mail(
        summary=summary,
        sender=sender,
        headers=headers,
        text=_body(message, "plain"),
        html=_body(message, "html"),
        attachments=_attachments(message),
    )


def mail_json(mail: Mail) -> dict[str, Any]:
    """One element of `messages` in /dev/mailbox.json; `to` are the envelope's recipients."""
    headers: dict[str, str] = {}
    for name, value in mail.headers:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return {
        "id": mail.summary.id,
        "received_at": timestamp(mail.summary.received_at),
        "from": mail.sender,
        "to": list(mail.summary.envelope_to),
        "subject": mail.summary.subject,
        "text": mail.text,
        "html": mail.html,
        "headers": headers,
        "attachments": list(mail.attachments),
    }


def timestamp(moment: datetime) -> str:
    """UTC, ISO 8601 with `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _header(message: EmailMessage, name: str, raw: object) -> str:
    """A header's value, decoded (RFC 2047) and unfolded; as it came when the parser gives up on it."""
    try:
        value = str(message.policy.header_fetch_parse(name, str(raw)))
    except (ValueError, IndexError, AttributeError, LookupError, TypeError):
        value = str(raw)
    return " ".join(value.encode("utf-8", "replace").decode().split())


def _body(message: EmailMessage, subtype: Literal["plain", "html"]) -> str | None:
    try:
        part = message.get_body((subtype,))
    except (ValueError, AttributeError, KeyError):
        return None
    if part is None:
        return None
    try:
        text = str(part.get_content())
    except (LookupError, ValueError, AttributeError, TypeError):  # an unknown charset or a broken encoding
        payload = part.get_payload(decode=True)
        text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else str(payload)
    return text.replace("\r\n", "\n").encode("utf-8", "replace").decode()


def _attachments(message: EmailMessage) -> tuple[str, ...]:
    try:
        return tuple(part.get_filename() or part.get_content_type() for part in message.iter_attachments())
    except (ValueError, AttributeError, KeyError, LookupError, TypeError):
        return ()
