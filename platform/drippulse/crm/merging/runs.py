"""Enrollments follow their contact or lead to another record.

What is moved is the reference alone. Its data, its address and its fence stay, so that nothing in flight is lost; the
suppression list counts for the address that it was enrolled with, as before.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from drippulse.crm.bundles.candidates import uuid_of
from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.presentation import Row
from drippulse.crm.tables import RecordType
from drippulse.enrollments.cancellation import cancel_picked
from drippulse.events.service import Actor
from drippulse.kit.db import Session

# Steps lock a run and then the records that they write, and batches their runs by id: so does who moves them.
# They are found by reference first and put in order then: in one go the planner would go through all runs by id.
THEIRS = """ANY (ARRAY (SELECT id FROM enrollment
  WHERE organization_id = $1 AND lead_ref = ANY ({refs}::text[]) AND deleted_at IS NULL))"""
LOCK = f"""SELECT count(*) FROM (SELECT id FROM enrollment
  WHERE organization_id = $1 AND id = {THEIRS.format(refs="$2")} AND status IN ('active', 'paused')
  ORDER BY id FOR NO KEY UPDATE) AS locked"""

# A workflow of nodes takes a contact once at a time; one of steps says so in its settings.
ONE_AT_A_TIME = """(v.settings #>> '{re_entry,mode}' IN ('never', 'after_exit')
  OR v.settings #>> '{re_entry,mode}' = 'max' AND v.settings #>> '{re_entry,max}' = '1'
  OR EXISTS (SELECT FROM workflow_nodes n
    WHERE n.organization_id = $1 AND n.workflow_id = w.id AND n.version = w.version))"""

TOO_MANY = f"""SELECT id FROM (
  SELECT e.id, e.lead_ref = ANY ($2::text[]) AS moving, row_number() OVER (
    PARTITION BY e.workflow_id, CASE WHEN e.dedupe_key = ANY ($3::text[]) THEN '' ELSE coalesce(e.dedupe_key, '') END
    ORDER BY e.lead_ref = ANY ($2::text[]), e.id) AS place
  FROM enrollment e
  JOIN workflow w ON w.organization_id = $1 AND w.id = e.workflow_id
  JOIN workflow_version v ON v.organization_id = $1 AND v.workflow_id = w.id AND v.version = w.version
  WHERE e.organization_id = $1 AND e.id = {THEIRS.format(refs="$3")} AND e.status IN ('active', 'paused')
    AND {ONE_AT_A_TIME}) AS run
WHERE moving AND place > 1 ORDER BY id"""

MOVE = """WITH going AS MATERIALIZED ({going}),
moved AS (
  UPDATE enrollment e SET lead_ref = g.new, updated_at = now(),
    dedupe_key = CASE WHEN e.dedupe_key = g.old THEN g.new ELSE e.dedupe_key END
  FROM going g WHERE e.organization_id = $1 AND e.id = g.id RETURNING e.id, g.old, g.new, g.more),
kept AS (
  INSERT INTO moved_run (organization_id, changeset_id, enrollment_id, from_ref, to_ref, more_keys)
  SELECT $1, $2, id, old, new, more FROM moved)
SELECT count(*) FROM moved"""
THERE = f"""SELECT e.id, r.old, r.new, $5::text[] AS more FROM unnest($3::text[], $4::text[]) AS r (old, new)
  JOIN enrollment e ON e.lead_ref = r.old AND e.deleted_at IS NULL
  WHERE e.organization_id = $1 AND e.id = {THEIRS.format(refs="$3")} ORDER BY e.id FOR NO KEY UPDATE OF e"""
BACK = """SELECT e.id, m.to_ref AS old, m.from_ref AS new, '{}'::text[] AS more FROM moved_run m
  JOIN enrollment e ON e.organization_id = $1 AND e.id = m.enrollment_id AND e.lead_ref = m.to_ref
    AND e.deleted_at IS NULL
  WHERE e.id = ANY (ARRAY (SELECT enrollment_id FROM moved_run WHERE organization_id = $1 AND changeset_id = $3))
    AND m.organization_id = $1 AND m.changeset_id = $3 AND m.from_ref <> ALL ($4::text[])
  ORDER BY e.id FOR NO KEY UPDATE OF e"""

# Events reach a run by its new reference too; what knows only the old one still does.
LISTEN = """INSERT INTO enrollment_key (organization_id, workflow_id, key, enrollment_id)
SELECT $1, e.workflow_id, k.key, e.id FROM moved_run m
JOIN enrollment e ON e.organization_id = $1 AND e.id = m.enrollment_id AND e.status IN ('active', 'paused')
CROSS JOIN LATERAL unnest(m.to_ref || m.more_keys) AS k (key)
WHERE m.organization_id = $1 AND m.changeset_id = $2 AND EXISTS (SELECT FROM workflow_listener l
  WHERE l.organization_id = $1 AND l.workflow_id = e.workflow_id AND l.kind IN ('exit', 'goal'))
