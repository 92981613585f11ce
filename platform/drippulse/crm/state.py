"""What is stored of what was sent. Pure."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

import orjson

from drippulse.crm.errors import InvalidEmailError
from drippulse.crm.schemas import PersonFields
from drippulse.crm.tables import PUBLIC_PREFIX, RecordType
from drippulse.kit.addresses import normalize_address, same_mailbox_key
from drippulse.kit.json import dump_json
from drippulse.kit.public_ids import encode_id


class Row(Protocol):
    """A database record, or anything else with these columns."""

    def __getitem__(self, column: str, /) -> Any: ...


def columns(fields: PersonFields, *, only_sent: bool) -> dict[str, Any]:
    """Column -> value; with `only_sent` of the fields that were sent alone.

    Raises:
        InvalidEmailError: the address is none.
    """
    values = fields.model_dump(exclude_unset=only_sent)
    if "attributes" in values:
        values["attributes"] = dump_json(values["attributes"])
    if "email" in values:
        values["email"] = read_email(values["email"])
        values["email_key"] = None if values["email"] is None else same_mailbox_key(values["email"])
    return values


def changed_columns(row: Row, values: Mapping[str, Any], *, merge: bool) -> dict[str, Any]:
    """What of `values` differs from the row; with `merge` new attributes are added to those that are there."""
    changes = {name: value for name, value in values.items() if name != "attributes" and row[name] != value}
    if "attributes" in values:
        before, sent = orjson.loads(row["attributes"]), orjson.loads(values["attributes"])
        after = {**before, **sent} if merge else sent
        if after != before:
            changes["attributes"] = dump_json(after)
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
