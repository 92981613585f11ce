"""Reads the event log in order and acts on what somebody listens to: starts runs, ends waits, ends runs.

One transaction reads, acts and moves the cursor, so each event takes effect exactly once, whatever crashes.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

import asyncpg
import structlog

from drippulse.events import dispatch_queries as sql
from drippulse.events.endings import end_runs
from drippulse.events.listening import Listeners, LogEvent, load_listeners
from drippulse.events.starts import start_runs
from drippulse.events.tables import ListenerKind
from drippulse.events.wakes import wake_waits
from drippulse.kit.db import Database, Record, Role, Session
from drippulse.kit.errors import DomainError

BATCH = 1000
FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.2
PATIENCE_SECONDS = 5.0
ENDINGS = frozenset({ListenerKind.EXIT, ListenerKind.GOAL})

log = structlog.get_logger(__name__)


class Pace(StrEnum):
    """What to do after a round: rest, go on at once, or look again soon (somebody else is at it, or an open
    transaction holds events back)."""

    REST = "rest"
    GO_ON = "go_on"
    SOON = "soon"


@dataclass(frozen=True, slots=True)
class Round:
    """`acted` says whether runs may be due now."""

    pace: Pace
    acted: bool


async def dispatch(
    database: Database, on_work: Callable[[], None], patience: float = PATIENCE_SECONDS, batch: int = BATCH
) -> None:
    """Dispatch until nothing is left, or what is left has been held back for `patience` seconds.

    `on_work` is called whenever runs may be due. When a batch fails, its events go one by one; of one that cannot be
    acted on, what cannot be done is logged and passed over, so that it holds up no other.
    """
    pause, waited, alone = FIRST_PAUSE, 0.0, 0
    while True:
        try:
            found = await dispatch_batch(database, 1 if alone else batch)
        except Exception as error:
            if _is_away(error):
                raise
            if alone:
                await _take_apart(database)
            alone = 0 if alone else batch
            continue
        if found.acted:
            on_work()
        if found.pace is Pace.REST or waited >= patience:
            return
        if found.pace is Pace.SOON:
            await asyncio.sleep(pause)
            waited, pause = waited + pause, min(pause * 2, LONGEST_PAUSE)
        else:
            pause, waited, alone = FIRST_PAUSE, 0.0, max(alone - 1, 0)


async def dispatch_batch(database: Database, size: int = BATCH) -> Round:
    """One transaction over at most `size` events."""
    async with database.session(Role.ENGINE) as session:
        cursor = await session.fetchrow(sql.CURSOR)
        if cursor is None:
            return Round(Pace.SOON, acted=False)
        rows = await session.fetch(sql.READ, cursor["xid"], cursor["id"], size)
        events = [LogEvent.of(row) for row in rows if row["id"] is not None]
        acted = await act(session, events) if events else False
        await _advance(session, cursor, rows, full=len(events) == size)
        if len(events) == size:
            return Round(Pace.GO_ON, acted)
        held_back = await session.fetchval(sql.HELD_BACK)
    return Round(Pace.SOON if held_back else Pace.REST, acted)


async def forget_stale(database: Database) -> bool:
    """Take out what runs that ended left behind; each by itself, because events wait for transactions that write."""
    for statement in (sql.FORGET_STALE_WAITS, sql.FORGET_STALE_USES, sql.FORGET_STALE_KEYS):
        async with database.session(Role.ENGINE) as session:
            await session.execute(statement)
    return False


async def _advance(session: Session, cursor: Record, rows: list[Record], *, full: bool) -> None:
    end = (rows[-1]["xid"], rows[-1]["id"]) if full else (rows[0]["horizon"], 0)
    if end != (cursor["xid"], cursor["id"]):
        await session.execute(sql.ADVANCE, *end)


async def act(session: Session, events: list[LogEvent]) -> bool:
    """Do what is listened for, in the transaction that moves the cursor; whether runs may be due because of it."""
    listeners = await load_listeners(session, events)
    acted = await _wake(session, events, listeners)
    for group in _in_order(events, listeners):
        await end_runs(session, group, listeners)
        acted = await start_runs(session, group, listeners) or acted
    return acted


def _in_order(events: list[LogEvent], listeners: Listeners) -> list[list[LogEvent]]:
    """Groups of events that can be taken together: a start and an end that follow each other are kept apart."""

    def kind(numbered: tuple[int, LogEvent]) -> tuple[bool, bool, int]:
        number, event = numbered
        ends = any(listeners.of(event, ending) for ending in ENDINGS)
        starts = bool(listeners.of(event, ListenerKind.TRIGGER))
        return ends, starts, number if ends and starts else 0

    return [[event for _, event in group] for _, group in groupby(enumerate(events), kind)]


async def _take_apart(database: Database) -> None:
    """Do of the next event what can be done: what one listener cannot take must reach the others."""
    async with database.session(Role.ENGINE) as session:
        cursor = await session.fetchrow(sql.CURSOR)
        rows = await session.fetch(sql.READ, cursor["xid"], cursor["id"], 1) if cursor else []
        if cursor is None or not rows or rows[0]["id"] is None:
            return
        events = [LogEvent.of(rows[0])]
        listeners = await load_listeners(session, events)
        for name, part in PARTS.items():
            await session.execute("SAVEPOINT part")
            try:
                await part(session, events, listeners)
            except Exception as error:
                if _is_away(error):
                    raise
                await session.execute("ROLLBACK TO SAVEPOINT part")
                log.error(
                    "event_not_dispatched", event_id=events[0].id, type=events[0].type, part=name, reason=str(error)
                )
            await session.execute("RELEASE SAVEPOINT part")
        await _advance(session, cursor, rows, full=True)


async def _wake(session: Session, events: list[LogEvent], listeners: Listeners) -> bool:
    return await wake_waits(session, [event for event in events if listeners.of(event, ListenerKind.WAIT)])


PARTS = {"waits": _wake, "ends": end_runs, "starts": start_runs}


def _is_away(error: Exception) -> bool:
    """Whether it is the database's fault and not the event's; a ValueError of the driver is about what it was given."""
    if isinstance(error, DomainError | asyncpg.DataError | asyncpg.IntegrityConstraintViolationError | ValueError):
        return False
    return isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError | OSError)
