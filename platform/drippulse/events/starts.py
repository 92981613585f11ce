"""Events that start runs."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from drippulse.enrollments.contacts import read_batch
from drippulse.enrollments.errors import WorkflowArchivedError
from drippulse.enrollments.starting import start_enrollments
from drippulse.events import dispatch_queries as sql
from drippulse.events.keys import enrollment_key
from drippulse.events.listening import Listeners, LogEvent
from drippulse.events.service import SystemActor
from drippulse.events.tables import ListenerKind
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import NotFoundError
from drippulse.workflows.conditions import evaluate

BY_WORKFLOW = "workflow"
"""The actor of what workflows do. Such an event starts none, so that they cannot start each other without end."""

log = structlog.get_logger(__name__)


async def start_runs(session: Session, events: Sequence[LogEvent], listeners: Listeners) -> bool:
    """Start what these events trigger, once per event and workflow; whether any run began."""
    starters = [
        event for event in events if event.actor_type != BY_WORKFLOW and listeners.of(event, ListenerKind.TRIGGER)
    ]
    if not starters:
        return False
    contacts = await _contacts_of_runs(session, starters)
    now = datetime.now(UTC)
    wanted: dict[tuple[int, int], dict[str, dict[str, Any]]] = defaultdict(dict)
    for event in starters:
        bag = _bag(event, contacts)
        for listener in listeners.of(event, ListenerKind.TRIGGER):
            passed = evaluate(listener.wanted.match, listener.wanted.conditions, bag, now).passed
            if passed and not _own(event, listener.workflow_id):
                wanted[event.organization_id, listener.workflow_id][f"event:{event.id}"] = bag
    return any([await _start(session, *target, bags) for target, bags in wanted.items()])


def _own(event: LogEvent, workflow_id: int) -> bool:
    """Whether it is about a run of this very workflow, which would start itself over and over."""
    return event.enrollment_id is not None and event.view["data"].get("workflow_id") == workflow_id


async def _start(session: Session, organization_id: int, workflow_id: int, bags: dict[str, dict[str, Any]]) -> bool:
    rows = read_batch({"contacts": list(bags.values())}, may_hold_nul=False).rows
    actor = SystemActor(organization_id, BY_WORKFLOW)
    try:
        started = await start_enrollments(session, actor, workflow_id, rows, origins=list(bags))
    except (NotFoundError, WorkflowArchivedError):
        log.info("trigger_without_workflow", workflow_id=workflow_id)  # deleted or archived in this moment
        return False
    return bool(started.ids)


async def _contacts_of_runs(session: Session, events: Sequence[LogEvent]) -> dict[tuple[int, int], dict[str, Any]]:
    """Who the runs are about that these events belong to."""
    runs = [(event.organization_id, event.enrollment_id) for event in events if event.enrollment_id is not None]
    if not runs:
        return {}
    rows = await session.fetch(sql.CONTACTS, [one for one, _ in runs], [run for _, run in runs])
    return {(row["organization_id"], row["id"]): _fields(row) for row in rows}


def _fields(row: Record) -> dict[str, Any]:
    names = ("email", "lead_ref", "first_name", "last_name", "timezone")
    return {name: row[name] for name in names if row[name]}


def _bag(event: LogEvent, contacts: dict[tuple[int, int], dict[str, Any]]) -> dict[str, Any]:
    """The new run's contact: what the event says, who it is about, and the event itself."""
    known = contacts.get((event.organization_id, event.enrollment_id or 0), {})
    about = [key for key in reversed(event.keys) if key != enrollment_key(event.record_id)]
    subject = {"email" if "@" in key else "lead_ref": key for key in about}
    return {**known, **subject, **event.view["data"], "event": event.view}
