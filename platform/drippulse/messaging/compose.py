"""From a rendered mail to the bytes that go over SMTP. Pure."""

import html
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parseaddr
from functools import lru_cache

from drippulse.messaging import mime
from drippulse.messaging.html_links import links_in, replace_links
from drippulse.messaging.links import MailRef, TrackingLinks
from drippulse.workflows.steps.base import OutgoingMail

BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
# Linear in the text's length, whatever it holds: an unfinished tag ends at the next "<", unfinished styles at the end.
TAGS = re.compile(r"<(?:style|script)\b.*?(?:</(?:style|script)\s*>|\Z)|<[^<>]+>", re.IGNORECASE | re.DOTALL)
NOT_IN_COMMANDS = re.compile(r"[\x00-\x20<>\x7f]")  # what would end an address within MAIL or RCPT
REPLY_SENTENCE = 'To get no more of these mails, reply with "unsubscribe".'
LINE_ENDS = re.compile(r"<(?:br|/p|/div|/h\d|/li|/tr)\b[^<>]*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail ready to send: the envelope, and the message in RFC 5322 form."""

    sender: str
    recipient: str
    content: bytes
    utf8: bool


def tracked_urls(mail: OutgoingMail) -> tuple[str, ...]:
    """The URLs that clicks may redirect to, by the index that click links carry."""
    return links_in(mail.html) if mail.track_clicks and mail.html else ()


def message_id(ref: MailRef) -> str:
    """Stable over attempts, so that a receiver can tell a repetition."""
    return f"<{ref.visit}.{ref.enrollment_id}.{ref.organization_id}@drippulse>"


def compose(
    mail: OutgoingMail, ref: MailRef, links: TrackingLinks, urls: tuple[str, ...], default_sender: str, now: datetime
) -> Composed:
    """Add tracking, the footer and the RFC 8058 headers, and serialize.

    Raises:
        ValueError: the sender or recipient is no address that mail can carry.
    """
    unsubscribe = links.unsubscribe(ref)
    sender_name, sender = _own_mailbox(mail.sender or default_sender)
    recipient = _for_the_wire(mail.to)
    headers = [
        mime.address_header("From", sender_name, sender),
        mime.address_header("To", "", recipient),
        mime.header("Subject", mail.subject),
        mime.header("Date", format_datetime(now)),
        mime.header("Message-ID", message_id(ref)),
        mime.header("List-Unsubscribe", f"<{unsubscribe}>"),
        mime.header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        mime.header("Feedback-ID", f"{ref.enrollment_id}:{ref.organization_id}:drippulse"),
    ]
    if mail.reply_to:
        headers.append(mime.address_header("Reply-To", *_own_mailbox(mail.reply_to)))
    text = mail.text if mail.text is not None else as_text(mail.html or "")
    content = mime.message(
        headers,
        text.rstrip() + _text_footer(mail, unsubscribe),
        None if mail.html is None else _html_part(mail, ref, links, urls, unsubscribe),
    )
    return Composed(sender, recipient, content, utf8=not (recipient + sender).isascii())


def as_text(markup: str) -> str:
    """A plain reading of HTML for the text part."""
    lines = html.unescape(TAGS.sub("", LINE_ENDS.sub("\n", markup))).splitlines()
    return "\n".join(line.strip() for line in lines).strip()


def _html_part(mail: OutgoingMail, ref: MailRef, links: TrackingLinks, urls: tuple[str, ...], unsubscribe: str) -> str:
    body = mail.html or ""
    if urls:
        tracked = {url: links.click(ref, position, url) for position, url in enumerate(urls)}
        body = replace_links(body, tracked.get)
    tail = _html_footer(mail, unsubscribe)
    if mail.track_opens:
        tail += f'<img src="{html.escape(links.pixel(ref))}" width="1" height="1" alt="" style="display:block">'
    return BODY_END.sub(lambda match: tail + match[0], body, count=1) if BODY_END.search(body) else body + tail


def _text_footer(mail: OutgoingMail, unsubscribe: str) -> str:
    lines = {"link": f"Unsubscribe: {unsubscribe}", "reply": REPLY_SENTENCE}
    return f"\n\n--\n{lines[mail.opt_out]}\n" if mail.opt_out in lines else "\n"


def _html_footer(mail: OutgoingMail, unsubscribe: str) -> str:
    insides = {"link": f'<a href="{html.escape(unsubscribe)}">Unsubscribe</a>', "reply": html.escape(REPLY_SENTENCE)}
    inside = insides.get(mail.opt_out)
    return f'<p style="font-size:12px;color:#666">{inside}</p>' if inside else ""


@lru_cache(maxsize=1024)
def _own_mailbox(text: str) -> tuple[str, str]:
    """Name and address of a mailbox that many mails have. Raises ValueError when it is none."""
    name, address = parseaddr(text)
    return name, _for_the_wire(address)


def _for_the_wire(address: str) -> str:
    """The address with its domain in ASCII (IDNA). Raises ValueError when it is none."""
    local, _, domain = address.rpartition("@")
    if not local or not domain or NOT_IN_COMMANDS.search(address):
        raise ValueError(f"{address!r} is not a mail address")
    return address if domain.isascii() else f"{local}@{domain.encode('idna').decode()}"
