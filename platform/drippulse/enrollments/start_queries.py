"""SQL of starting runs. Every statement names the organization, because the engine's role sees all of them."""

RE_ENTRY_ALL = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
RE_ENTRY_SOME = "SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))"
RE_ENTRY_KEYS = "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS k (key)"


def re_entry_name(organization_id: int, workflow_id: int) -> str:
    """What is locked while somebody looks whether a contact may enter."""
    return f"re_entry:{organization_id}:{workflow_id}"


TARGET = """SELECT w.id, w.status, w.version, v.steps -> 0 ->> 'id' AS first_step_id, v.settings,
  (SELECT o.paused_at IS NOT NULL FROM organization o WHERE o.id = w.organization_id) AS organization_paused,
  now() AS now
FROM workflow w JOIN workflow_version v
  ON v.organization_id = w.organization_id AND v.workflow_id = w.id AND v.version = w.version
WHERE w.organization_id = $1 AND w.id = $2 AND w.deleted_at IS NULL"""

# A run without a key of its own has the default one, which its columns say: see `reentry.kept_key`.
_RUNS = "FROM enrollment WHERE organization_id = $1 AND workflow_id = $2 AND deleted_at IS NULL"
HISTORIES = f"""SELECT key, count(*) AS runs, bool_or(status IN ('active', 'paused')) AS live,
  max(created_at) AS started_at
FROM (
  SELECT dedupe_key AS key, status, created_at {_RUNS} AND dedupe_key = ANY($3::text[])
  UNION ALL
  SELECT lead_ref, status, created_at {_RUNS} AND dedupe_key IS NULL AND lead_ref = ANY($3)
  UNION ALL
  SELECT lower(email), status, created_at {_RUNS} AND dedupe_key IS NULL AND lead_ref IS NULL AND email <> ''
    AND lower(email) = ANY($3)
) run GROUP BY 1"""

ORIGINS = """SELECT id, origin FROM enrollment
WHERE organization_id = $1 AND workflow_id = $2 AND origin = ANY($3::text[])"""

# unnest keeps the order of its arrays, INSERT ... SELECT that of its input, and ids come from the sequence row by row.
INSERT = """WITH made AS (
  INSERT INTO enrollment (organization_id, workflow_id, workflow_version, step_id,
    lead_ref, email, first_name, last_name, timezone, bag, dedupe_key, origin, claimable_at, holds, held_at)
  SELECT $1, $2, $3, $4, lead_ref, email, first_name, last_name, timezone, bag, dedupe_key, origin,
    CASE WHEN $15::smallint = 0 THEN now() + $16::interval END, $15, CASE WHEN $15 <> 0 THEN now() END
  FROM unnest($5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::jsonb[], $11::text[], $12::text[])
    WITH ORDINALITY AS contact (lead_ref, email, first_name, last_name, timezone, bag, dedupe_key, origin, place)
  ORDER BY place {conflict}
  RETURNING id, lead_ref, origin),
logged AS (
  INSERT INTO event (organization_id, type, record_type, record_id, actor_type, actor_id, data)
  SELECT $1, 'enrollment.created', 'enrollment', id::text, $13, $14,
    jsonb_build_object('workflow_id', $2::bigint, 'workflow_version', $3::integer, 'lead_ref', lead_ref) FROM made)
SELECT id, origin FROM made ORDER BY id"""

INSERT_ALL = INSERT.format(conflict="")
INSERT_NEW = INSERT.format(
    conflict="ON CONFLICT (organization_id, workflow_id, origin) WHERE origin IS NOT NULL DO NOTHING"
)
