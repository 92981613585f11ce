"""Who an organization's mails come from where a step says nothing else, and what stands below them. Pure."""

import html
from dataclasses import dataclass, replace
from email.utils import parseaddr
from typing import Any

from drippulse.kit.addresses import Mailbox
from drippulse.messaging.compose import BODY_END
from drippulse.workflows.steps.base import OutgoingMail


@dataclass(frozen=True, slots=True)
class Identity:
    """`sender` and `reply_to` are mailboxes as headers have them; `footer` has a line for each line."""

    sender: str | None = None
    reply_to: str | None = None
    footer: tuple[str, ...] = ()

    def completed(self, mail: OutgoingMail) -> OutgoingMail:
        """The mail with what it leaves open. The footer stands in each part that the mail has."""
        return replace(
            mail,
            sender=mail.sender or self.sender,
            reply_to=mail.reply_to or self.reply_to,
            text=None if mail.text is None else self._below_text(mail.text),
            html=None if mail.html is None else self._below_html(mail.html),
        )

    def _below_text(self, text: str) -> str:
        return f"{text.rstrip()}\n\n" + "\n".join(self.footer) if self.footer else text

    def _below_html(self, markup: str) -> str:
        if not self.footer:
            return markup
        footer = f'<p style="font-size:12px;color:#666">{"<br>".join(html.escape(line) for line in self.footer)}</p>'
        end = BODY_END.search(markup)
        return markup[: end.start()] + footer + markup[end.start() :] if end else markup + footer


def identity_of(sender: dict[str, Any], branding: dict[str, Any], name: str, default_sender: str) -> Identity:
    """What the account says.

    Args:
        sender, branding: the account's parts as they are stored.
        name: of the organization.
        default_sender: the installation's own, for a name without an address.
    """
    address = sender.get("from_address")
    called = sender.get("from_name") or ""
    mailbox = Mailbox(called, address or parseaddr(default_sender)[1]) if address or called else None
    postal = str(sender.get("postal_address") or "")
    shown = [branding.get("public_name") or (name if postal else ""), *postal.splitlines()]
    return Identity(
        sender=str(mailbox) if mailbox else None,
        reply_to=sender.get("reply_to"),
        footer=tuple(line.strip() for line in shown if line.strip()),
    )
