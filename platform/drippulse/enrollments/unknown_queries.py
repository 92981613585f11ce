"""SQL of mails whose outcome is unknown. `$1` is the organization, `$2` the workflow."""

from drippulse.enrollments.tables import OUTCOME_UNKNOWN, Hold

STANDS_ON_IT = "(e.status IN ('active', 'paused') AND e.visit = d.visit)"
"""Whether the run is still on the step of the mail."""
ASKS = f"({STANDS_ON_IT} AND coalesce(e.wait_reason = '{OUTCOME_UNKNOWN}', false))"
"""Whether it waits for the decision."""
ON_ITS_WAY = """EXISTS (SELECT FROM enrollment s WHERE s.organization_id = d.organization_id
  AND s.sends_for = d.enrollment_id AND s.visit = d.visit AND s.status IN ('active', 'paused'))"""
"""Whether it is being sent again."""

MAILS = "delivery d JOIN enrollment e ON e.organization_id = d.organization_id AND e.id = d.enrollment_id"

OPEN = f"""d.organization_id = $1 AND d.workflow_id = $2 AND d.status = 'unknown' AND e.deleted_at IS NULL
  AND ({ASKS} OR NOT {STANDS_ON_IT}) AND NOT {ON_ITS_WAY}"""
"""What somebody has to decide about. A run that stands on its step without asking tries again by itself."""

COUNT = f"SELECT count(*) FROM {MAILS} WHERE {OPEN}"

PAGE = f"""SELECT d.id, d.enrollment_id, d.visit, d.step_id, d.step_index, d.recipient, d.subject, d.attempts,
  d.updated_at AS since, e.status, {ASKS} AS asks FROM {MAILS} WHERE {OPEN}"""

# In ascending order, after the id `$3`; of the step `$4` alone when it is not null.
MATCHING = f"""SELECT d.id FROM {MAILS} WHERE {OPEN} AND d.id > $3 AND ($4::text IS NULL OR d.step_id = $4)
ORDER BY d.id LIMIT $5"""

# Runs first, then mails, both in the order of their ids, as every commit locks them.
LOCK_RUNS = """SELECT id FROM enrollment WHERE organization_id = $1 AND workflow_id = $2 AND id IN (
  SELECT enrollment_id FROM delivery WHERE organization_id = $1 AND workflow_id = $2 AND id = ANY ($3::bigint[]))
ORDER BY id FOR NO KEY UPDATE"""
LOCK_MAILS = """SELECT id FROM delivery WHERE organization_id = $1 AND workflow_id = $2 AND id = ANY ($3::bigint[])
ORDER BY id FOR NO KEY UPDATE"""

LOOK = f"""SELECT d.id, d.enrollment_id, d.status, e.status AS run_status, e.deleted_at IS NOT NULL AS removed,
  e.lead_ref, d.recipient, {STANDS_ON_IT} AS stands, {ASKS} AS asks, {ON_ITS_WAY} AS on_its_way
FROM {MAILS} WHERE d.organization_id = $1 AND d.workflow_id = $2 AND d.id = ANY ($3::bigint[]) ORDER BY d.id"""

DISMISS = """UPDATE delivery SET status = 'dismissed', updated_at = now()
WHERE organization_id = $1 AND workflow_id = $2 AND id = ANY ($3::bigint[]) AND status = 'unknown'"""

# A run of its own for one step: hidden like a removed one, without anything to know the contact by, so that no list,
# count, rule or event sees it. It is pinned to the version that the mail was made by, which the timeline knows, and
# its fences are higher than that of the first attempt, whose late answer therefore does not pass for its own.
RESEND = f"""INSERT INTO enrollment (organization_id, workflow_id, workflow_version, step_id, current_step_index, visit,
  bag, timezone, sends_for, fence, deleted_at, claimable_at, holds, held_at)
SELECT $1, $2, coalesce((
    SELECT w.workflow_version FROM enrollment_walk w
    WHERE w.organization_id = $1 AND w.enrollment_id = d.enrollment_id AND EXISTS (
      SELECT FROM jsonb_array_elements(w.entries) entry WHERE (entry ->> 0)::integer = d.visit)
    ORDER BY w.id DESC LIMIT 1), e.workflow_version),
  d.step_id, d.step_index, d.visit, e.bag, e.timezone, d.enrollment_id, d.fence, now(),
  CASE WHEN h.holds = 0 THEN now() END, h.holds, CASE WHEN h.holds <> 0 THEN now() END
FROM {MAILS} CROSS JOIN (
  SELECT CASE WHEN w.status = 'paused' THEN {Hold.WORKFLOW.value} ELSE 0 END
    + CASE WHEN o.paused_at IS NOT NULL THEN {Hold.ORGANIZATION.value} ELSE 0 END AS holds
  FROM workflow w JOIN organization o ON o.id = w.organization_id WHERE w.organization_id = $1 AND w.id = $2
) h
WHERE d.organization_id = $1 AND d.workflow_id = $2 AND d.id = ANY ($3::bigint[]) AND d.status = 'unknown'
ORDER BY d.id
ON CONFLICT (organization_id, sends_for, visit) WHERE sends_for IS NOT NULL AND status IN ('active', 'paused')
  DO NOTHING"""

# The runs that such mails belong to, as they are now and until this transaction ends. Runs that somebody is changing
# are left out, so that nobody waits here.
REPEATED = """SELECT s.id, e.deleted_at IS NOT NULL OR e.status = 'cancelled' AS gone, e.holds & 1 <> 0 AS paused
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS s (id, organization_id, sends_for)
JOIN enrollment e ON e.organization_id = s.organization_id AND e.id = s.sends_for
FOR SHARE OF e SKIP LOCKED"""
SETTLED = """SELECT d.enrollment_id, d.visit, d.status FROM delivery d
JOIN unnest($1::bigint[], $2::bigint[], $3::integer[]) AS s (organization_id, enrollment_id, visit)
  USING (organization_id, enrollment_id, visit)
WHERE d.status IN ('sent', 'dismissed') ORDER BY d.id FOR NO KEY UPDATE OF d"""