ON CONFLICT DO NOTHING"""
WAIT = """INSERT INTO event_wait (organization_id, event_type, key, enrollment_id, visit, config, after_id, since)
SELECT $1, w.event_type, k.key, w.enrollment_id, w.visit, w.config, w.after_id, w.since FROM moved_run m
JOIN event_wait w ON w.organization_id = $1 AND w.enrollment_id = m.enrollment_id AND w.key = m.from_ref
CROSS JOIN LATERAL unnest(m.to_ref || m.more_keys) AS k (key)
WHERE m.organization_id = $1 AND m.changeset_id = $2
ON CONFLICT DO NOTHING"""
UNLISTEN = """DELETE FROM {table} k USING moved_run m, enrollment e
WHERE m.organization_id = $1 AND m.changeset_id = $2 AND e.organization_id = $1 AND e.id = m.enrollment_id
  AND e.lead_ref = m.from_ref AND k.organization_id = $1 AND k.enrollment_id = m.enrollment_id
  AND k.key = ANY (m.to_ref || m.more_keys) AND k.key <> e.lead_ref AND k.key <> lower(e.email)"""

FROM_REFS = "SELECT DISTINCT from_ref FROM moved_run WHERE organization_id = $1 AND changeset_id = $2"
MERGED = """SELECT unnest(ARRAY[public_id, id::text]) AS ref FROM {table}
WHERE organization_id = $1 AND merged_into_id IS NOT NULL AND (public_id = ANY ($2::text[]) OR id = ANY ($3::uuid[]))"""
LOCK_MOVED = """SELECT count(*) FROM (SELECT e.id FROM moved_run m
  JOIN enrollment e ON e.organization_id = $1 AND e.id = m.enrollment_id AND e.status IN ('active', 'paused')
  WHERE m.organization_id = $1 AND m.changeset_id = $2 ORDER BY e.id FOR NO KEY UPDATE OF e) AS locked"""


@dataclass(frozen=True, slots=True)
class MovedRuns:
    """How many have the new reference, and how many of those were ended for it."""

    moved: int
    cancelled: int


def refs_between(old: Row, new: Row) -> dict[str, str]:
    """How a run refers to a record -> how it refers to the other one."""
    return {old["public_id"]: new["public_id"], str(old["id"]): str(new["id"])}


async def lock_runs(session: Session, organization_id: int, refs: Collection[str]) -> None:
    """Those under way stand still until this transaction ends. Call it before records are locked."""
    await session.execute(LOCK, organization_id, list(refs))


async def move_runs(
    session: Session,
    actor: Actor,
    changeset: OpenChangeset,
    refs: Mapping[str, str],
    *,
    reason: str,
    email_keys: Collection[str] = (),
) -> MovedRuns:
    """Give every run with one of these references its new one.

    Of several under way in one workflow that takes a contact once at a time, the one that has the new reference already
    goes on, else the oldest; the others are cancelled with `reason`. Events about the record behind the new reference
    reach what is under way: by this reference, and by `email_keys`, its addresses.
    """
    organization_id, number = actor.organization_id, await changeset.number(session)
    everybody = [*refs, *refs.values()]
    too_many = await session.fetch(TOO_MANY, organization_id, list(refs), everybody)
    cancelled = await cancel_picked(session, actor, [row["id"] for row in too_many], reason) if too_many else 0
    sql, more = MOVE.format(going=THERE), [key for key in email_keys if key]
    moved = int(await session.fetchval(sql, organization_id, number, list(refs), list(refs.values()), more))
    if moved:
        await session.execute(LISTEN, organization_id, number)
        await session.execute(WAIT, organization_id, number)
    return MovedRuns(moved, cancelled)


async def lock_moved(session: Session, organization_id: int, changeset_id: int) -> None:
    """As `lock_runs`, for `move_back`."""
    await session.execute(LOCK_MOVED, organization_id, changeset_id)


async def move_back(session: Session, organization_id: int, changeset_id: int, own: OpenChangeset) -> int:
    """Undo `move_runs` of a changeset, in another one that can be undone in turn; how many.

    A run that was moved on since stays, and so does one whose record is still merged. What was cancelled stays so.
    """
    refs = [row["from_ref"] for row in await session.fetch(FROM_REFS, organization_id, changeset_id)]
    if not refs:
        return 0
    merged = await _merged(session, organization_id, refs)
    number = await own.number(session)
    sql = MOVE.format(going=BACK)
    moved = int(await session.fetchval(sql, organization_id, number, changeset_id, merged))
    await session.execute(LISTEN, organization_id, number)
    await session.execute(WAIT, organization_id, number)
    for table in ("enrollment_key", "event_wait"):
        await session.execute(UNLISTEN.format(table=table), organization_id, changeset_id)
    return moved


async def _merged(session: Session, organization_id: int, refs: Collection[str]) -> list[str]:
    """Those that mean a record which is merged into another one."""
    ids = [as_id for ref in refs if (as_id := uuid_of(ref)) is not None]
    found: list[str] = []
    for kind in (RecordType.CONTACT, RecordType.LEAD):
        rows = await session.fetch(MERGED.format(table=kind.value), organization_id, list(refs), ids)
        found += [row["ref"] for row in rows]
    return found
