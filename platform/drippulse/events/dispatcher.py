"""Reads the event log in order and acts on what somebody listens to: starts runs, ends waits, ends runs.

One transaction reads, acts and moves the cursor, so each event takes effect exactly once, whatever crashes.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

import asyncpg
import structlog

from drippulse.events import dispatch_queries as sql
from drippulse.events.endings import end_runs
from drippulse.events.listening import Listeners, LogEvent, load_listeners
from drippulse.events.reading import Lane, held_back, lanes, move_on, read
from drippulse.events.starts import start_runs
from drippulse.events.tables import ListenerKind
from drippulse.events.wakes import wake_waits
from drippulse.kit.db import Database, Role, Session
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
    """`acted` says whether runs may be due now. `lanes` are the organizations that are read by themselves."""

    pace: Pace
    acted: bool
    lanes: tuple[int, ...] = ()


async def dispatch(
    database: Database, on_work: Callable[[], None], patience: float = PATIENCE_SECONDS, batch: int = BATCH
) -> None:
    """Dispatch until nothing is left, or what is left has been held back for `patience` seconds.

    `on_work` is called whenever runs may be due. When a batch fails, its events go one by one; of one that cannot be
    acted on, what cannot be done is logged and passed over, so that it holds up no other. Who has a flood of events is
    read in turns with all others.
    """
    pause, waited, alone = FIRST_PAUSE, 0.0, Counter[Lane]()
    while True:
        found = await _turn(database, None, batch, alone)
        pace, acted = found.pace, found.acted
        for lane in found.lanes:
            own = await _turn(database, lane, max(batch // len(found.lanes), 1), alone)
            pace, acted = Pace.GO_ON if own.pace is Pace.GO_ON else pace, own.acted or acted
        if acted:
            on_work()
        if pace is Pace.REST or waited >= patience:
            return
        if pace is Pace.SOON:
            await asyncio.sleep(pause)
            waited, pause = waited + pause, min(pause * 2, LONGEST_PAUSE)
        else:
            pause, waited = FIRST_PAUSE, 0.0


async def _turn(database: Database, lane: Lane, batch: int, alone: Counter[Lane]) -> Round:
    """One batch of a lane. `alone` counts how many events of it still go one by one."""
    try:
        found = await dispatch_batch(database, 1 if alone[lane] else batch, lane)
    except Exception as error:
        if _is_away(error):
            raise
        if alone[lane]:
            await _take_apart(database, lane)
        alone[lane] = 0 if alone[lane] else batch
        return Round(Pace.GO_ON, acted=False)
    if found.pace is Pace.GO_ON:
        alone[lane] = max(alone[lane] - 1, 0)
    return found


async def dispatch_batch(database: Database, size: int = BATCH, lane: Lane = None) -> Round:
    """One transaction over at most `size` events of one lane."""
    async with database.session(Role.ENGINE) as session:
        part = await read(session, lane, size)
        if part is None:
            return Round(Pace.SOON, acted=False)
        acted = await act(session, part.events) if part.events else False
        await move_on(session, lane, part)
        own = tuple(await lanes(session)) if lane is None else ()
        if part.more:
            return Round(Pace.GO_ON, acted, own)
        later = lane is None and await held_back(session, part)
    return Round(Pace.SOON if later else Pace.REST, acted, own)


async def forget_stale(database: Database) -> bool:
    """Take out what runs that ended left behind; each by itself, because events wait for transactions that write."""
    for statement in (sql.FORGET_STALE_WAITS, sql.FORGET_STALE_USES, sql.FORGET_STALE_KEYS):
        async with database.session(Role.ENGINE) as session:
            await session.execute(statement)
    return False


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


async def _take_apart(database: Database, lane: Lane) -> None:
    """Do of the next event what can be done: what one listener cannot take must reach the others."""
    async with database.session(Role.ENGINE) as session:
        found = await read(session, lane, 1)
        if found is None or not found.events:
            return
        events = found.events
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
        await move_on(session, lane, found)


async def _wake(session: Session, events: list[LogEvent], listeners: Listeners) -> bool:
    return await wake_waits(session, [event for event in events if listeners.of(event, ListenerKind.WAIT)])


PARTS = {"waits": _wake, "ends": end_runs, "starts": start_runs}


def _is_away(error: Exception) -> bool:
    """Whether it is the database's fault and not the event's; a ValueError of the driver is about what it was given."""
    if isinstance(error, DomainError | asyncpg.DataError | asyncpg.IntegrityConstraintViolationError | ValueError):
        return False
    return isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError | OSError)
