"""Custom fields of records."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000032"
VERSION = "1.38.0"
DESCRIPTION = "custom fields"

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::bigint)"

SCRIPT = f"""
CREATE TABLE custom_field (
  id bigserial PRIMARY KEY, organization_id bigint NOT NULL REFERENCES organization (id), record_type text NOT NULL,
  key text NOT NULL, label text NOT NULL, type text NOT NULL, options jsonb NOT NULL DEFAULT '[]',
  required boolean NOT NULL DEFAULT false, default_value jsonb, description text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (organization_id, record_type, key)
);
ALTER TABLE custom_field ENABLE ROW LEVEL SECURITY;
ALTER TABLE custom_field FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON custom_field TO drippulse_app
  USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT});
CREATE POLICY drippulse_engine ON custom_field TO drippulse_engine USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON custom_field TO drippulse_app;
GRANT SELECT ON custom_field TO drippulse_engine;
GRANT USAGE ON SEQUENCE custom_field_id_seq TO drippulse_app;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(SCRIPT)

    manager.add_raw(run)
    return manager
