"""Events that clients send, and the log as they read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from drippulse.enrollments.wake import Waker
from drippulse.events import queries
from drippulse.events.catalog import RESERVED
from drippulse.events.errors import NoEventsAcceptedError, ReservedEventTypeError
from drippulse.events.keys import contact_keys, normal_key
from drippulse.events.schemas import EventIn
from drippulse.events.service import Actor
from drippulse.kit.clock import isoformat
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import DomainError, ValidationError
from drippulse.kit.json import dump_json
from drippulse.kit.pagination import PageRequest, encode_cursor
from drippulse.kit.validation import parse

LIST_LIMIT = 500
"""The most rows that a list without paging parameters has."""


@dataclass(frozen=True, slots=True)
class Received:
    """An event as it stands in the log; `new` unless its client's id was sent before."""

    row: Record
    new: bool


def present(row: Record) -> dict[str, Any]:
    """The resource as every edge answers it."""
    return {
        **{name: row[name] for name in ("id", "type", "key", "record_type", "record_id", "actor_type", "actor_id")},
        "data": orjson.Fragment(row["data"]),
        "source_id": row["source_id"],
        "occurred_at": isoformat(row["occurred_at"]),
        "created_at": isoformat(row["created_at"]),
    }


async def receive(session: Session, actor: Actor, waker: Waker, event: EventIn) -> Received:
    """Append one event, durable with the caller's transaction; whoever listens is woken after it.

    Raises:
        ReservedEventTypeError: the platform appends this type itself.
        ValidationError: a workflow listens to this type for a certain contact, and the event names none.
    """
    await _check(session, actor.organization_id, [event])
    event_id = int(await session.fetchval(queries.NEW_ID))
    claimed = await _claim(session, actor.organization_id, [(event, event_id)])
    received = await _append(session, actor, event, event_id, claimed)
    if received.new:
        session.after_commit(waker.wake)
    return received


async def receive_batch(session: Session, actor: Actor, waker: Waker, raw: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """`{accepted_count, duplicate_count, invalid_count, results}`: what is valid is appended, in the order given.

    Raises:
        NoEventsAcceptedError: nothing of it is valid.
    """
    keyed = await queries.keyed_types(session, actor.organization_id, [str(one.get("type")) for one in raw])
    read = [_read(fields, keyed) for fields in raw]
    numbered = [
        (event, int(await session.fetchval(queries.NEW_ID))) if isinstance(event, EventIn) else event for event in read
    ]
    claimed = await _claim(session, actor.organization_id, [one for one in numbered if isinstance(one, tuple)])
    results: list[dict[str, Any]] = []
    for index, one in enumerate(numbered):
        if not isinstance(one, tuple):
            results.append({"index": index, "status": "invalid", "event_id": None, "errors": one})
            continue
        received = await _append(session, actor, *one, claimed)
        status = "accepted" if received.new else "duplicate"
        results.append({"index": index, "status": status, "event_id": received.row["id"], "errors": None})
    counts = {
        f"{status}_count": sum(result["status"] == status for result in results)
        for status in ("accepted", "duplicate", "invalid")
    }
    if counts["invalid_count"] == len(results):
        sentence = "None of the events is valid; `results` says what is wrong with each."
        raise NoEventsAcceptedError(sentence, extra={**counts, "results": results})
    if counts["accepted_count"]:
        session.after_commit(waker.wake)
    return {**counts, "results": results}


async def list_events(
    session: Session,
    organization_id: int,
    request: PageRequest,
    filters: dict[str, str | None],
    since: datetime | None,
) -> dict[str, Any]:
    """`{events, total_count, next_cursor}`, newest first. Filters: type, key, record_type, record_id."""
    key = filters.get("key")
    wanted = {**filters, "key": normal_key(key) if key else None}
    rows = await queries.page(session, organization_id, request, wanted, since)
    total = await queries.count(session, organization_id, wanted, since)
    more = request.paginated and request.limit is not None and len(rows) > request.limit
    shown = rows[: request.limit]
    return {
        "events": [present(row) for row in shown],
        "total_count": total,
        "next_cursor": encode_cursor(shown[-1]["id"]) if more else None,
    }


async def _check(session: Session, organization_id: int, events: Sequence[EventIn]) -> None:
    keyed = await queries.keyed_types(session, organization_id, [event.type for event in events])
    for event in events:
        _refuse(event, keyed)


def _refuse(event: EventIn, keyed: set[str]) -> None:
    if event.type in RESERVED:
        sentence = (
            f'"{event.type}" is appended by the platform itself; choose a type of your own, such as my.{event.type}.'
        )
        raise ReservedEventTypeError(sentence, errors={"type": [sentence]})
    if not _keys(event) and (event.type in keyed or event.type.startswith("email.")):
        sentence = f'"{event.type}" is waited for by contact: send `email`, `lead_ref` or `key` with it.'
        raise ValidationError(sentence, code="event_key_required", errors={"key": [sentence]})


def _keys(event: EventIn) -> tuple[str, ...]:
    return contact_keys(event.lead_ref or event.key, event.email)


def _read(fields: dict[str, Any], keyed: set[str]) -> EventIn | dict[str, list[str]]:
    """The event, or what is wrong with it by field."""
    try:
        event = parse(EventIn, fields)
        _refuse(event, keyed)
    except DomainError as error:
        return error.errors or {"event": [error.message]}
    return event


async def _claim(session: Session, organization_id: int, events: Sequence[tuple[EventIn, int]]) -> dict[str, int]:
    """The client's id -> id of the event that has it: one of `events`, or an earlier one.

    In the order of the ids, so that two batches with the same ones wait for each other and never both.
    """
    first: dict[str, int] = {}
    for event, event_id in events:
        if event.id is not None:
            first.setdefault(event.id, event_id)
    return {
        source: await queries.claim_source(session, organization_id, source, first[source]) for source in sorted(first)
    }


async def _append(
    session: Session, actor: Actor, event: EventIn, event_id: int, claimed: Mapping[str, int]
) -> Received:
    organization_id = actor.organization_id
    if event.id is not None and claimed[event.id] != event_id:
        known = await queries.by_id(session, organization_id, claimed[event.id])
        if known is not None:
            return Received(known, new=False)
    keys = (*_keys(event), None, None)
    session.news.add(organization_id)
    (row,) = await session.fetch(
        queries.INSERT,
        organization_id,
        event_id,
        event.type,
        actor.actor_type,
        actor.actor_id,
        dump_json(event.data),
        keys[0],
        keys[1],
        event.id,
        event.occurred_at,
    )
    return Received(row, new=True)
