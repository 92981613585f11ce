"""Looking back for an event and registering a wait for one, inside the transaction that commits the run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from drippulse.events.keys import contact_keys, enrollment_key, watch_number
from drippulse.kit.clock import isoformat
from drippulse.kit.db import Record, Session
from drippulse.kit.json import dump_json
from drippulse.workflows.event_match import EventConditions, matches

PAGE = 500
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
STARTED_BY_EVENT = "event:"

RUN = "SELECT lead_ref, email, origin, created_at FROM enrollment WHERE organization_id = $1 AND id = $2"

# Taken in one order, and only shared: those who look back never wait for each other.
WATCH = "SELECT pg_advisory_xact_lock_shared(number) FROM unnest($1::bigint[]) AS w (number)"

EARLIER = """SELECT e.id, e.type, e.data, coalesce(e.occurred_at, e.created_at) AS at FROM event e
WHERE e.organization_id = $1 AND e.type = $2 AND (e.key = ANY ($3::text[]) OR e.other_key = ANY ($3::text[]))
  AND e.id > $4 AND e.created_at >= $5 AND NOT EXISTS (
    SELECT FROM event_use u WHERE u.organization_id = $1 AND u.enrollment_id = $7 AND u.event_id = e.id)
ORDER BY e.id LIMIT $6"""

# Each event by itself: ids commit in any order, so a highest one would not tell what was used.
USE = """INSERT INTO event_use (organization_id, enrollment_id, event_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"""
FORGET = "DELETE FROM event_wait WHERE organization_id = $1 AND enrollment_id = $2"
REGISTER = """INSERT INTO event_wait
  (organization_id, event_type, key, enrollment_id, visit, config, after_id, since)
SELECT $1, $3, key, $2, $4, $5, $7, $8 FROM unnest($6::text[]) AS k (key)"""


@dataclass(frozen=True, slots=True)
class Wait:
    """What a step visit waits for. `keys` None stands for its contact; `since` None for the start of the run."""

    organization_id: int
    enrollment_id: int
    visit: int
    event_type: str
    keys: tuple[str, ...] | None
    wanted: EventConditions
    since: datetime | None


async def look_back(
    session: Session, wait: Wait, now: datetime, signal: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """The event {id, type, data, at} that ends the wait, marked as used: the one that was signalled, or the oldest
    that came already; None when there is none yet. Until this transaction ends, no other is dispatched past it."""
    run = await session.fetchrow(RUN, wait.organization_id, wait.enrollment_id)
    if run is None:
        return None
    found = dict(signal) if signal is not None else await _earlier(session, wait, run, now)
    if found is not None:
        await session.execute(FORGET, wait.organization_id, wait.enrollment_id)
        await session.execute(USE, wait.organization_id, wait.enrollment_id, found["id"])
    return found


async def register(session: Session, wait: Wait) -> bool:
    """Let the dispatcher find this visit, instead of whatever the run waited for before; False without any key."""
    run = await session.fetchrow(RUN, wait.organization_id, wait.enrollment_id)
    if run is None:
        return False
    keys = _keys(wait, run)
    if not keys or keys == [enrollment_key(wait.enrollment_id)]:
        return False
    await session.execute(FORGET, wait.organization_id, wait.enrollment_id)
    conditions = [one.model_dump(mode="json") for one in wait.wanted.conditions]
    await session.execute(
        REGISTER,
        wait.organization_id,
        wait.enrollment_id,
        wait.event_type,
        wait.visit,
        dump_json({"match": wait.wanted.match, "conditions": conditions}),
        list(dict.fromkeys(keys)),
        *_start(wait, run),
    )
    return True


def _keys(wait: Wait, run: Record) -> list[str]:
    if wait.keys is not None:
        return [key for key in wait.keys if key]
    return [*contact_keys(run["lead_ref"], run["email"]), enrollment_key(wait.enrollment_id)]


async def _earlier(session: Session, wait: Wait, run: Record, now: datetime) -> dict[str, Any] | None:
    keys = _keys(wait, run)
    numbers = sorted(watch_number(wait.organization_id, wait.event_type, key) for key in keys)
    await session.execute(WATCH, numbers)
    after, since = _start(wait, run)
    while True:
        rows = await session.fetch(
            EARLIER, wait.organization_id, wait.event_type, keys, after, since, PAGE, wait.enrollment_id
        )
        for row in rows:
            event = event_of(row)
            if matches(wait.wanted, event, now):
                return event
        if len(rows) < PAGE:
            return None
        after = rows[-1]["id"]


def _start(wait: Wait, run: Record) -> tuple[int, datetime]:
    """(event id, time) after which events count. What a run was started by lies before it, all that follows after."""
    origin = run["origin"] or ""
    if wait.since is not None:
        return 0, wait.since
    if origin.startswith(STARTED_BY_EVENT):
        return int(origin.removeprefix(STARTED_BY_EVENT)), LONG_AGO
    return 0, run["created_at"]


def event_of(row: Record) -> dict[str, Any]:
    """What steps, conditions and signals see of an event."""
    return {"id": row["id"], "type": row["type"], "data": orjson.loads(row["data"]), "at": isoformat(row["at"])}
