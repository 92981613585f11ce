"""Organizations whose flood of events is read beside the log, and an index without a reason that nothing waits for."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000026"
VERSION = "1.38.0"
DESCRIPTION = "floods of events"

LAG = """
CREATE TABLE event_lag (
  organization_id bigint PRIMARY KEY, xid xid8 NOT NULL, id bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE event_lag ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_lag FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON event_lag TO drippulse_app
  USING (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint))
  WITH CHECK (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint));
CREATE POLICY drippulse_engine ON event_lag TO drippulse_engine USING (true) WITH CHECK (true);
GRANT SELECT ON event_lag TO drippulse_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON event_lag TO drippulse_engine;
"""

# Nothing healthy is ever in it.
UNSCHEDULED = """
DROP INDEX enrollment_unscheduled;
CREATE INDEX enrollment_unscheduled ON enrollment (organization_id, id)
  WHERE status = 'active' AND claimable_at IS NULL AND holds = 0
    AND (wait_reason IS NULL OR next_run_at IS NOT NULL AND wait_reason <> 'outcome_unknown');
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(LAG + UNSCHEDULED)

    manager.add_raw(run)
    return manager
