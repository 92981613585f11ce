"""Imports of files: what they are, the file in chunks until it is done, and what was wrong with which row."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000037"
VERSION = "1.38.0"
DESCRIPTION = "imports"

# Chunks are read once and in order; compressing them costs more than it saves.
TABLES = """
CREATE TABLE record_import (
  id bigserial PRIMARY KEY, organization_id bigint NOT NULL REFERENCES organization (id), record_type text NOT NULL,
  status text NOT NULL, file_name text NOT NULL DEFAULT '', bytes bigint NOT NULL DEFAULT 0,
  utf8 boolean NOT NULL DEFAULT true, options jsonb NOT NULL DEFAULT '{}', layout jsonb, actor_type text NOT NULL,
  actor_id bigint, changeset_id bigint, part smallint NOT NULL DEFAULT 0, position bigint NOT NULL DEFAULT 0,
  row_number bigint NOT NULL DEFAULT 0, created_count bigint NOT NULL DEFAULT 0, updated_count bigint NOT NULL DEFAULT 0,
  unchanged_count bigint NOT NULL DEFAULT 0, skipped_count bigint NOT NULL DEFAULT 0,
  duplicate_count bigint NOT NULL DEFAULT 0, failed_count bigint NOT NULL DEFAULT 0,
  problem_count bigint NOT NULL DEFAULT 0, problem text, claim uuid, claimed_until timestamptz,
  attempts smallint NOT NULL DEFAULT 0, revision bigint NOT NULL DEFAULT 0, created_at timestamptz NOT NULL DEFAULT now(), started_at timestamptz,
  finished_at timestamptz, updated_at timestamptz NOT NULL DEFAULT now(), UNIQUE (organization_id, id)
);
CREATE INDEX record_import_listing ON record_import (organization_id, id DESC);
CREATE INDEX record_import_open ON record_import (updated_at)
  WHERE status IN ('uploading', 'queued', 'analysing', 'running');
CREATE TABLE record_import_chunk (
  organization_id bigint NOT NULL, import_id bigint NOT NULL, part smallint NOT NULL, number integer NOT NULL,
  data bytea NOT NULL, PRIMARY KEY (organization_id, import_id, part, number),
  FOREIGN KEY (organization_id, import_id) REFERENCES record_import (organization_id, id) ON DELETE CASCADE
);
ALTER TABLE record_import_chunk ALTER data SET STORAGE EXTERNAL;
CREATE TABLE record_import_problem (
  id bigserial PRIMARY KEY, organization_id bigint NOT NULL, import_id bigint NOT NULL, row_number bigint NOT NULL,
  column_name text NOT NULL DEFAULT '', value text NOT NULL DEFAULT '', message text NOT NULL,
  original text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX record_import_problem_of ON record_import_problem (organization_id, import_id, id);
GRANT USAGE ON SEQUENCE record_import_id_seq, record_import_problem_id_seq TO drippulse_app;
"""

TENANT = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {table} TO drippulse_app
  USING (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint))
  WITH CHECK (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint));
CREATE POLICY drippulse_engine ON {table} TO drippulse_engine USING (true) WITH CHECK (true);
GRANT {app} ON {table} TO drippulse_app;
GRANT {engine} ON {table} TO drippulse_engine;
"""
TENANT_TABLES = {
    "record_import": ("SELECT, INSERT, UPDATE, DELETE", "SELECT, UPDATE"),
    "record_import_chunk": ("SELECT, INSERT, DELETE", "SELECT, DELETE"),
    "record_import_problem": ("SELECT, INSERT", "SELECT"),
}


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        script = [TABLES]
        script += [TENANT.format(table=t, app=app, engine=engine) for t, (app, engine) in TENANT_TABLES.items()]
        await engine_finder().current_transaction.get().connection.execute("\n".join(script))

    manager.add_raw(run)
    return manager
