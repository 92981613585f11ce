"""Pauses, resumes and deletions that are on their way through the runs, and the last look before a call."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000025"
VERSION = "1.38.0"
DESCRIPTION = "changes of holds"

TABLES = """
CREATE TABLE hold_change (
  id bigserial PRIMARY KEY, organization_id bigint NOT NULL, workflow_id bigint, step_id text, kind text NOT NULL,
  hold smallint NOT NULL, policy jsonb NOT NULL DEFAULT '{}', reason text NOT NULL DEFAULT '',
  total bigint NOT NULL, done bigint NOT NULL DEFAULT 0, after_id bigint NOT NULL DEFAULT 0,
  listed boolean NOT NULL DEFAULT false, placed bigint NOT NULL DEFAULT 0,
  actor_type text NOT NULL, actor_id bigint,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz, superseded boolean NOT NULL DEFAULT false
);
CREATE INDEX hold_change_open ON hold_change (organization_id, workflow_id) WHERE finished_at IS NULL;
CREATE TABLE hold_place (
  organization_id bigint NOT NULL, change_id bigint NOT NULL, due_at timestamptz NOT NULL,
  enrollment_id bigint NOT NULL, PRIMARY KEY (organization_id, change_id, due_at, enrollment_id)
);
GRANT SELECT, INSERT, UPDATE ON hold_change TO drippulse_app;
GRANT SELECT, UPDATE ON hold_change TO drippulse_engine;
GRANT USAGE ON SEQUENCE hold_change_id_seq TO drippulse_app;
GRANT SELECT ON hold_place TO drippulse_app;
GRANT SELECT, INSERT, DELETE ON hold_place TO drippulse_engine;
"""

TENANT = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {table} TO drippulse_app
  USING (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint))
  WITH CHECK (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint));
CREATE POLICY drippulse_engine ON {table} TO drippulse_engine USING (true) WITH CHECK (true);
"""

# Volatile, so that each of its statements sees what had committed when it began: first the locks, then the status that
# nobody can change any more.
BARRED = """
CREATE FUNCTION drippulse_barred(organizations bigint[], workflows bigint[])
RETURNS TABLE (organization_id bigint, workflow_id bigint)
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT c.* FROM (SELECT DISTINCT * FROM unnest(organizations, workflows)) c (organization, id)
    WHERE NOT (pg_try_advisory_xact_lock_shared(hashtextextended('hold:' || c.organization, 0))
      AND pg_try_advisory_xact_lock_shared(hashtextextended('hold:' || c.organization || ':' || c.id, 0)));
  RETURN QUERY SELECT w.organization_id, w.id FROM workflow w JOIN organization o ON o.id = w.organization_id
    WHERE w.organization_id = ANY (organizations) AND w.id = ANY (workflows)
      AND (w.status = 'paused' OR w.deleted_at IS NOT NULL OR o.paused_at IS NOT NULL);
END $$;
REVOKE ALL ON FUNCTION drippulse_barred FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drippulse_barred TO drippulse_engine;
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        script = [TABLES, TENANT.format(table="hold_change"), TENANT.format(table="hold_place"), BARRED]
        await engine_finder().current_transaction.get().connection.execute("\n".join(script))

    manager.add_raw(run)
    return manager
