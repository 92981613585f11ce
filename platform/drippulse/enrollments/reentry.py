"""Who may be enrolled again: the rules of a version's settings over what is known of earlier runs. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from drippulse.kit.addresses import same_mailbox_key
from drippulse.kit.clock import isoformat
from drippulse.workflows.settings import ReEntry, ReEntryMode
from drippulse.workflows.templates import Templates

MAX_KEY = 500


@dataclass(frozen=True, slots=True)
class History:
    """The runs of one key so far: how many, whether one is under way, when the newest began."""

    runs: int = 0
    live: bool = False
    started_at: datetime | None = None

    def and_one(self, now: datetime) -> "History":
        """The same with a run that begins now."""
        return replace(self, runs=self.runs + 1, live=True, started_at=now)


def refusal(rule: ReEntry, history: History, now: datetime) -> str | None:
    """Why this key may not start another run now, as a sentence; None when it may."""
    match rule.mode:
        case ReEntryMode.NEVER if history.runs:
            return "Was enrolled before, and this workflow takes everybody once."
        case ReEntryMode.AFTER_EXIT if history.live:
            return "An earlier run is still under way."
        case ReEntryMode.COOLDOWN if rule.cooldown and history.started_at:
            again = history.started_at + timedelta(seconds=rule.cooldown.seconds)
            return f"Was enrolled a short time ago; may enter again from {isoformat(again)}." if again > now else None
        case ReEntryMode.MAX if rule.max is not None and history.runs >= rule.max:
            return f"Was enrolled {history.runs} times; this workflow allows {rule.max}."
        case _:
            return None


def default_key(lead_ref: str | None, email: str) -> str | None:
    """Who a contact is unless the settings say otherwise; None when nothing tells."""
    if lead_ref and lead_ref.strip():
        return lead_ref.strip()[:MAX_KEY]
    return same_mailbox_key(email)[:MAX_KEY] if email else None


def kept_key(lead_ref: str | None, email: str) -> str | None:
    """The default key where it must be kept with the run; None where its reference or its address says it already.

    Most runs need no key then, and no place in an index for it.
    """
    key = default_key(lead_ref, email)
    if lead_ref is not None:
        return None if key == lead_ref else key
    return None if email.isascii() and key == email.lower() else key


def rendered_key(source: str, bag: Mapping[str, Any], templates: Templates) -> str | None:
    """The key that the settings' template makes of a contact; case and blanks around it do not matter.

    Raises:
        TemplateRenderError: the template fails on this contact's data.
    """
    return templates.render(source, bag).strip().casefold()[:MAX_KEY] or None
