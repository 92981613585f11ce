"""SQL of moving runs to another version. Every statement names the organization: the engine's role sees all of them."""

from drippulse.enrollments.tables import OUTCOME_UNKNOWN, RETRY, Hold

# Rows with an open intent have a call in flight: they are left to a later round. So are rows that somebody is writing.
# The fence rises, so that a worker with the row writes nothing. The same step keeps its visit; what it retries, or what
# somebody has to decide about it, is not hurried. Whoever changes the step gets a visit of their own, because
# deliveries and keys are known by it; the time they have already waited counts.
CHUNK = f"""
WITH picked AS MATERIALIZED (
  SELECT e.id, e.workflow_version, e.visit, e.current_step_index, e.step_id, e.attempt, e.step_entered_at, e.lead_ref,
    e.holds, e.wait_reason, e.next_run_at, coalesce($5::jsonb -> e.step_id, $6::jsonb) AS target
  FROM enrollment e
  WHERE e.organization_id = $1 AND e.workflow_id = $2 AND e.deleted_at IS NULL AND e.id > $4
    AND e.status IN ('active', 'paused') AND e.workflow_version < $3 AND e.intent_at IS NULL
    AND ($6::jsonb IS NOT NULL OR $5::jsonb ? e.step_id)
  ORDER BY e.id LIMIT $7 FOR NO KEY UPDATE SKIP LOCKED
), placed AS (
  SELECT p.id, p.target = 'null' AS ends, s.stay, p.target ->> 'id' AS step_id,
    (p.target ->> 'index')::integer AS step_index,
    CASE WHEN s.stay THEN p.holds ELSE p.holds & ~{Hold.STEP.value}::smallint END AS holds,
    s.stay AND (coalesce(p.wait_reason IN ('{RETRY}', '{OUTCOME_UNKNOWN}'), false)
      OR p.holds <> 0 AND coalesce(p.next_run_at > now(), false)) AS keeps
  FROM picked p CROSS JOIN LATERAL (SELECT coalesce((p.target ->> 'stay')::boolean, false) AS stay) s
), moved AS (
  UPDATE enrollment e SET workflow_version = $3, current_step_index = p.step_index, step_id = p.step_id,
    visit = CASE WHEN p.stay THEN e.visit ELSE e.visit + 1 END,
    visits = CASE WHEN p.stay THEN e.visits WHEN $8::boolean THEN '{{}}'
      ELSE jsonb_set(e.visits, ARRAY[p.step_id], to_jsonb(coalesce((e.visits ->> p.step_id)::integer, 0) + 1)) END,
    attempt = CASE WHEN NOT p.stay THEN 0
      WHEN e.claimable_at IS DISTINCT FROM e.next_run_at AND e.claimable_at IS NOT NULL THEN greatest(e.attempt - 1, 0)
      ELSE e.attempt END,
    step_entered_at = CASE WHEN $8 THEN now() ELSE e.step_entered_at END,
    next_run_at = CASE WHEN p.keeps THEN e.next_run_at ELSE now() END,
    claimable_at = CASE WHEN p.holds <> 0 THEN NULL WHEN p.keeps THEN e.next_run_at ELSE now() END,
    wait_reason = CASE WHEN p.keeps THEN e.wait_reason END,
    holds = p.holds, held_at = CASE WHEN p.holds <> 0 THEN e.held_at END,
    signal = CASE WHEN p.stay THEN e.signal END, last_error = CASE WHEN p.stay THEN e.last_error END,
    fence = e.fence + 1, updated_at = now()
  FROM placed p
  WHERE e.organization_id = $1 AND e.id = p.id AND NOT p.ends RETURNING e.id
), ended AS (
  UPDATE enrollment e SET status = 'cancelled', exit_reason = 'version_exit', next_run_at = NULL, claimable_at = NULL,
    wait_reason = NULL, signal = NULL, fence = e.fence + 1, finished_at = now(), updated_at = now()
  FROM placed p WHERE e.organization_id = $1 AND e.id = p.id AND p.ends RETURNING e.id
), noted AS (
  INSERT INTO enrollment_walk (organization_id, enrollment_id, workflow_id, workflow_version, entries)
  SELECT $1, p.id, $2, p.workflow_version, jsonb_build_array(jsonb_build_array(p.visit, p.current_step_index, 'moved',
    greatest(p.attempt, 1), now(), p.step_entered_at, NULL, jsonb_build_object(
      'moved', jsonb_build_object('from_version', p.workflow_version, 'to_version', $3::integer,
        'to_step', p.target ->> 'id', 'ended', p.target = 'null'),
      'logs', jsonb_build_array(CASE WHEN p.target = 'null'
        THEN format('Ended when version %s was published', $3::integer)
        ELSE format('Moved to step "%s" of version %s', p.target ->> 'id', $3::integer) END))))
  FROM picked p ORDER BY p.id
), logged AS (
  INSERT INTO event (organization_id, type, record_type, record_id, actor_type, actor_id, data)
  SELECT $1, 'enrollment.cancelled', 'enrollment', p.id::text, $9, $10, jsonb_build_object('workflow_id', $2::bigint,
    'lead_ref', p.lead_ref, 'reason', 'version_exit', 'version', $3::integer)
  FROM picked p WHERE p.target = 'null' ORDER BY p.id
)
SELECT (SELECT count(*) FROM moved) AS moved, (SELECT count(*) FROM ended) AS exited,
  (SELECT max(id) FROM picked) AS last_id, (SELECT count(*) FROM picked) AS picked
"""

MADE = """INSERT INTO version_move
  (organization_id, workflow_id, version, strategy, targets, total, actor_type, actor_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING *, now() AS now"""

SUPERSEDE = """UPDATE version_move SET finished_at = now(), updated_at = now(), superseded = true
WHERE organization_id = $1 AND workflow_id = $2 AND finished_at IS NULL"""

NEXT_OPEN = """SELECT *, now() AS now FROM version_move WHERE finished_at IS NULL AND next_at <= now()
ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED"""

MOVES_WAIT = "EXISTS (SELECT FROM version_move WHERE finished_at IS NULL AND next_at <= now())"

ADVANCE = """UPDATE version_move SET moved = moved + $3, exited = exited + $4, after_id = $5, next_at = now() + $6,
  updated_at = now(), finished_at = CASE WHEN $7 THEN now() END
WHERE organization_id = $1 AND id = $2"""

LEFT = """SELECT coalesce(sum(enrollments), 0)::bigint FROM enrollment_count
WHERE organization_id = $1 AND workflow_id = $2 AND status IN ('active', 'paused') AND workflow_version < $3"""

PAGE = """SELECT m.id, m.version, m.strategy, m.targets, m.total, m.moved, m.exited, m.superseded, m.actor_type,
  m.actor_id, m.created_at, m.updated_at, m.finished_at,
  CASE WHEN m.finished_at IS NULL THEN coalesce((SELECT sum(c.enrollments) FROM enrollment_count c
    WHERE c.organization_id = m.organization_id AND c.workflow_id = m.workflow_id AND c.status IN ('active', 'paused')
      AND c.workflow_version < m.version), 0) ELSE 0 END::bigint AS remaining
FROM version_move m WHERE m.organization_id = $1 AND m.workflow_id = $2"""
