"""Merging records: what still finds them by their old names, and the enrollments that followed."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000036"
VERSION = "1.38.0"
DESCRIPTION = "merging records"

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::bigint)"

TABLES = """
CREATE TABLE record_alias (
  organization_id bigint NOT NULL REFERENCES organization (id), record_type text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('email', 'external')), system text NOT NULL DEFAULT '', value text NOT NULL,
  owner_id uuid NOT NULL, record_id uuid NOT NULL, changeset_id bigint NOT NULL,
  PRIMARY KEY (organization_id, record_type, kind, value, system, owner_id)
);
CREATE INDEX record_alias_record ON record_alias (organization_id, record_id);
CREATE INDEX record_alias_changeset ON record_alias (organization_id, changeset_id);
CREATE TABLE moved_run (
  organization_id bigint NOT NULL, changeset_id bigint NOT NULL, enrollment_id bigint NOT NULL,
  from_ref text NOT NULL, to_ref text NOT NULL, more_keys text[] NOT NULL DEFAULT '{}',
  PRIMARY KEY (organization_id, changeset_id, enrollment_id)
);
GRANT INSERT ON event_wait TO drippulse_app;
CREATE INDEX lead_contact ON lead (organization_id, contact_id) WHERE contact_id IS NOT NULL;
CREATE INDEX lead_converted_account ON lead (organization_id, converted_account_id)
  WHERE converted_account_id IS NOT NULL;
CREATE INDEX lead_converted_contact ON lead (organization_id, converted_contact_id)
  WHERE converted_contact_id IS NOT NULL;
CREATE INDEX lead_converted_opportunity ON lead (organization_id, converted_opportunity_id)
  WHERE converted_opportunity_id IS NOT NULL;
"""
MERGED = """
CREATE INDEX {table}_merged_into ON {table} (organization_id, merged_into_id) WHERE merged_into_id IS NOT NULL;
"""
TENANT = f"""
ALTER TABLE {{table}} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{table}} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {{table}} TO drippulse_app
  USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT});
CREATE POLICY drippulse_engine ON {{table}} TO drippulse_engine USING (true) WITH CHECK (true);
GRANT {{rights}} ON {{table}} TO drippulse_app, drippulse_engine;
"""
RIGHTS = {"record_alias": "SELECT, INSERT, UPDATE, DELETE", "moved_run": "SELECT, INSERT"}


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        script = [TABLES, *(MERGED.format(table=table) for table in ("account", "contact", "lead", "opportunity"))]
        script += [TENANT.format(table=table, rights=rights) for table, rights in RIGHTS.items()]
        await engine_finder().current_transaction.get().connection.execute("\n".join(script))

    manager.add_raw(run)
    return manager
