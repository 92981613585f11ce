"""Events that runs wait for."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from drippulse.events import dispatch_queries as sql
from drippulse.events.keys import watch_number
from drippulse.events.listening import LogEvent
from drippulse.kit.db import Record, Session
from drippulse.kit.json import dump_json
from drippulse.workflows.event_match import as_written, matches

LOOK_AGAIN_SECONDS = 0.002
LONGEST_WATCH_SECONDS = 30.0

log = structlog.get_logger(__name__)


async def wake_waits(session: Session, events: Sequence[LogEvent]) -> bool:
    """Tell each of these events to the runs that wait for it, the first that fits to each; whether any was told."""
    asked = sorted({(event.organization_id, event.type, key) for event in events for key in event.keys})
    if not asked:
        return False
    await let_watchers_finish(session, [watch_number(*one) for one in asked])
    waits = await session.fetch(sql.WAITS, *_columns(asked, 3))
    by_key: dict[tuple[int, str, str], list[LogEvent]] = defaultdict(list)
    for event in events:
        for key in event.keys:
            by_key[event.organization_id, event.type, key].append(event)
    now = datetime.now(UTC)
    told = [(wait, event) for wait in waits if (event := _first(wait, by_key, now)) is not None]
    if not told:
        return False
    signals = [dump_json({"event": event.view}) for _, event in told]
    runs = [(wait["organization_id"], wait["enrollment_id"]) for wait, _ in told]
    visits = [wait["visit"] for wait, _ in told]
    await session.execute(sql.SIGNAL, *_columns(runs, 2), visits, signals)
    await session.execute(sql.FORGET_TOLD, *_columns(runs, 2), visits)
    return True


async def let_watchers_finish(session: Session, numbers: Sequence[int]) -> None:
    """Wait until everyone has ended who may have looked back before these events were committed, and may register a
    wait all the same. Whoever begins after this sees them. Nothing is locked, so nobody waits for the dispatcher.

    Raises:
        TimeoutError: one of them stands still; nothing is lost, the events are read again.
    """
    patience = time.monotonic() + LONGEST_WATCH_SECONDS
    watchers = await _watchers(session, numbers)
    while watchers:
        if time.monotonic() > patience:
            raise TimeoutError("a transaction that looks back for an event does not end")
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        watchers &= await _watchers(session, numbers)


async def _watchers(session: Session, numbers: Sequence[int]) -> set[str]:
    return {row["watcher"] for row in await session.fetch(sql.WATCHERS, list(numbers))}


def _first(wait: Record, by_key: dict[tuple[int, str, str], list[LogEvent]], now: datetime) -> LogEvent | None:
    """The earliest of the events that the wait takes; none when nobody can tell any more what it takes."""
    try:
        wanted = as_written(orjson.loads(wait["config"]))
    except (ValueError, LookupError, TypeError) as error:
        log.error("wait_unreadable", enrollment_id=wait["enrollment_id"], reason=str(error))
        return None
    head = (wait["organization_id"], wait["event_type"])
    candidates = {event.id: event for key in wait["keys"] for event in by_key[*head, key]}
    used = {*wait["used"]}
    fitting = (
        event
        for number, event in sorted(candidates.items())
        if number > wait["after_id"] and number not in used and event.created_at >= wait["since"]
        if matches(wanted, event.view, now)
    )
    return next(fitting, None)


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[place] for row in rows] for place in range(width)]
