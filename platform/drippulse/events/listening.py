"""Events as the dispatcher reads them, and who listens to them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import orjson
import structlog

from drippulse.events import dispatch_queries as sql
from drippulse.events.tables import ListenerKind
from drippulse.events.waiting import event_of
from drippulse.kit.db import Record, Session
from drippulse.workflows.event_match import EventConditions

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LogEvent:
    """An event of the log. `view` is {id, type, data, at}."""

    id: int
    organization_id: int
    type: str
    record_type: str
    record_id: str
    actor_type: str
    keys: tuple[str, ...]
    created_at: datetime
    view: dict[str, Any]

    @classmethod
    def of(cls, row: Record) -> Self:
        keys = tuple(key for key in (row["key"], row["other_key"]) if key)
        return cls(
            row["id"],
            row["organization_id"],
            row["type"],
            row["record_type"],
            row["record_id"],
            row["actor_type"],
            keys,
            row["created_at"],
            event_of(row),
        )

    @property
    def enrollment_id(self) -> int | None:
        """The run that it belongs to, if it belongs to one."""
        return int(self.record_id) if self.record_type == "enrollment" and self.record_id.isdigit() else None


@dataclass(frozen=True, slots=True)
class Listening:
    """Something of one version that listens to one type. `reason` is how a run that it ends is said to have ended."""

    workflow_id: int
    version: int
    kind: ListenerKind
    wanted: EventConditions
    reason: str


@dataclass(frozen=True, slots=True)
class Listeners:
    """Goals come before exits, so that a run that reaches its goal is said to have reached it."""

    by_type: dict[tuple[int, str, ListenerKind], list[Listening]]

    def of(self, event: LogEvent, kind: ListenerKind) -> list[Listening]:
        return self.by_type.get((event.organization_id, event.type, kind), [])


async def load_listeners(session: Session, events: Iterable[LogEvent]) -> Listeners:
    """Who listens to the types of these events, in their organizations."""
    types = sorted({(event.organization_id, event.type) for event in events})
    rows = await session.fetch(sql.LISTENERS, [one for one, _ in types], [name for _, name in types])
    found: dict[tuple[int, str, ListenerKind], list[Listening]] = defaultdict(list)
    for row in rows:
        kind = ListenerKind(row["kind"])
        config: dict[str, Any] = orjson.loads(row["config"])
        reason = config.pop("reason", "")
        try:
            wanted = EventConditions(**config)
        except ValueError as error:  # accepted under rules of another time; one tenant's must not stop the log
            log.error("listener_unreadable", workflow_id=row["workflow_id"], reason=str(error))
            continue
        listening = Listening(row["workflow_id"], row["version"], kind, wanted, reason)
        found[row["organization_id"], row["event_type"], kind].append(listening)
    return Listeners(dict(found))
