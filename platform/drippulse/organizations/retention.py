"""Deleting what an organization does not want to keep: a chore, in portions of one slice of time each.

A timeline loses its entries from before, whoever the run belongs to and whether it is under way; the run itself stays.
Of the event log stays what nobody has read yet, and who enrolled the runs that are under way: approvals ask for it.
"""

from datetime import datetime, timedelta

from drippulse.kit.db import Database, Record, Role, Session

SLICE = timedelta(hours=6)
MOST_SLICES = 200
"""Of one organization and kind in one round: what has gathered over years is deleted over some rounds."""
MOST_ROWS = 5000
USAGE_KEPT_DAYS = 400

# Who has set anything, for how long, and how far the last round came. The beginning is the organization's own.
DUE = """SELECT o.id AS organization_id, k.kind, o.created_at AS began_at, m.done_until,
  now() - make_interval(days => (o.retention ->> (k.kind || '_days'))::int) AS until
FROM organization o CROSS JOIN unnest(ARRAY['timeline', 'event', 'audit']) AS k (kind)
LEFT JOIN retention_mark m ON m.organization_id = o.id AND m.kind = k.kind
WHERE o.retention <> '{}' AND o.retention ->> (k.kind || '_days') IS NOT NULL
ORDER BY 1, 2"""

MARK = """INSERT INTO retention_mark AS m (organization_id, kind, done_until) VALUES ($1, $2, $3)
ON CONFLICT (organization_id, kind) DO UPDATE SET done_until = greatest(m.done_until, excluded.done_until)"""

# By the time, which leads to a partition and within it to a few blocks.
TIMELINE = "DELETE FROM enrollment_walk WHERE organization_id = $1 AND created_at >= $2 AND created_at < $3"

# From the oldest on: ids rise with time, so that the first young one ends the search.
OLDEST = {
    "event": """SELECT e.id, e.created_at < $3
  AND (e.xid, e.id) <= (SELECT c.xid, c.id FROM event_cursor c WHERE c.name = 'dispatcher')
  AND NOT EXISTS (SELECT FROM event_lag l
    WHERE l.organization_id = e.organization_id AND (e.xid, e.id) > (l.xid, l.id)) AS old,
  EXISTS (SELECT FROM enrollment r WHERE r.organization_id = e.organization_id
    AND r.id = CASE WHEN e.type = 'enrollment.created' THEN e.record_id::bigint END
    AND r.status IN ('active', 'paused') AND r.deleted_at IS NULL) AS kept
FROM event e WHERE e.organization_id = $1 AND e.id > $2 ORDER BY e.id LIMIT $4""",
    "audit": """SELECT a.id, a.created_at < $3 AS old, false AS kept FROM audit_entry a
WHERE a.organization_id = $1 AND a.id > $2 ORDER BY a.id LIMIT $4""",
}
DELETE = {
    "event": "DELETE FROM event WHERE organization_id = $1 AND id = ANY ($2::bigint[])",
    "audit": "DELETE FROM audit_entry WHERE organization_id = $1 AND id = ANY ($2::bigint[])",
}

USAGE = (
    "DELETE FROM api_key_usage WHERE day < current_date - $1::int",
    "DELETE FROM graphql_usage WHERE day < current_date - $1::int",
)


async def forget_expired(database: Database) -> bool:
    """A chore. One short transaction a portion; two at once do the same twice. Says that no enrollment is due."""
    async with database.session(Role.ENGINE) as session:
        for statement in USAGE:
            await session.execute(statement, USAGE_KEPT_DAYS)
        due = await session.fetch(DUE)
    for row in due:
        await (_forget_timeline(database, row) if row["kind"] == "timeline" else _forget_rows(database, row))
    return False


async def _forget_timeline(database: Database, row: Record) -> None:
    begin: datetime = row["done_until"] or row["began_at"]
    for _ in range(MOST_SLICES):
        if begin >= row["until"]:
            return
        end = min(begin + SLICE, row["until"])
        async with database.session(Role.ENGINE) as session:
            await session.execute(TIMELINE, row["organization_id"], begin, end)
            await session.execute(MARK, row["organization_id"], row["kind"], end)
        begin = end


async def _forget_rows(database: Database, row: Record) -> None:
    after = 0
    for _ in range(MOST_SLICES):
        async with database.session(Role.ENGINE) as session:
            after = await _forget_portion(session, row, after)
        if after < 0:
            return


async def _forget_portion(session: Session, row: Record, after: int) -> int:
    """The id to go on behind, or -1 when the rest is to be kept."""
    found = await session.fetch(OLDEST[row["kind"]], row["organization_id"], after, row["until"], MOST_ROWS)
    gone = [one["id"] for one in found if one["old"] and not one["kept"]]
    if gone:
        await session.execute(DELETE[row["kind"]], row["organization_id"], gone)
    whole = len(found) == MOST_ROWS and found[-1]["old"]
    return int(found[-1]["id"]) if whole else -1
