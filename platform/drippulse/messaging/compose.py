"""From a rendered mail to the bytes that go over SMTP. Pure."""

import html
import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from drippulse.messaging.html_links import links_in, replace_links
from drippulse.messaging.links import MailRef, TrackingLinks
from drippulse.workflows.steps.base import OutgoingMail

BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
TAGS = re.compile(r"<(?:style|script)\b.*?</(?:style|script)\s*>|<[^>]+>", re.IGNORECASE | re.DOTALL)
LINE_ENDS = re.compile(r"<(?:br|/p|/div|/h\d|/li|/tr)\b[^>]*>", re.IGNORECASE)
POLICY = SMTP.clone(max_line_length=998)


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
        ValueError: a header value the mail standard does not allow.
    """
    unsubscribe = links.unsubscribe(ref)
    sender_name, sender = parseaddr(mail.sender or default_sender)
    message = EmailMessage(policy=POLICY)
    message["From"] = _address(sender_name, sender)
    message["To"] = _address("", mail.to)
    message["Subject"] = " ".join(mail.subject.split())
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id(ref)
    if mail.reply_to:
        message["Reply-To"] = _address(*parseaddr(mail.reply_to))
    message["List-Unsubscribe"] = f"<{unsubscribe}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Feedback-ID"] = f"{ref.enrollment_id}:{ref.organization_id}:drippulse"
    text = mail.text if mail.text is not None else as_text(mail.html or "")
    message.set_content(f"{text.rstrip()}\n\n--\nUnsubscribe: {unsubscribe}\n", charset="utf-8")
    if mail.html is not None:
        message.add_alternative(_html_part(mail, ref, links, urls, unsubscribe), subtype="html", charset="utf-8")
    utf8 = not mail.to.isascii()
    return Composed(sender, mail.to, message.as_bytes(policy=POLICY.clone(utf8=utf8)), utf8)


def as_text(markup: str) -> str:
    """A plain reading of HTML for the text part."""
    lines = html.unescape(TAGS.sub("", LINE_ENDS.sub("\n", markup))).splitlines()
    return "\n".join(line.strip() for line in lines).strip()


def _html_part(mail: OutgoingMail, ref: MailRef, links: TrackingLinks, urls: tuple[str, ...], unsubscribe: str) -> str:
    body = mail.html or ""
    if urls:
        index = {url: position for position, url in enumerate(urls)}
        body = replace_links(body, lambda url: links.click(ref, index[url], url) if url in index else None)
    tail = f'<p style="font-size:12px;color:#666"><a href="{html.escape(unsubscribe)}">Unsubscribe</a></p>'
    if mail.track_opens:
        tail += f'<img src="{html.escape(links.pixel(ref))}" width="1" height="1" alt="" style="display:block">'
    return BODY_END.sub(lambda match: tail + match[0], body, count=1) if BODY_END.search(body) else body + tail


def _address(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    if not local or not domain:
        raise ValueError(f"{address!r} is not a mail address")
    ascii_domain = domain if domain.isascii() else domain.encode("idna").decode()
    return Address(display_name=name, username=local, domain=ascii_domain)
