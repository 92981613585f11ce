"""Data sources, their runs, what was wrong with which row, and uploaded files in chunks."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000040"
VERSION = "1.38.0"
DESCRIPTION = "data sources"

# Of one source one run is under way at a time: the unique index says so, whoever starts it.
TABLES = """
CREATE TABLE data_source (
  id bigserial PRIMARY KEY, organization_id bigint NOT NULL REFERENCES organization (id), name text NOT NULL,
  type text NOT NULL, status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'paused')),
  record_type text NOT NULL, config jsonb NOT NULL, options jsonb NOT NULL, secrets bytea,
  secret_names text[] NOT NULL DEFAULT '{}', schedule jsonb, next_run_at timestamptz, cursor text, file_number bigint,
  file_name text, file_bytes bigint, file_at timestamptz, created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(), UNIQUE (organization_id, id)
);
CREATE INDEX data_source_due ON data_source (next_run_at) WHERE next_run_at IS NOT NULL;
CREATE TABLE data_source_chunk (
  organization_id bigint NOT NULL, data_source_id bigint NOT NULL, file_number bigint NOT NULL, number integer NOT NULL,
  data bytea NOT NULL, PRIMARY KEY (organization_id, data_source_id, file_number, number),
  FOREIGN KEY (organization_id, data_source_id) REFERENCES data_source (organization_id, id) ON DELETE CASCADE
);
ALTER TABLE data_source_chunk ALTER data SET STORAGE EXTERNAL;
CREATE SEQUENCE data_source_file_number;
CREATE TABLE data_source_run (
  id bigserial PRIMARY KEY, organization_id bigint NOT NULL, data_source_id bigint NOT NULL, trigger text NOT NULL,
  status text NOT NULL DEFAULT 'queued'
    CHECK (status IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
  from_start boolean NOT NULL DEFAULT false, actor_type text NOT NULL, actor_id bigint, changeset_id bigint, mapping jsonb,
  position jsonb, cursor_from text, cursor_to text, row_number bigint NOT NULL DEFAULT 0,
  created_count bigint NOT NULL DEFAULT 0, updated_count bigint NOT NULL DEFAULT 0,
  unchanged_count bigint NOT NULL DEFAULT 0, skipped_count bigint NOT NULL DEFAULT 0,
  duplicate_count bigint NOT NULL DEFAULT 0, failed_count bigint NOT NULL DEFAULT 0,
  problem_count bigint NOT NULL DEFAULT 0, bytes bigint NOT NULL DEFAULT 0, problem text, claim uuid,
  claimed_until timestamptz, attempts smallint NOT NULL DEFAULT 0, created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz, finished_at timestamptz, updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (organization_id, id),
  FOREIGN KEY (organization_id, data_source_id) REFERENCES data_source (organization_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX data_source_run_alone ON data_source_run (organization_id, data_source_id)
  WHERE status IN ('queued', 'running');
CREATE INDEX data_source_run_open ON data_source_run (updated_at) WHERE status IN ('queued', 'running');
CREATE INDEX data_source_run_listing ON data_source_run (organization_id, id DESC);
CREATE INDEX data_source_run_history ON data_source_run (organization_id, data_source_id, id DESC);
CREATE TABLE data_source_run_problem (
  id bigserial PRIMARY KEY, organization_id bigint NOT NULL, run_id bigint NOT NULL, row_number bigint NOT NULL,
  column_name text NOT NULL DEFAULT '', value text NOT NULL DEFAULT '', message text NOT NULL,
  original text NOT NULL DEFAULT '',
  FOREIGN KEY (organization_id, run_id) REFERENCES data_source_run (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX data_source_run_problem_of ON data_source_run_problem (organization_id, run_id, id);
GRANT USAGE ON SEQUENCE data_source_id_seq, data_source_file_number, data_source_run_id_seq,
  data_source_run_problem_id_seq TO drippulse_app;
GRANT USAGE ON SEQUENCE data_source_run_id_seq TO drippulse_engine;
"""

TENANT = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {table} TO drippulse_app
  USING (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint))
  WITH CHECK (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint));
GRANT {app} ON {table} TO drippulse_app;
"""
ENGINE = """
CREATE POLICY drippulse_engine ON {table} TO drippulse_engine USING (true) WITH CHECK (true);
GRANT {engine} ON {table} TO drippulse_engine;
"""
APP_RIGHTS = {
    "data_source": "SELECT, INSERT, UPDATE, DELETE",
    "data_source_chunk": "SELECT, INSERT, DELETE",
    "data_source_run": "SELECT, INSERT, UPDATE, DELETE",
    "data_source_run_problem": "SELECT, INSERT",
}
ENGINE_RIGHTS = {"data_source": "SELECT, UPDATE", "data_source_run": "SELECT, INSERT, UPDATE"}


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        script = [TABLES]
        script += [TENANT.format(table=table, app=rights) for table, rights in APP_RIGHTS.items()]
        script += [ENGINE.format(table=table, engine=rights) for table, rights in ENGINE_RIGHTS.items()]
        await engine_finder().current_transaction.get().connection.execute("\n".join(script))

    manager.add_raw(run)
    return manager
