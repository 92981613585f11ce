"""The timeline as one row a commit, and what control, events and versions need on the core tables."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000006"
VERSION = "1.38.0"
DESCRIPTION = "walks, holds, signals, drafts"

COLUMNS = """
ALTER TABLE enrollment
  ADD holds smallint NOT NULL DEFAULT 0, ADD held_at timestamptz, ADD signal jsonb,
  ADD exit_reason text, ADD dedupe_key text, ADD origin text;
CREATE UNIQUE INDEX enrollment_origin ON enrollment (organization_id, workflow_id, origin) WHERE origin IS NOT NULL;
CREATE INDEX enrollment_dedupe ON enrollment (organization_id, workflow_id, dedupe_key) WHERE dedupe_key IS NOT NULL;
ALTER TABLE workflow ADD paused_steps text[] NOT NULL DEFAULT '{}', ADD draft jsonb, ADD draft_updated_at timestamptz;
ALTER TABLE workflow_version ADD settings jsonb NOT NULL DEFAULT '{}', ADD note text NOT NULL DEFAULT '';
ALTER TABLE organization ADD paused_at timestamptz, ADD sending jsonb NOT NULL DEFAULT '{}';
"""

# An entry is [visit, step_index, status, attempt, finished_at, started_at or null when the same, input, output, error],
# cut off after its last value. What the version says anyway (id, name, type of the step) is looked up there.
WALKS = """
CREATE TABLE enrollment_walk (
  id bigserial, organization_id bigint NOT NULL, enrollment_id bigint NOT NULL, workflow_id bigint NOT NULL,
  workflow_version integer NOT NULL, entries jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (created_at);
CREATE TABLE enrollment_walk_other PARTITION OF enrollment_walk DEFAULT;
CREATE INDEX enrollment_walk_enrollment ON enrollment_walk (organization_id, enrollment_id, id);
ALTER TABLE enrollment_walk ENABLE ROW LEVEL SECURITY;
ALTER TABLE enrollment_walk FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON enrollment_walk TO drippulse_app
  USING (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint))
  WITH CHECK (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint));
CREATE POLICY drippulse_engine ON enrollment_walk TO drippulse_engine USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON enrollment_walk TO drippulse_app, drippulse_engine;
GRANT USAGE ON SEQUENCE enrollment_walk_id_seq TO drippulse_app, drippulse_engine;
"""

# The policies would hide the old rows from their owner.
MOVE = """
ALTER TABLE enrollment NO FORCE ROW LEVEL SECURITY;
ALTER TABLE enrollment_step NO FORCE ROW LEVEL SECURITY;
ALTER TABLE enrollment_walk NO FORCE ROW LEVEL SECURITY;
INSERT INTO enrollment_walk
  (organization_id, enrollment_id, workflow_id, workflow_version, entries, created_at)
SELECT s.organization_id, s.enrollment_id, e.workflow_id, e.workflow_version, jsonb_build_array(jsonb_build_array(
  s.visit, s.step_index, s.status, s.attempt, s.finished_at, s.started_at, s.input, s.output, s.error)), s.created_at
FROM enrollment_step s JOIN enrollment e ON e.organization_id = s.organization_id AND e.id = s.enrollment_id
ORDER BY s.id;
ALTER TABLE enrollment FORCE ROW LEVEL SECURITY;
ALTER TABLE enrollment_walk FORCE ROW LEVEL SECURITY;
DROP TABLE enrollment_step;
"""

VIEW = """
CREATE VIEW enrollment_step WITH (security_invoker = true) AS
SELECT w.id * 1000 + t.place - 1 AS id, w.organization_id, w.enrollment_id, (t.entry ->> 0)::integer AS visit,
  (t.entry ->> 1)::integer AS step_index, v.steps -> (t.entry ->> 1)::integer ->> 'id' AS step_id,
  v.steps -> (t.entry ->> 1)::integer ->> 'name' AS name, v.steps -> (t.entry ->> 1)::integer ->> 'type' AS type,
  t.entry ->> 2 AS status, (t.entry ->> 3)::integer AS attempt,
  coalesce(t.entry ->> 5, t.entry ->> 4)::timestamptz AS started_at, (t.entry ->> 4)::timestamptz AS finished_at,
  nullif(t.entry -> 6, 'null') AS input, nullif(t.entry -> 7, 'null') AS output, nullif(t.entry -> 8, 'null') AS error,
  w.created_at
FROM enrollment_walk w
  JOIN workflow_version v ON v.organization_id = w.organization_id AND v.workflow_id = w.workflow_id
    AND v.version = w.workflow_version
  CROSS JOIN LATERAL jsonb_array_elements(w.entries) WITH ORDINALITY AS t (entry, place);
GRANT SELECT ON enrollment_step TO drippulse_app, drippulse_engine;
"""

PARTITIONS = """
CREATE OR REPLACE FUNCTION drippulse_ensure_partitions(months_ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE parent text; month date; made integer := 0; part text;
BEGIN
  FOREACH parent IN ARRAY ARRAY['enrollment_walk', 'event'] LOOP
    FOR month IN SELECT generate_series(date_trunc('month', now() AT TIME ZONE 'UTC'),
        date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => months_ahead), '1 month')::date LOOP
      part := format('%s_y%sm%s', parent, to_char(month, 'YYYY'), to_char(month, 'MM'));
      CONTINUE WHEN to_regclass(part) IS NOT NULL;
      EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part, parent,
        month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month')::timestamp AT TIME ZONE 'UTC');
      made := made + 1;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        connection = engine_finder().current_transaction.get().connection
        script = [COLUMNS, WALKS, PARTITIONS, "SELECT drippulse_ensure_partitions(3);", MOVE, VIEW]
        await connection.execute("\n".join(script))

    manager.add_raw(run)
    return manager
