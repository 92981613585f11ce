"""From the documented bodies of a bulk enrollment to rows. Pure: no I/O."""

import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

from drippulse.enrollments.errors import (
    ContactsEmptyError,
    ContactsRequiredError,
    InvalidTimezoneError,
    NoEnrollmentsCreatedError,
    TooManyContactsError,
)
from drippulse.kit.addresses import normalize_address
from drippulse.kit.errors import ValidationError, not_found
from drippulse.kit.json import dump_json
from drippulse.kit.strict_json import holds_nul
from drippulse.kit.text import did_you_mean
from drippulse.kit.validation import unwrap

MAX_CONTACTS = 100_000
MAX_EMAIL = 320
MAX_TEXT = 500
FIELDS = ("contacts", "timezone", "agent_id")
REFERENCES = ("lead_ref", "id", "uuid", "public_id", "crm_id", "lead_id")
NOT_AN_OBJECT = "Not a JSON object."
HOLDS_NUL = "Holds the character U+0000, which cannot be stored."


@dataclass(slots=True)
class Rows:
    """The valid contacts as columns, ready for one INSERT. `indexes` are their places in the request."""

    indexes: list[int] = field(default_factory=list[int])
    lead_refs: list[str | None] = field(default_factory=list["str | None"])
    emails: list[str] = field(default_factory=list[str])
    first_names: list[str] = field(default_factory=list[str])
    last_names: list[str] = field(default_factory=list[str])
    timezones: list[str] = field(default_factory=list[str])
    bags: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Batch:
    """A bulk request: what to insert, and why other rows are left out (index, reason)."""

    rows: Rows
    invalid: list[tuple[int, str]]


def read_batch(body: object, *, may_hold_nul: bool) -> Batch:
    """Read `{"contacts": [...], "timezone", "agent_id"}`, top level or inside `enrollment`.

    Args:
        may_hold_nul: whether strings must be searched for U+0000 (a look at the raw text tells).

    Raises:
        ContactsRequiredError, ContactsEmptyError, TooManyContactsError, NoEnrollmentsCreatedError,
        InvalidTimezoneError, ValidationError: as the reference documents (422).
        NotFoundError: `agent_id` was sent; there are no agents yet.
    """
    fields = unwrap(cast("object", body), "enrollment") if isinstance(body, dict) else dict[str, Any]()
    contacts = fields.get("contacts")
    if not isinstance(contacts, list):
        raise ContactsRequiredError
    for name in fields:
        if name not in FIELDS:
            sentence = f"Unknown field.{did_you_mean(name, FIELDS)} The fields are {', '.join(FIELDS)}."
            raise ValidationError(f"{name}: {sentence}", errors={name: [sentence]})
    if fields.get("agent_id") is not None:
        raise not_found("agent")
    return _read_rows(cast("list[Any]", contacts), read_timezone(fields.get("timezone")), may_hold_nul)


def read_timezone(name: object) -> str:
    """An IANA zone name, UTC when absent. Raises InvalidTimezoneError."""
    if name is None:
        return "UTC"
    if not isinstance(name, str) or name not in _zones():
        raise InvalidTimezoneError(name)
    return name


def reference(contact: dict[str, Any]) -> str | None:
    """`lead_ref`, then the first present of id, uuid, public_id, crm_id, lead_id."""
    for name in REFERENCES:
        value = contact.get(name)
        if isinstance(value, str) and value:
            return value[:MAX_TEXT]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return None


def _read_rows(contacts: Sequence[Any], timezone: str, may_hold_nul: bool) -> Batch:
    if not contacts:
        raise ContactsEmptyError
    if len(contacts) > MAX_CONTACTS:
        raise TooManyContactsError(MAX_CONTACTS)
    rows, invalid = Rows(), list[tuple[int, str]]()
    for index, contact in enumerate(contacts):
        if not isinstance(contact, dict):
            invalid.append((index, NOT_AN_OBJECT))
        elif may_hold_nul and holds_nul(contact):
            invalid.append((index, HOLDS_NUL))
        else:
            _add(rows, index, cast("dict[str, Any]", contact), timezone)
    if not rows.indexes:
        raise NoEnrollmentsCreatedError(
            f"None of the {len(contacts)} rows is valid: each contact is a JSON object such as "
            '{"email": "a@b.com", "first_name": "Ada"}.',
            extra={"skipped_invalid_rows": len(invalid), "results": invalid_results(invalid)},
        )
    return Batch(rows, invalid)


def invalid_results(invalid: Sequence[tuple[int, str]]) -> list[dict[str, Any]]:
    return [{"index": index, "status": "invalid", "enrollment_id": None, "reason": reason} for index, reason in invalid]


def _add(rows: Rows, index: int, contact: dict[str, Any], timezone: str) -> None:
    own_zone = contact.get("timezone")
    rows.indexes.append(index)
    rows.lead_refs.append(reference(contact))
    rows.emails.append(_email(contact.get("email")))
    rows.first_names.append(_text(contact.get("first_name")))
    rows.last_names.append(_text(contact.get("last_name")))
    rows.timezones.append(own_zone if isinstance(own_zone, str) and own_zone in _zones() else timezone)
    rows.bags.append(dump_json(contact))


def _email(value: object) -> str:
    """Normalized when it is an address; what was sent otherwise, so that people can find and mend it."""
    if not isinstance(value, str):
        return ""
    return normalize_address(value) or value.strip().lower()[:MAX_EMAIL]


def _text(value: object) -> str:
    return value[:MAX_TEXT] if isinstance(value, str) else ""


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})
