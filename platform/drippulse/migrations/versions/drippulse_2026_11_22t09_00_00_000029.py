"""Projects, and the workflows that belong to them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000029"
VERSION = "1.38.0"
DESCRIPTION = "projects"

TABLES = """
CREATE TABLE project (
  id bigserial PRIMARY KEY, organization_id bigint NOT NULL REFERENCES organization (id), name text NOT NULL,
  description text NOT NULL DEFAULT '', color text, archived boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (organization_id, id)
);
CREATE UNIQUE INDEX project_name ON project (organization_id, lower(name));
ALTER TABLE project ENABLE ROW LEVEL SECURITY;
ALTER TABLE project FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON project TO drippulse_app
  USING (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint))
  WITH CHECK (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint));
GRANT SELECT, INSERT, UPDATE, DELETE ON project TO drippulse_app;
GRANT USAGE ON SEQUENCE project_id_seq TO drippulse_app;
ALTER TABLE workflow ADD project_id bigint,
  ADD FOREIGN KEY (organization_id, project_id) REFERENCES project (organization_id, id);
CREATE INDEX workflow_project ON workflow (organization_id, project_id) WHERE project_id IS NOT NULL;
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(TABLES)

    manager.add_raw(run)
    return manager
