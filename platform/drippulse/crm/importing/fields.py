"""The fields that a column of a file can be mapped to, and how whole columns of texts are read. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TypeAlias

from piccolo.columns import Column

from drippulse.crm.importing import values
from drippulse.crm.records import SPECS
from drippulse.crm.tables import ActivityType, OpportunityStatus, RecordType
from drippulse.enrollments.contacts import read_timezone
from drippulse.kit.addresses import normalize_address, same_mailbox_key
from drippulse.kit.errors import DomainError

SHORT, LONG, EXTERNAL, REFERENCE = 500, 100_000, 200, 100
MEMORY = 20_000
EMAIL, TAGS, FULL_NAME, PUBLIC_ID, OWNER = "email", "tags", "full_name", "public_id", "owner_id"
ATTRIBUTES, CUSTOM = "attributes", "custom_fields"
DOTTED = {"attributes.": ATTRIBUTES, "custom.": CUSTOM, "custom_fields.": CUSTOM}
LONG_TEXTS = frozenset({"description", "body"})
MOST_TAGS = 100

Refuse: TypeAlias = Callable[[int, str, str], None]
"""Called with the index of the row, what stands there, and a sentence."""
Read: TypeAlias = Callable[[Sequence[str], Refuse], list[str]]


@dataclass(frozen=True, slots=True)
class ImportField:
    """A field with the type of its column in the database."""

    name: str
    type: str
    read: Read


def read_text(limit: int, cells: Sequence[str], refuse: Refuse) -> list[str]:
    found = [cell.strip() for cell in cells]
    if found and len(max(found, key=len)) > limit:
        for index, text in enumerate(found):
            if len(text) > limit:
                refuse(index, text, f"is longer than {limit} characters")
                found[index] = ""
    return found


def read_each(convert: Callable[[str], str], cells: Sequence[str], refuse: Refuse) -> list[str]:
    """Equal cells are converted once."""
    memory: dict[str, str] = {"": ""}
    found: list[str] = []
    for index, cell in enumerate(cells):
        known = memory.get(cell)
        if known is None:
            text = cell.strip()
            try:
                known = convert(text) if text else ""
            except ValueError as error:
                refuse(index, text, str(error))
                known = ""
            else:
                if len(memory) < MEMORY:
                    memory[cell] = known
        found.append(known)
    return found


def read_emails(cells: Sequence[str], refuse: Refuse) -> tuple[list[str], list[str]]:
    """The addresses and their keys."""
    addresses: list[str] = []
    keys: list[str] = []
    for index, cell in enumerate(cells):
        address = normalize_address(cell) if cell else None
        if address is None:
            if cell.strip():
                refuse(index, cell.strip(), "is not an e-mail address; write it like ana@example.com")
            addresses.append("")
            keys.append("")
        else:
            addresses.append(address)
            keys.append(same_mailbox_key(address))
    return addresses, keys


def read_tags(cells: Sequence[str], refuse: Refuse) -> list[list[str]]:
    """Commas, semicolons and bars divide them."""
    memory: dict[str, list[str]] = {}
    found: list[list[str]] = []
    for index, cell in enumerate(cells):
        tags = memory.get(cell)
        if tags is None:
            parts = cell.replace(";", ",").replace("|", ",").split(",")
            tags = list(dict.fromkeys(part for part in map(str.strip, parts) if part))
            if len(tags) > MOST_TAGS or any(len(tag) > 100 for tag in tags):
                refuse(index, cell, "must be at most 100 tags of at most 100 characters each")
                tags = []
            elif len(memory) < MEMORY:
                memory[cell] = tags
        found.append(tags)
    return found


def split_name(full: str) -> tuple[str, str]:
    """First and last name; `Lovelace, Ada` is turned round."""
    if "," in full:
        last, _, first = full.partition(",")
        return first.strip(), last.strip()
    first, _, last = full.strip().rpartition(" ")
    return (first.strip(), last) if first else (last, "")


@cache
def fields_of(kind: RecordType, date_order: str | None = None) -> Mapping[str, ImportField]:
    """Those that are a column of their own; tags, attributes, custom fields and `full_name` come beside them."""
    spec = SPECS[kind]
    skipped = {EMAIL, TAGS, ATTRIBUTES, CUSTOM}
    found = {
        name: ImportField(name, _type(spec.columns[name]), _reader(kind, name, spec.columns[name], date_order))
        for name in spec.fields.model_fields
        if name not in skipped
    }
    return {PUBLIC_ID: ImportField(PUBLIC_ID, "text", partial(read_text, REFERENCE)), **found}


@cache
def field_names(kind: RecordType) -> tuple[str, ...]:
    """What a mapping may name, beside `attributes.<key>` and `custom.<key>`."""
    people = (EMAIL, FULL_NAME) if SPECS[kind].unique_by_email else ()
    return (*people, *fields_of(kind), TAGS)


def _type(column: Column) -> str:
    return column.column_type.lower().replace("varchar", "text")


def _reader(kind: RecordType, name: str, column: Column, date_order: str | None) -> Read:
    by_name: Mapping[str, Callable[[str], str]] = {
        OWNER: partial(values.whole, least=1, most=2**63 - 1),
        "probability": values.percent,
        "timezone": _timezone,
        "currency": _currency,
    }
    by_type: Mapping[str, Callable[[str], str]] = {
        "integer": values.whole,
        "smallint": values.whole,
        "numeric": values.amount,
        "double precision": values.real,
        "date": partial(values.day, order=date_order),
        "timestamptz": partial(values.moment, order=date_order),
    }
    if kind is RecordType.OPPORTUNITY and name == "status":
        return partial(read_each, partial(_choice, tuple(OpportunityStatus)))
    if kind is RecordType.ACTIVITY and name == "type":
        return partial(read_each, partial(_choice, tuple(ActivityType)))
    if name.startswith("external_"):
        return partial(read_text, EXTERNAL)
    if name in SPECS[kind].references or name.startswith("pipeline_"):
        return partial(read_text, REFERENCE)
    convert = by_name.get(name) or by_type.get(_plain_type(column))
    if convert is not None:
        return partial(read_each, convert)
    if name == "status":
        return partial(read_text, 100)
    return partial(read_text, LONG if name in LONG_TEXTS else SHORT)


def _plain_type(column: Column) -> str:
    return _type(column).partition("(")[0].strip()


def _choice(choices: Sequence[str], text: str) -> str:
    plain = text.casefold()
    if plain not in choices:
        raise ValueError(f"must be one of {', '.join(choices)}")
    return plain


def _timezone(text: str) -> str:
    try:
        return read_timezone(text)
    except DomainError as error:
        raise ValueError(error.message) from None


def _currency(text: str) -> str:
    if not (len(text) == 3 and text.isascii() and text.isalpha()):
        raise ValueError('must be a currency of three letters such as "EUR"')
    return text.upper()
