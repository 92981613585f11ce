"""SQL of changes of holds. Every statement names the organization: the engine's role sees all of them."""

STEP_RUNS = """e.step_id <> ALL (
  SELECT unnest(w.paused_steps) FROM workflow w WHERE w.organization_id = $1 AND w.id = e.workflow_id)"""
"""Whether nothing pauses the step that a run stands on."""

SIZE = """SELECT coalesce(sum(enrollments) FILTER (WHERE status IN ('active', 'paused')), 0)::bigint AS live,
  coalesce(sum(enrollments), 0)::bigint AS runs
FROM enrollment_count WHERE organization_id = $1 AND ($2::bigint IS NULL OR workflow_id = $2)"""

MADE = f"""INSERT INTO hold_change
  (organization_id, workflow_id, step_id, kind, hold, policy, reason, total, actor_type, actor_id)
SELECT $1, $2, $3, $4, $5, $6, $7, live, $8, $9 FROM ({SIZE}) size RETURNING total"""

# Waits for a chunk that is under way; whoever works on one of these next finds it finished.
SUPERSEDE = """UPDATE hold_change SET finished_at = now(), updated_at = now(), superseded = true
WHERE organization_id = $1 AND workflow_id IS NOT DISTINCT FROM $2 AND finished_at IS NULL
  AND ($3::smallint = 0 OR hold = $3) AND ($4::text IS NULL OR step_id = $4)"""

REMAINING = """SELECT coalesce(sum(greatest(total - done, 1)), 0)::bigint FROM hold_change
WHERE organization_id = $1 AND workflow_id IS NOT DISTINCT FROM $2 AND finished_at IS NULL"""

# In turns, so that nobody's million keeps others waiting.
NEXT_OPEN = """SELECT * FROM hold_change WHERE finished_at IS NULL ORDER BY updated_at LIMIT 1 FOR UPDATE SKIP LOCKED"""

HOLD_CHANGES_WAIT = "EXISTS (SELECT FROM hold_change WHERE finished_at IS NULL)"

ADVANCE = """UPDATE hold_change SET done = done + $3, after_id = $4, listed = $5, placed = placed + $6,
  updated_at = clock_timestamp(), finished_at = CASE WHEN $7 THEN now() END
WHERE organization_id = $1 AND id = $2"""

_LIVE = "e.status IN ('active', 'paused')"
_RUNS = {True: "e.organization_id = $1 AND $2::bigint IS NULL", False: "e.organization_id = $1 AND e.workflow_id = $2"}
_WANTED = {
    "hold": f"{_LIVE} AND e.holds & $3::smallint = 0 AND ($4::text IS NULL OR e.step_id = $4)",
    "release": f"{_LIVE} AND e.holds & $3::smallint <> 0 AND ($4::text IS NULL OR {STEP_RUNS})",
    "cancel": f"{_LIVE} AND $3::smallint = 0 AND $4::text IS NULL",
}

EVERYBODY = """SELECT e.id FROM enrollment e
WHERE {runs} AND {wanted} AND (e.deleted_at IS NULL OR e.sends_for IS NOT NULL) ORDER BY e.id"""

# The next runs by id, whether they are to be changed or not, so that a chunk costs the same wherever it is; with the
# last one the hidden runs that only send a mail again.
SCAN = """WITH seen AS (
  SELECT e.id, {wanted} AS wanted FROM enrollment e
  WHERE {runs} AND e.deleted_at IS NULL AND e.id > $5 ORDER BY e.id LIMIT $6
), hidden AS (
  SELECT e.id FROM enrollment e
  WHERE {runs} AND e.sends_for IS NOT NULL AND {wanted} AND (SELECT count(*) FROM seen) < $6
)
SELECT (SELECT count(*) FROM seen) AS seen, (SELECT max(id) FROM seen) AS last_id, ARRAY (
  SELECT id FROM seen WHERE wanted UNION SELECT id FROM hidden ORDER BY id) AS ids"""


def everybody(kind: str, *, everywhere: bool) -> str:
    """The ids of all whom a change is about. `$1` organization, `$2` workflow (null with `everywhere`), `$3` flag,
    `$4` step."""
    return EVERYBODY.format(wanted=_WANTED[kind], runs=_RUNS[everywhere])


def scan(kind: str, *, everywhere: bool) -> str:
    """The same of the next runs by id: `$5` after this id, `$6` how many to look at."""
    return SCAN.format(wanted=_WANTED[kind], runs=_RUNS[everywhere])


# Who gets a place in a respread: those that nothing else holds, and that were due when it began. `$3` the flag, `$4`
# the moment, `$5` whether their clock stood, `$6` the change.
LIST = """WITH late AS (
  SELECT e.id, e.next_run_at + CASE WHEN $5::boolean AND e.signal IS NULL THEN greatest($4 - e.held_at, interval '0')
    ELSE interval '0' END AS due_at
  FROM enrollment e WHERE e.organization_id = $1 AND e.id = ANY ($2::bigint[]) AND e.holds = $3::smallint
    AND e.next_run_at IS NOT NULL
), listed AS (
  INSERT INTO hold_place (organization_id, change_id, due_at, enrollment_id)
  SELECT $1, $6, due_at, id FROM late WHERE due_at <= $4 ON CONFLICT DO NOTHING RETURNING enrollment_id)
SELECT enrollment_id FROM listed"""

# By where they lie: nobody else takes them, and the planner, who knows nothing of so young a table, is not asked.
TAKE = """DELETE FROM hold_place WHERE organization_id = $1 AND ctid = ANY (ARRAY (
  SELECT p.ctid FROM hold_place p WHERE p.organization_id = $1 AND p.change_id = $2
  ORDER BY p.due_at, p.enrollment_id LIMIT $3))
RETURNING enrollment_id"""

FORGET = """DELETE FROM hold_place p USING hold_change c
WHERE c.organization_id = p.organization_id AND c.id = p.change_id AND c.finished_at IS NOT NULL"""
