"""Reading on in the log for those who watch: many organizations in one statement, in the order (xid, id).

The order and the horizon are the dispatcher's: below the oldest open transaction the log is complete, so a position
that was read up to is never passed by an event that commits late.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from drippulse.events.log_position import LogPosition
from drippulse.kit.db import Record, Session

WINDOW = 2_000
"""Events that one statement looks at, whoever they belong to."""

HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS horizon"

# `held`: committed already, but a transaction that began before it is still open. Runs know their workflow.
READ = """WITH h AS MATERIALIZED (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS horizon),
seen AS MATERIALIZED (
  SELECT e.xid, e.id, e.organization_id, e.type, e.record_type, e.record_id, e.created_at FROM event e
  WHERE (e.xid, e.id) > ($1::text::xid8, $2::bigint) AND e.xid < (SELECT horizon FROM h)
  ORDER BY e.xid, e.id LIMIT $4)
SELECT h.horizon::text AS horizon, s.seen, l.xid::text AS last_xid, l.id AS last_id, held.held, e.xid::text AS xid,
  e.id, e.organization_id, e.type, e.record_type, e.record_id, e.created_at, e.workflow_id
FROM h CROSS JOIN (SELECT count(*) AS seen FROM seen) s
CROSS JOIN (SELECT EXISTS (SELECT FROM event e, h WHERE e.xid >= h.horizon AND e.organization_id = ANY ($3::bigint[]))
  AS held) held
LEFT JOIN (SELECT xid, id FROM seen ORDER BY xid DESC, id DESC LIMIT 1) l ON true
LEFT JOIN LATERAL (
  SELECT seen.*, seen.xid AS place, CASE seen.record_type
    WHEN 'workflow' THEN CASE WHEN seen.record_id ~ '^[0-9]{1,18}$' THEN seen.record_id::bigint END
    WHEN 'enrollment' THEN (SELECT r.workflow_id FROM enrollment r WHERE r.organization_id = seen.organization_id
      AND r.id = CASE WHEN seen.record_id ~ '^[0-9]{1,18}$' THEN seen.record_id::bigint END)
  END AS workflow_id
  FROM seen WHERE seen.organization_id = ANY ($3::bigint[])) e ON true
ORDER BY e.place, e.id"""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What happened to which record. `workflow_id` is known of workflows and of runs."""

    position: LogPosition
    organization_id: int
    type: str
    record_type: str
    record_id: str
    at: datetime
    workflow_id: int | None

    @classmethod
    def of(cls, row: Record) -> Self:
        return cls(
            LogPosition(int(row["xid"]), row["id"]),
            row["organization_id"],
            row["type"],
            row["record_type"],
            row["record_id"],
            row["created_at"],
            row["workflow_id"],
        )

    @property
    def number(self) -> int | None:
        """The record's integer id."""
        return int(self.record_id) if self.record_id.isascii() and self.record_id.isdigit() else None


@dataclass(frozen=True, slots=True)
class LogPart:
    """`end` is how far was read, `more` whether something lies behind it already; `held` says that something does which
    an open transaction holds back."""

    entries: list[LogEntry]
    end: LogPosition
    more: bool
    held: bool


async def read_on(session: Session, after: LogPosition, organizations: Iterable[int], window: int = WINDOW) -> LogPart:
    """The entries of these organizations behind `after`. As the engine's role, which sees every organization."""
    rows = await session.fetch(READ, str(after.xid), after.id, sorted(organizations), window)
    head = rows[0]
    more = head["seen"] >= window
    end = LogPosition(int(head["last_xid"]), head["last_id"]) if more else LogPosition(int(head["horizon"]), 0)
    found = [LogEntry.of(row) for row in rows if row["id"] is not None]
    return LogPart(found, max(end, after), more, head["held"])


async def log_end(session: Session) -> LogPosition:
    """How far the log is complete now."""
    row = await session.fetchrow(HORIZON)
    return LogPosition(int(row["horizon"]) if row else 0, 0)
