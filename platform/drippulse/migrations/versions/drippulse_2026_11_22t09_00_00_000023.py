"""How many runs a run has led to through steps that enroll, so that a family of them cannot grow without end."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000023"
VERSION = "1.38.0"
DESCRIPTION = "families of runs"

TABLE = """
CREATE TABLE enroll_family (
  organization_id bigint NOT NULL, first_enrollment_id bigint NOT NULL, enrolled integer NOT NULL,
  PRIMARY KEY (organization_id, first_enrollment_id)
) WITH (fillfactor = 50);
ALTER TABLE enroll_family ENABLE ROW LEVEL SECURITY;
ALTER TABLE enroll_family FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON enroll_family TO drippulse_app
  USING (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint))
  WITH CHECK (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint));
CREATE POLICY drippulse_engine ON enroll_family TO drippulse_engine USING (true) WITH CHECK (true);
GRANT SELECT ON enroll_family TO drippulse_app;
GRANT SELECT, INSERT, UPDATE ON enroll_family TO drippulse_engine;
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(TABLE)

    manager.add_raw(run)
    return manager
