"""SQL of holding and letting go. Rows are locked in the order of their ids, as every batch locks them.

`{scope}` is one of `SCOPES`, whose parameters come first.
"""

ORGANIZATION = "e.organization_id = $1"
WORKFLOW = "e.organization_id = $1 AND e.workflow_id = $2"
STANDING = f"{WORKFLOW} AND e.step_id = $3"
NOT_PAUSED_STEPS = f"""{WORKFLOW} AND e.step_id <> ALL (
  SELECT unnest(w.paused_steps) FROM workflow w WHERE w.organization_id = $1 AND w.id = $2)"""
PICKED = f"{WORKFLOW} AND e.id = ANY ($3::bigint[])"
IDS = "e.organization_id = $1 AND e.id = ANY ($2::bigint[])"
IDS_ON_STEP = f"{IDS} AND e.step_id = $3"

# The fence rises so that a worker in the middle of a batch writes nothing; what it was calling is settled on release.
# The attempt that such a worker had begun does not count: it was taken from it. The parameter after the scope's is the
# moment of the pause (null: now).
HOLD = """WITH live AS (
  SELECT e.id FROM enrollment e
  WHERE {scope} AND e.status IN ('active', 'paused') AND (e.deleted_at IS NULL OR e.sends_for IS NOT NULL)
    AND e.holds & {flag} = 0
  ORDER BY e.id FOR NO KEY UPDATE)
UPDATE enrollment e SET holds = e.holds | {flag}, claimable_at = NULL,
  held_at = coalesce(e.held_at, $AT::timestamptz, now()),
  status = CASE WHEN {flag} = 1 THEN 'paused' ELSE e.status END, fence = e.fence + 1, updated_at = now(),
  attempt = CASE WHEN e.holds = 0 AND e.claimable_at IS DISTINCT FROM e.next_run_at THEN greatest(e.attempt - 1, 0)
    ELSE e.attempt END
FROM live WHERE e.organization_id = $1 AND e.id = live.id RETURNING e.id, e.lead_ref"""

# A call that was in flight when the hold came is given the time to end and be recorded, before it is settled.
# Parameters after the scope's: freeze, skip after (interval or null), gap of a respread (interval or null), its first
# place, the reason of a skip, the longest call, the moment of the resume (null: now).
RELEASE = """WITH held AS (
  SELECT coalesce($AT::timestamptz, now()) AS at, e.id, e.holds & ~{flag} AS holds, e.held_at, e.next_run_at,
    e.step_entered_at, e.signal
  FROM enrollment e
  WHERE {scope} AND e.status IN ('active', 'paused') AND (e.deleted_at IS NULL OR e.sends_for IS NOT NULL)
    AND e.holds & {flag} <> 0
  ORDER BY e.id FOR NO KEY UPDATE),
shifted AS (
  SELECT at, id, holds, holds = 0 AS free, next_run_at + shift AS due_at, step_entered_at + shift AS entered_at
  FROM held CROSS JOIN LATERAL (SELECT CASE WHEN $FREEZE::boolean AND holds = 0 AND signal IS NULL
    THEN at - held_at ELSE interval '0' END AS shift) s),
placed AS (
  SELECT *, free AND coalesce(due_at <= at, false) AS late,
    row_number() OVER (PARTITION BY free AND coalesce(due_at <= at, false) ORDER BY due_at, id) - 1 AS place
  FROM shifted),
timed AS (
  SELECT id, holds, free, entered_at, coalesce(late AND due_at < at - $SKIP::interval, false) AS skipped,
    CASE WHEN late AND $GAP::interval IS NOT NULL THEN at + (place + $FIRST::bigint) * $GAP ELSE due_at END AS run_at
  FROM placed)
UPDATE enrollment e SET holds = t.holds, held_at = CASE WHEN NOT t.free THEN e.held_at END,
  status = CASE WHEN {flag} = 1 THEN 'active' ELSE e.status END, updated_at = now(),
  next_run_at = t.run_at, step_entered_at = t.entered_at,
  claimable_at = CASE WHEN t.free AND t.run_at IS NOT NULL THEN greatest(t.run_at, e.intent_at + $CALL::interval) END,
  signal = CASE WHEN t.skipped
    THEN coalesce(e.signal, '{{}}') || jsonb_build_object('skip_sends', $REASON::text) ELSE e.signal END
FROM timed t WHERE e.organization_id = $1 AND e.id = t.id RETURNING e.id, e.lead_ref"""
