"""Reverting changesets."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000033"
VERSION = "1.38.0"
DESCRIPTION = "reverting changesets"

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::bigint)"

SCRIPT = f"""
CREATE TABLE changeset_revert (
  organization_id bigint NOT NULL, changeset_id bigint NOT NULL, reverting_id bigint NOT NULL,
  actor_type text NOT NULL, actor_id bigint, status text NOT NULL DEFAULT 'running'
    CHECK (status IN ('running', 'completed')),
  below bigint NOT NULL, counts jsonb NOT NULL DEFAULT '{{}}', conflicts jsonb NOT NULL DEFAULT '[]',
  created_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz,
  PRIMARY KEY (organization_id, changeset_id)
);
CREATE INDEX changeset_revert_running ON changeset_revert (created_at) WHERE status = 'running';
ALTER TABLE changeset_revert ENABLE ROW LEVEL SECURITY;
ALTER TABLE changeset_revert FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON changeset_revert TO drippulse_app
  USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT});
CREATE POLICY drippulse_engine ON changeset_revert TO drippulse_engine USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON changeset_revert TO drippulse_app, drippulse_engine;
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(SCRIPT)

    manager.add_raw(run)
    return manager
