"""What is stored of what was sent. Pure."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from drippulse.crm.errors import InvalidEmailError
from drippulse.crm.presentation import Row
from drippulse.crm.schemas import RecordFields
from drippulse.crm.tables import PUBLIC_PREFIX, RecordType
from drippulse.kit.addresses import normalize_address, same_mailbox_key
from drippulse.kit.json import dump_json
from drippulse.kit.public_ids import encode_id

OBJECTS = ("attributes", "custom_fields")
"""Columns that hold a JSON object."""
EXTERNAL = frozenset({"external_system", "external_id"})
DERIVED = frozenset({"email_key"})
"""Columns that follow from others and are never reported as changed."""


def columns(fields: RecordFields, *, only_sent: bool) -> dict[str, Any]:
    """Column -> value; with `only_sent` of the fields that were sent alone. References are still as they were sent.

    Raises:
        InvalidEmailError: the address is none.
    """
    values = fields.model_dump(exclude_unset=only_sent)
    for name in OBJECTS:
        if name in values:
            values[name] = dump_json(values[name])
    if EXTERNAL & values.keys():  # both or none, as the table wants them
        values = {**dict.fromkeys(EXTERNAL), **values}
    if "email" in values:
        values["email"] = read_email(values["email"])
        values["email_key"] = None if values["email"] is None else same_mailbox_key(values["email"])
    return values


def changed_columns(row: Row, values: Mapping[str, Any], *, merge: bool) -> dict[str, Any]:
    """What of `values` differs from the row. Custom fields are merged by key and null removes one; with `merge` new
    attributes are added to those that are there."""
    changes = {name: value for name, value in values.items() if name not in OBJECTS and row[name] != value}
    for name in OBJECTS:
        if name not in values:
            continue
        before, sent = orjson.loads(row[name]), orjson.loads(values[name])
        after = {**before, **sent} if merge or name == "custom_fields" else sent
        if name == "custom_fields":
            after = {key: value for key, value in after.items() if value is not None}
        if after != before:
            changes[name] = dump_json(after)
    return changes


def read_email(text: str | None) -> str | None:
    """The normalized address; blank text is no address. Raises InvalidEmailError."""
    if text is None or not text.strip():
        return None
    address = normalize_address(text)
    if address is None:
        raise InvalidEmailError
    return address


def public_id(kind: RecordType, record_id: UUID) -> str:
    return encode_id(PUBLIC_PREFIX[kind], record_id.int)
