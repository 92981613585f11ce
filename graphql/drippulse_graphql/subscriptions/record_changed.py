"""The subscription `recordChanged`: whatever the event log says of records."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime

import strawberry

from drippulse.events.catalog import RECORD_TYPES
from drippulse.events.log_reading import LogEntry
from drippulse.kit.errors import ValidationError
from drippulse.kit.text import did_you_mean
from drippulse_graphql.kit.context import Info
from drippulse_graphql.kit.ids import decode_id, read_key
from drippulse_graphql.kit.node import Node
from drippulse_graphql.kit.selection import Row
from drippulse_graphql.subscriptions.records import global_id_of, key_of_entry, record_of
from drippulse_graphql.subscriptions.source import source, told

MOST_IDS = 500
CURSOR = "Opaque place in the event log; send it as `after` to go on behind this event."
TYPE = "Type of the event, such as contact.updated."


@dataclass(frozen=True, slots=True)
class RecordChanges:
    """Of these record types and ids; None does not filter."""

    record_types: frozenset[str] | None
    ids: frozenset[tuple[str | None, str]] | None
    latest_only: bool = False
    first: str | None = None

    def takes(self, entry: LogEntry) -> bool:
        if entry.record_type not in (RECORD_TYPES if self.record_types is None else self.record_types):
            return False
        if self.ids is None:
            return True
        key = key_of_entry(entry)
        return (None, entry.record_id) in self.ids or (key is not None and (key[0], str(key[1])) in self.ids)


async def _record(parent: strawberry.Parent[Row], info: Info) -> Row | None:
    return await record_of(info.context, parent["entry"])


def _node_id(parent: strawberry.Parent[Row]) -> str | None:
    return global_id_of(parent["entry"])


def _record_type(parent: strawberry.Parent[Row]) -> str:
    return parent["entry"].record_type


def _record_id(parent: strawberry.Parent[Row]) -> str:
    return parent["entry"].record_id


@strawberry.type(description="Something happened to a record.")
class RecordChange:
    cursor: str = strawberry.field(description=CURSOR)
    type: str = strawberry.field(description=TYPE)
    at: datetime
    record_type: str = told(_record_type)
    record_id: strawberry.ID = told(_record_id, "The id that REST uses.")
    node_id: strawberry.ID | None = told(_node_id, "Its global id; null for records that are no nodes of this schema.")
    record: Node | None = told(_record, "The record as it is now; null once it is deleted, or when it is no node.")


async def record_changed(
    info: Info,
    record_types: list[str] | None = None,
    ids: list[strawberry.ID] | None = None,
    after: str | None = None,
) -> AsyncGenerator[RecordChange, None]:
    return source(RecordChanges(_known_types(record_types), _known_ids(ids)), after)


def _known_types(record_types: list[str] | None) -> frozenset[str] | None:
    """Raises ValidationError."""
    for name in record_types or ():
        if name not in RECORD_TYPES:
            given, known = name[:100], sorted(RECORD_TYPES)
            sentence = f'"{given}" is not a record type.{did_you_mean(given, known)} It is one of {", ".join(known)}.'
            raise ValidationError(sentence, errors={"recordTypes": [sentence]})
    return None if record_types is None else frozenset(record_types)


def _known_ids(ids: list[strawberry.ID] | None) -> frozenset[tuple[str | None, str]] | None:
    """Raises ValidationError, InvalidIdError."""
    if ids is None:
        return None
    if len(ids) > MOST_IDS:
        sentence = f"Name at most {MOST_IDS} ids, or leave them out and choose among what comes."
        raise ValidationError(sentence, errors={"ids": [sentence]})
    return frozenset(_known_id(one) for one in ids)


def _known_id(text: str) -> tuple[str | None, str]:
    plain = read_key(text)
    if plain is not None:
        return None, str(plain)
    name, key = decode_id(text)
    return name, str(key)
