"""What an invitation is made of: a token that is told once, a link, a mail. Pure."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, make_msgid, parseaddr

from drippulse.kit.addresses import one_line
from drippulse.kit.crypto import sha256_hex
from drippulse.messaging import mime
from drippulse.messaging.compose import Composed

LASTS = timedelta(days=7)
PREFIX = "drinv_"
PAGE = "/invitation"
TEXT = """{inviter} invites you to join {organization} on DripPulse as {role}.

To accept, open this link within {days} days and choose a username and a password:

{url}

If you do not know what this is about, leave it: nothing happens without you.
"""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made. `token` is told once; the hash is stored."""

    token: str
    token_hash: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the mail says."""

    to: str
    inviter: str
    organization: str
    role: str
    url: str


def make_token() -> NewToken:
    """256 random bits."""
    token = PREFIX + secrets.token_urlsafe(32)
    return NewToken(token, sha256_hex(token))


def accept_url(public_url: str, token: str) -> str:
    """The token stands behind the #, which browsers send to nobody, so that no log on the way has it."""
    return f"{public_url.rstrip('/')}{PAGE}#{token}"


def compose(invitation: Invitation, sender: str) -> Composed:
    """The mail, ready to send.

    Raises:
        ValueError: the installation's own sender is no address.
    """
    name, address = parseaddr(sender)
    if "@" not in address:
        raise ValueError(f"{sender!r} is not a mail address")
    inviter, organization = one_line(invitation.inviter), one_line(invitation.organization)
    text = TEXT.format(
        inviter=inviter, organization=organization, role=invitation.role, days=LASTS.days, url=invitation.url
    )
    headers = [
        mime.address_header("From", name, address),
        mime.address_header("To", "", invitation.to),
        mime.header("Subject", f"{inviter} invites you to {organization}"[:200]),
        mime.header("Date", format_datetime(datetime.now(UTC))),
        mime.header("Message-ID", make_msgid(domain="drippulse")),
        mime.header("Auto-Submitted", "auto-generated"),
    ]
    return Composed(address, invitation.to, mime.message(headers, text, None), utf8=not invitation.to.isascii())
