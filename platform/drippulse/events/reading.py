"""Reading on in the log, in the order in which it becomes complete; who floods it is read beside it.

The log is read once for everybody. An organization that takes up too much of a full batch gets a cursor of its own
where its share ended, and the common one passes over it; it is read in turns with the others until it has caught up. So
each organization's events are still read in their order, each once, by one cursor at a time.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import TypeAlias

from drippulse.events import dispatch_queries as sql
from drippulse.events.listening import LogEvent
from drippulse.kit.db import Record, Session

Position: TypeAlias = tuple[str, int]
Lane: TypeAlias = int | None
"""The organization that is read by itself; None for the common lane of all others."""

WINDOW = 50
"""So many times the size of a batch is looked at for events that somebody listens to."""
SHARES = 10
"""Nobody gets more than this part of a full batch while others wait."""
MOST_LANES = 50
AT_THE_END = 0
"""The id of a position where all has been read that is complete. Before the common lane is there, nobody joins it: who
floods the log would only leave it again."""


@dataclass(slots=True)
class Part:
    """A batch of one lane. `more`: there is something behind it already. `end` is where the lane goes on, `flooding`
    where organizations go on that leave the common lane here."""

    events: list[LogEvent]
    start: Position
    end: Position
    more: bool
    caught_up: bool = False
    flooding: dict[int, Position] = field(default_factory=dict[int, Position])


async def read(session: Session, lane: Lane, size: int) -> Part | None:
    """The next events of a lane; None when somebody else is reading. Nobody else reads until this transaction ends."""
    common = await session.fetchrow(sql.CURSOR)
    if common is None:
        return None
    return await _common(session, common, size) if lane is None else await _own(session, lane, common, size)


async def move_on(session: Session, lane: Lane, part: Part) -> None:
    """Write down how far the lane was read."""
    if part.flooding:
        columns = list(zip(*((one, *place) for one, place in part.flooding.items()), strict=True))
        await session.execute(sql.FALL_BEHIND, *(list(column) for column in columns))
    if lane is not None and part.caught_up:
        await session.execute(sql.CATCH_UP, lane)
    elif lane is not None:
        await session.execute(sql.ADVANCE_LANE, lane, *part.end)
    elif part.end != part.start:
        await session.execute(sql.ADVANCE, *part.end)


async def held_back(session: Session, part: Part) -> bool:
    """Whether somebody listens to what lies behind a part that reached the end: it is committed, but an older
    transaction was open when the part was read. That one may have ended since, so it is not looked for again."""
    return bool(await session.fetchval(sql.HELD_BACK, *part.end))


async def lanes(session: Session) -> list[int]:
    """The organizations that are read by themselves, the longest waiting first."""
    return [row["organization_id"] for row in await session.fetch(sql.LANES, MOST_LANES)]


async def _common(session: Session, cursor: Record, size: int) -> Part:
    start = (cursor["xid"], cursor["id"])
    rows = await session.fetch(sql.READ, *start, size, size * WINDOW)
    found = [row for row in rows if row["id"] is not None]
    if len(found) < size:
        last = await session.fetchrow(sql.WINDOW_END, *start, rows[0]["horizon"], size * WINDOW)
        end = (last["xid"], last["id"]) if last else (rows[0]["horizon"], AT_THE_END)
        return Part([LogEvent.of(row) for row in found], start, end, more=last is not None)
    kept, flooding = _shares(found)
    return Part([LogEvent.of(row) for row in kept], start, _position(found[-1]), more=True, flooding=flooding)


async def _own(session: Session, lane: int, common: Record, size: int) -> Part:
    cursor = await session.fetchrow(sql.LANE_CURSOR, lane)
    if cursor is None:
        return Part([], ("0", 0), ("0", 0), more=False, caught_up=True)
    start, until = (cursor["xid"], cursor["id"]), (common["xid"], common["id"])
    found = await session.fetch(sql.READ_LANE, *start, size, size * WINDOW, lane, *until)
    if len(found) == size:
        return Part([LogEvent.of(row) for row in found], start, _position(found[-1]), more=True)
    last = await session.fetchrow(sql.LANE_WINDOW_END, *start, *until, size * WINDOW)
    end = _position(last) if last else until
    caught_up = last is None and common["id"] == AT_THE_END
    return Part([LogEvent.of(row) for row in found], start, end, more=last is not None, caught_up=caught_up)


def _shares(rows: list[Record]) -> tuple[list[Record], dict[int, Position]]:
    """What of a full batch is acted on, and where those go on that take up too much of it."""
    share = max(len(rows) // SHARES, 1)
    counted, kept, last = Counter[int](), list[Record](), dict[int, Position]()
    totals = Counter(row["organization_id"] for row in rows)
    for row in rows:
        organization_id: int = row["organization_id"]
        counted[organization_id] += 1
        if counted[organization_id] <= share:
            kept.append(row)
            last[organization_id] = _position(row)
    return kept, {one: last[one] for one, total in totals.items() if total > share}


def _position(row: Record) -> Position:
    return row["xid"], row["id"]
