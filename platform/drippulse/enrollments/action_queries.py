"""SQL of what operators do to runs. `$1` is the organization, `$2` the workflow, `$3` ids whose rows are locked."""

from drippulse.enrollments.tables import Hold

LOOK = """SELECT e.id, e.status, e.holds, e.wait_reason, e.lead_ref, e.dedupe_key, e.email, e.exit_reason
FROM enrollment e
WHERE e.organization_id = $1 AND e.workflow_id = $2 AND e.id = ANY ($3::bigint[]) AND e.deleted_at IS NULL
ORDER BY e.id"""
LOCK = f"{LOOK} FOR NO KEY UPDATE"

PICKED = "WHERE e.organization_id = $1 AND e.workflow_id = $2 AND e.id = ANY ($3::bigint[])"

CANCEL = f"""UPDATE enrollment e SET status = 'cancelled', exit_reason = $4, next_run_at = NULL, claimable_at = NULL,
  wait_reason = NULL, holds = 0, held_at = NULL, fence = e.fence + 1, finished_at = now(), updated_at = now()
{PICKED}"""

# What has reached its goal since it failed is at its end.
END = f"""UPDATE enrollment e SET status = 'completed', next_run_at = NULL, claimable_at = NULL, wait_reason = NULL,
  signal = NULL, fence = e.fence + 1, finished_at = now(), updated_at = now() {PICKED}"""

# The same step visit, so the same idempotency key; as many attempts as a new one has.
RETRY = f"""UPDATE enrollment e SET status = 'active', attempt = 0, next_run_at = now(), wait_reason = NULL,
  signal = NULL, exit_reason = NULL, finished_at = NULL, fence = e.fence + 1, updated_at = now(),
  holds = h.holds, held_at = CASE WHEN h.holds <> 0 THEN now() END,
  claimable_at = CASE WHEN h.holds = 0 THEN now() END
FROM (
  SELECT CASE WHEN w.status = 'paused' THEN {Hold.WORKFLOW.value} ELSE 0 END
    + CASE WHEN o.paused_at IS NOT NULL THEN {Hold.ORGANIZATION.value} ELSE 0 END AS holds
  FROM workflow w JOIN organization o ON o.id = w.organization_id WHERE w.organization_id = $1 AND w.id = $2
) h {PICKED}"""

RESOLVE = f"""UPDATE enrollment e SET attempt = 0, wait_reason = NULL, intent_at = NULL, next_run_at = now(),
  claimable_at = CASE WHEN e.holds = 0 THEN now() END, fence = e.fence + 1, updated_at = now(),
  signal = CASE WHEN $4::text IS NOT NULL THEN coalesce(e.signal, '{{}}') || jsonb_build_object('skip_step', $4::text)
    ELSE e.signal END
{PICKED}"""
