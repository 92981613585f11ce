"""Events that end runs: goals and exit criteria."""

from collections.abc import Sequence
from datetime import UTC, datetime

from drippulse.events import dispatch_queries as sql
from drippulse.events.keys import spellings
from drippulse.events.listening import Listeners, LogEvent
from drippulse.events.tables import ListenerKind
from drippulse.kit.db import Session
from drippulse.workflows.event_match import matches

Ending = tuple[int, int, int, str | None, int, datetime, str, int | None]
"""Organization, workflow, version, key, event, its time, reason, enrollment."""


async def end_runs(session: Session, events: Sequence[LogEvent], listeners: Listeners) -> None:
    """Complete the runs that these events end; a worker in the middle of one finds its fence stale."""
    now = datetime.now(UTC)
    wanted = [
        ending
        for event in events
        for kind in (ListenerKind.GOAL, ListenerKind.EXIT)
        for listener in listeners.of(event, kind)
        if matches(listener.wanted, event.view, now)
        for ending in _endings(event, listener.workflow_id, listener.version, listener.reason)
    ]
    if not wanted:
        return
    found = await session.fetch(sql.END, *([one[place] for one in wanted] for place in range(8)))
    rows = [row for row in found if row["status"] == "completed"]
    if rows:
        session.news.update(row["organization_id"] for row in rows)
        names = ("organization_id", "id", "workflow_id", "lead_ref", "reason")
        await session.execute(sql.ENDED, *([row[name] for row in rows] for name in names))
        await session.execute(sql.FORGET_WAITS, *([row[name] for row in rows] for name in names[:2]))


def _endings(event: LogEvent, workflow_id: int, version: int, reason: str) -> list[Ending]:
    head = (event.organization_id, workflow_id, version)
    tail = (event.id, event.created_at, reason)
    found: list[Ending] = [(*head, key, *tail, None) for key in spellings(event.keys)]
    if event.enrollment_id is not None:
        found.append((*head, None, *tail, event.enrollment_id))
    return found
