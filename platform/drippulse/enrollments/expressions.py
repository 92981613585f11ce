"""SQL over an enrollment `e` that every edge reads with, so that they cannot disagree.

All of it is fixed text; `{}` stands where a parameter goes.
"""

from drippulse.enrollments.tables import HOLD_REASONS, Hold

# A pause holds from the moment it is committed, and then works its way through the runs. None of these names the run's
# own workflow, so that each is asked once and not for every run.
_PAUSED = {
    Hold.WORKFLOW: "(e.organization_id, e.workflow_id) IN (SELECT w.organization_id, w.id FROM workflow w WHERE "
    "w.status = 'paused')",
    Hold.ORGANIZATION: "e.organization_id IN (SELECT o.id FROM organization o WHERE o.paused_at IS NOT NULL)",
    Hold.STEP: "(e.organization_id, e.workflow_id, e.step_id) IN (SELECT w.organization_id, w.id, "
    "unnest(w.paused_steps) FROM workflow w)",
}
HOLDS = f"""(e.holds | CASE WHEN e.status IN ('active', 'paused') THEN {
    " | ".join(f"CASE WHEN {paused} THEN {hold.value} ELSE 0 END" for hold, paused in _PAUSED.items())
} ELSE 0 END)"""
"""The holds of a run, with those that have not got to it yet: a sum of `Hold` flags."""

LIFTED = f"""CASE WHEN e.status IN ('active', 'paused') THEN e.holds & ~({
    " | ".join(f"CASE WHEN {paused} THEN {hold.value} ELSE 0 END" for hold, paused in _PAUSED.items())
}) & {(Hold.WORKFLOW | Hold.ORGANIZATION | Hold.STEP).value} ELSE 0 END"""
"""Those of its holds that were lifted already and still keep it until its turn comes."""

_HOLD_CASES = " ".join(f"WHEN {HOLDS} & {hold.value} <> 0 THEN '{reason}'" for hold, reason in HOLD_REASONS.items())

MATCHES = """(e.email ILIKE {} OR e.first_name || ' ' || e.last_name ILIKE {} OR e.lead_ref ILIKE {}
OR e.bag ->> 'name' ILIKE {})"""
"""The filter `q`; the parameter is a LIKE pattern."""

LEASED_UNTIL = (
    "CASE WHEN e.claimable_at IS DISTINCT FROM e.next_run_at AND e.claimable_at > now() THEN e.claimable_at END"
)
"""The end of the lease of the worker that holds the run; null while none does."""

TIMED = "coalesce(e.status = 'active' AND e.next_run_at > now(), false)"
"""Whether it goes on by itself at a time in the future."""

WAITING = f"({TIMED} OR (e.status = 'active' AND (e.claimable_at IS NULL OR {HOLDS} <> 0)))"
"""The same, or something without a time has to come first: a decision, an event, the end of a pause."""

WAIT_REASON = f"""CASE WHEN e.status NOT IN ('active', 'paused') THEN NULL WHEN e.status = 'paused' THEN 'paused'
  {_HOLD_CASES} WHEN {WAITING} THEN e.wait_reason END"""
"""Why it does not go on now: what holds it, else what it waits for."""

TIMELINE = f"""(
  SELECT organization_id, enrollment_id, id, visit, step_index, step_id, name, type, status, attempt,
    started_at, finished_at, input, output, error FROM enrollment_step
  UNION ALL
  SELECT e.organization_id, e.id, NULL, e.visit, e.current_step_index, e.step_id,
    v.steps -> e.current_step_index ->> 'name', v.steps -> e.current_step_index ->> 'type',
    CASE WHEN e.status = 'paused' THEN 'paused' WHEN {LEASED_UNTIL} IS NOT NULL THEN 'running'
      WHEN {WAITING} THEN 'waiting' ELSE 'due' END,
    e.attempt, e.step_entered_at, NULL, NULL, NULL, NULL
  FROM enrollment e JOIN workflow_version v ON v.organization_id = e.organization_id
    AND v.workflow_id = e.workflow_id AND v.version = e.workflow_version
  WHERE e.status IN ('active', 'paused') AND e.current_step_index BETWEEN 0 AND jsonb_array_length(v.steps) - 1
) s"""
"""The stored entries, and without an id the step that an unfinished run is on now."""

TIMELINE_NEWEST_FIRST = "s.id IS NULL DESC, s.visit DESC, s.attempt DESC, s.id DESC"

DURATION_MS = "round(extract(epoch FROM s.finished_at - s.started_at) * 1000)::float8"
"""Of a timeline entry. A wait of 25 days has more milliseconds than a 32-bit integer holds."""
