"""SQL of the dispatcher. It runs under the engine's role, so every statement names the organizations it means."""

# One dispatcher at a time; another finds the row locked.
CURSOR = "SELECT xid::text AS xid, id FROM event_cursor WHERE name = 'dispatcher' FOR UPDATE SKIP LOCKED"

ADVANCE = "UPDATE event_cursor SET xid = $1::text::xid8, id = $2, updated_at = now() WHERE name = 'dispatcher'"

LISTENED = """EXISTS (SELECT FROM workflow_listener l
  WHERE l.organization_id = e.organization_id AND l.event_type = e.type)"""

COLUMNS = """e.id, e.xid::text AS xid, e.organization_id, e.type, e.record_type, e.record_id, e.actor_type, e.key,
  e.other_key, e.data, coalesce(e.occurred_at, e.created_at) AS at, e.created_at"""
AFTER = "(e.xid, e.id) > ($1::text::xid8, $2::bigint)"

# `horizon` is the oldest transaction that may still append: below it the log is complete. At most `$4` events are
# looked at for `$3` that somebody listens to, so that a flood of one organization is passed over piece by piece.
READ = f"""SELECT h.horizon::text AS horizon, e.* FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS horizon) h
LEFT JOIN LATERAL (
  SELECT {COLUMNS}, e.xid AS place FROM (
    SELECT * FROM event e WHERE {AFTER} AND e.xid < h.horizon ORDER BY e.xid, e.id LIMIT $4) e
  WHERE e.organization_id NOT IN (SELECT l.organization_id FROM event_lag l) AND {LISTENED}
  ORDER BY e.xid, e.id LIMIT $3
) e ON true ORDER BY e.place, e.id"""
WINDOW_END = f"""SELECT e.xid::text AS xid, e.id FROM event e WHERE {AFTER} AND e.xid < $3::text::xid8
ORDER BY e.xid, e.id OFFSET $4::bigint - 1 LIMIT 1"""

# The same of one organization that is behind the others, up to where they are.
BEHIND = f"{AFTER} AND (e.xid, e.id) <= ({{xid}}::text::xid8, {{id}}::bigint)"
READ_LANE = f"""SELECT {COLUMNS} FROM (
  SELECT * FROM event e WHERE {BEHIND.format(xid="$6", id="$7")} ORDER BY e.xid, e.id LIMIT $4) e
WHERE e.organization_id = $5 AND {LISTENED} ORDER BY e.xid, e.id LIMIT $3"""
LANE_WINDOW_END = f"""SELECT e.xid::text AS xid, e.id FROM event e WHERE {BEHIND.format(xid="$3", id="$4")}
ORDER BY e.xid, e.id OFFSET $5::bigint - 1 LIMIT 1"""

LANES = "SELECT organization_id FROM event_lag ORDER BY updated_at LIMIT $1"
LANE_CURSOR = "SELECT xid::text AS xid, id FROM event_lag WHERE organization_id = $1"
ADVANCE_LANE = """UPDATE event_lag SET xid = $2::text::xid8, id = $3, updated_at = clock_timestamp()
WHERE organization_id = $1"""
FALL_BEHIND = """INSERT INTO event_lag (organization_id, xid, id)
SELECT l.organization_id, l.xid::xid8, l.id
FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS l (organization_id, xid, id)"""
CATCH_UP = "DELETE FROM event_lag WHERE organization_id = $1"

HELD_BACK = f"SELECT EXISTS (SELECT FROM event e WHERE {AFTER} AND {LISTENED})"

UNREAD = """SELECT EXISTS (SELECT FROM event_lag) OR EXISTS (SELECT FROM event e, event_cursor c
WHERE c.name = 'dispatcher' AND (e.xid, e.id) > (c.xid, c.id)
  AND e.xid < pg_snapshot_xmin(pg_current_snapshot()))"""

LISTENERS = """SELECT l.organization_id, l.workflow_id, l.version, l.kind, l.place, l.event_type, l.step_id, l.config
FROM workflow_listener l JOIN unnest($1::bigint[], $2::text[]) AS t (organization_id, event_type)
  USING (organization_id, event_type)
ORDER BY l.organization_id, l.workflow_id, l.version, l.kind DESC, l.place"""

# The transactions that look back for an event right now; nothing is locked by asking.
WATCHERS = """SELECT DISTINCT virtualtransaction AS watcher FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (classid::bigint << 32 | objid::bigint) = ANY ($1::bigint[])"""

WAITS = """SELECT DISTINCT ON (w.organization_id, w.enrollment_id) w.organization_id, w.event_type, w.enrollment_id,
  w.visit, w.config, w.after_id, w.since,
  array_agg(w.key) OVER (PARTITION BY w.organization_id, w.enrollment_id) AS keys,
  ARRAY (SELECT u.event_id FROM event_use u
    WHERE u.organization_id = w.organization_id AND u.enrollment_id = w.enrollment_id) AS used
FROM event_wait w JOIN unnest($1::bigint[], $2::text[], $3::text[]) AS t (organization_id, event_type, key)
  USING (organization_id, event_type, key)
ORDER BY w.organization_id, w.enrollment_id"""

