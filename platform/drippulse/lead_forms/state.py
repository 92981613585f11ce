"""What was filled in, and whether a person did it. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from drippulse.kit.addresses import normalize_address
from drippulse.kit.crypto import LinkSigner, SignatureError
from drippulse.lead_forms.schemas import FormField
from drippulse.lead_forms.tables import InputType

HONEYPOT: Final = "fax_number"
"""A field that nobody sees; what fills it in reads the page's source."""
STAMP: Final = "_stamp"
CONSENT: Final = "_consent"
LEAST: Final = timedelta(seconds=2)
MOST: Final = timedelta(hours=24)
MOST_LINKS: Final = 2
LONGEST: Final = 500
LONGEST_TEXT: Final = 5_000
TRUE: Final = frozenset({"true", "on", "1", "yes"})
_LINK = re.compile(r"https?://(?:www\.)?|www\.|\[url", re.IGNORECASE)


class Age(StrEnum):
    """How long the form was open."""

    RIGHT = "right"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Sent:
    """`values` has the fields that were filled in, `errors` sentences by field name."""

    values: dict[str, str]
    errors: dict[str, list[str]]


class Stamps:
    """When a form was opened, signed, so that it comes back as it was given."""

    def __init__(self, signer: LinkSigner) -> None:
        self._signer = signer

    def make(self, token: str, now: datetime) -> str:
        return self._signer.sign(f"lf:{int(now.timestamp() * 1000)}:{token}")

    def age(self, stamp: str, token: str, now: datetime) -> Age:
        """TOO_LONG also for a stamp that is missing, of another form, or was not made here."""
        try:
            kind, made, of = self._signer.verify(stamp).split(":", 2)
        except (SignatureError, ValueError):
            return Age.TOO_LONG
        if kind != "lf" or of != token:
            return Age.TOO_LONG
        open_for = now - datetime.fromtimestamp(int(made) / 1000, now.tzinfo)
        if open_for < LEAST:
            return Age.TOO_SHORT
        return Age.RIGHT if open_for <= MOST else Age.TOO_LONG


def read(fields: Sequence[FormField], consent_text: str, given: Mapping[str, Any]) -> Sent:
    """What was filled in, field by field; what is not in the form is not looked at."""
    values, errors = dict[str, str](), dict[str, list[str]]()
    for field in fields:
        text = _text(given.get(field.name))
        if field.type is InputType.CHECKBOX:
            text = "true" if text.lower() in TRUE else "" if field.required else "false"
        problem = _problem(field, text)
        if problem is not None:
            errors[field.name] = [problem]
        if text:
            values[field.name] = text
    if consent_text and _text(given.get(CONSENT)).lower() not in TRUE:
        errors[CONSENT] = ["Please agree to this to send the form."]
    return Sent(values, errors)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else ""
    if isinstance(value, int | float):
        return str(value)
    # Browsers send line ends as CR LF.
    return value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""


def _problem(field: FormField, text: str) -> str | None:
    if not text:
        return "Please fill in this field." if field.required else None
    if "\x00" in text:
        return "This holds a character that cannot be stored."
    longest = LONGEST_TEXT if field.name == "description" or field.name.startswith("custom.") else LONGEST
    if len(text) > longest:
        return f"This is too long: {longest:,} characters at most."
    allowed = 1 if field.type is InputType.URL or field.name == "website" else 0
    allowed = MOST_LINKS if field.type is InputType.TEXTAREA else allowed
    if len(_LINK.findall(text)) > allowed:
        return f"Please take the links out; {allowed} at most." if allowed else "Please write this without links."
    return _CHECKS[field.type](field, text) if field.type in _CHECKS else None


def _email(_: FormField, text: str) -> str | None:
    return None if normalize_address(text) else "Please enter an e-mail address such as ana@example.com."


def _url(_: FormField, text: str) -> str | None:
    try:
        parts = urlsplit(text)
        right = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        right = False
    return None if right else "Please enter an address such as https://example.com."


def _number(_: FormField, text: str) -> str | None:
    try:
        right = abs(float(text)) <= 1e15
    except ValueError:
        right = False
    return None if right else "Please enter a number such as 12."


def _date(_: FormField, text: str) -> str | None:
    try:
        date.fromisoformat(text)
    except ValueError:
        return "Please enter a date such as 2026-03-31."
    return None


def _select(field: FormField, text: str) -> str | None:
    return None if text in field.options else "Please choose one of the options."


_CHECKS = {
    InputType.EMAIL: _email,
    InputType.URL: _url,
    InputType.NUMBER: _number,
    InputType.DATE: _date,
    InputType.SELECT: _select,
}
