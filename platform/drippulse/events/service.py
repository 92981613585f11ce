"""Appending to the event log, in the transaction that makes the change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from drippulse.events.keys import keys_of
from drippulse.kit.db import Session

APPEND = """INSERT INTO event
  (organization_id, type, record_type, record_id, actor_type, actor_id, data, key, other_key)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""

APPEND_MANY = """INSERT INTO event
  (organization_id, type, record_type, record_id, actor_type, actor_id, data, key, other_key)
SELECT $1, $2, $3, record.id, $4, $5, record.data, record.key, record.other_key
FROM unnest($6::text[], $7::jsonb[], $8::text[], $9::text[]) AS record (id, data, key, other_key)"""


class Actor(Protocol):
    """Who made the change; a `Principal` is one."""

    @property
    def organization_id(self) -> int: ...
    @property
    def actor_type(self) -> str: ...
    @property
    def actor_id(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class SystemActor:
    """Nobody who is known here: a recipient who follows a link, or the platform itself."""

    organization_id: int
    actor_type: str = "system"
    actor_id: int | None = None


async def append(
    session: Session, event_type: str, record_type: str, record_id: int | str, actor: Actor, data: Mapping[str, Any]
) -> None:
    """One event, such as `workflow.created`. `data` never holds secrets: webhooks deliver it as it is.

    What it says of `lead_ref` and `email` is who the event is about; those who wait for it are found by that.
    """
    key, other_key = key_columns(record_type, str(record_id), data)
    session.news.add(actor.organization_id)
    await session.execute(
        APPEND,
        actor.organization_id,
        event_type,
        record_type,
        str(record_id),
        actor.actor_type,
        actor.actor_id,
        orjson.dumps(data).decode(),
        key,
        other_key,
    )


async def append_many(
    session: Session,
    event_type: str,
    record_type: str,
    records: Sequence[tuple[int | str, Mapping[str, Any]]],
    actor: Actor,
) -> None:
    """The same event for many records (id, data), in one statement."""
    if not records:
        return
    keys = [key_columns(record_type, str(record_id), data) for record_id, data in records]
    session.news.add(actor.organization_id)
    await session.execute(
        APPEND_MANY,
        actor.organization_id,
        event_type,
        record_type,
        actor.actor_type,
        actor.actor_id,
        [str(record_id) for record_id, _ in records],
        [orjson.dumps(data).decode() for _, data in records],
        [key for key, _ in keys],
        [other for _, other in keys],
    )


def key_columns(record_type: str, record_id: str, data: Mapping[str, Any]) -> tuple[str | None, str | None]:
    found = (*keys_of(record_type, record_id, data), None, None)
    return found[0], found[1]