# Rows are locked in the order of their ids, as every batch locks them. One that is held hears of it on release.
SIGNAL = """WITH told AS (
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::jsonb[]) AS t (organization_id, id, visit, signal)
), locked AS MATERIALIZED (
  SELECT e.id FROM enrollment e WHERE e.id = ANY ($2) AND e.status IN ('active', 'paused')
  ORDER BY e.id FOR NO KEY UPDATE
)
UPDATE enrollment e SET signal = coalesce(e.signal, '{}') || told.signal, next_run_at = now(),
  claimable_at = CASE WHEN e.holds = 0 THEN now() END, fence = e.fence + 1, updated_at = now()
FROM told WHERE e.id = ANY (ARRAY (SELECT id FROM locked)) AND e.organization_id = told.organization_id
  AND e.id = told.id AND e.visit = told.visit AND e.status IN ('active', 'paused')
RETURNING e.id"""

# A run that is at another wait by now keeps that one.
FORGET_TOLD = """DELETE FROM event_wait w
USING unnest($1::bigint[], $2::bigint[], $3::int[]) AS t (organization_id, enrollment_id, visit)
WHERE w.organization_id = t.organization_id AND w.enrollment_id = t.enrollment_id AND w.visit = t.visit"""

FORGET_WAITS = """DELETE FROM event_wait w
USING unnest($1::bigint[], $2::bigint[]) AS t (organization_id, enrollment_id)
WHERE w.organization_id = t.organization_id AND w.enrollment_id = t.enrollment_id"""

# A run that an event started can be ended by any later one, however long the start took. One that has failed stays so
# and keeps the reason, so that a retry knows of it.
END = """WITH wanted AS (
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::text[], $5::bigint[], $6::timestamptz[], $7::text[],
    $8::bigint[]) WITH ORDINALITY
    AS w (organization_id, workflow_id, version, key, event_id, at, reason, enrollment_id, place)
), found AS (
  SELECT w.organization_id, w.version, w.event_id, w.at, w.reason, w.place, k.enrollment_id AS id
  FROM wanted w JOIN enrollment_key k ON k.organization_id = w.organization_id AND k.workflow_id = w.workflow_id
    AND k.key = w.key
  UNION ALL
  SELECT w.organization_id, w.version, w.event_id, w.at, w.reason, w.place, e.id
  FROM wanted w JOIN enrollment e ON e.organization_id = w.organization_id AND e.id = w.enrollment_id
    AND e.workflow_id = w.workflow_id
), hit AS MATERIALIZED (
  SELECT e.id, f.organization_id, f.reason, f.place
  FROM found f JOIN enrollment e ON e.organization_id = f.organization_id AND e.id = f.id
  WHERE e.workflow_version = f.version
    AND (e.status IN ('active', 'paused') OR e.status = 'failed' AND e.exit_reason IS NULL) AND CASE
    WHEN e.origin LIKE 'event:%' THEN f.event_id > substr(e.origin, 7)::bigint ELSE f.at >= e.created_at END
  ORDER BY e.id FOR NO KEY UPDATE OF e
), first AS (SELECT DISTINCT ON (id) * FROM hit ORDER BY id, place)
UPDATE enrollment e SET exit_reason = f.reason, next_run_at = NULL, claimable_at = NULL, wait_reason = NULL,
  status = CASE WHEN e.status = 'failed' THEN 'failed' ELSE 'completed' END, fence = e.fence + 1,
  finished_at = CASE WHEN e.status = 'failed' THEN e.finished_at ELSE now() END, updated_at = now()
FROM first f WHERE e.organization_id = f.organization_id AND e.id = f.id
RETURNING e.organization_id, e.id, e.workflow_id, e.lead_ref, f.reason, e.status"""

ENDED = """INSERT INTO event (organization_id, type, record_type, record_id, actor_type, data)
SELECT organization_id, 'enrollment.completed', 'enrollment', id::text, 'workflow',
  jsonb_build_object('workflow_id', workflow_id, 'lead_ref', lead_ref, 'reason', reason)
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[])
  AS t (organization_id, id, workflow_id, lead_ref, reason)"""

CONTACTS = """SELECT e.organization_id, e.id, e.email, e.lead_ref, e.first_name, e.last_name, e.timezone
FROM enrollment e JOIN unnest($1::bigint[], $2::bigint[]) AS t (organization_id, id) USING (organization_id, id)"""


FORGET_STALE_WAITS = """DELETE FROM event_wait w WHERE w.created_at < now() - interval '1 hour' AND NOT EXISTS (
  SELECT FROM enrollment e WHERE e.organization_id = w.organization_id AND e.id = w.enrollment_id
    AND e.visit = w.visit AND e.status IN ('active', 'paused'))"""
FORGET_STALE_USES = """DELETE FROM event_use u WHERE NOT EXISTS (
  SELECT FROM enrollment e WHERE e.organization_id = u.organization_id AND e.id = u.enrollment_id
    AND e.status IN ('active', 'paused', 'failed'))"""
# What failed may be retried, and its goals with it.
FORGET_STALE_KEYS = """DELETE FROM enrollment_key k WHERE NOT EXISTS (
  SELECT FROM enrollment e WHERE e.organization_id = k.organization_id AND e.id = k.enrollment_id
    AND e.status IN ('active', 'paused', 'failed'))"""
