"""Approvals, stalls, and what starting an enrollment from a step needs."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000010"
VERSION = "1.38.0"
DESCRIPTION = "approvals, stalls"

APPROVAL = """
CREATE TABLE approval (
  id bigserial PRIMARY KEY, organization_id bigint NOT NULL, workflow_id bigint NOT NULL,
  enrollment_id bigint NOT NULL, visit integer NOT NULL, step_id text NOT NULL, role text NOT NULL,
  message text NOT NULL, status text NOT NULL DEFAULT 'open', requested_by_type text, requested_by_id bigint,
  due_at timestamptz, decided_by_type text, decided_by_id bigint, decided_at timestamptz,
  note text NOT NULL DEFAULT '', output jsonb NOT NULL DEFAULT '{}', created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (organization_id, enrollment_id, visit)
);
CREATE INDEX approval_listing ON approval (organization_id, id DESC);
CREATE INDEX approval_open ON approval (organization_id, id DESC) WHERE status = 'open';
"""

STALL = """
CREATE TABLE stall (
  id bigserial PRIMARY KEY, organization_id bigint NOT NULL, workflow_id bigint NOT NULL,
  enrollment_id bigint NOT NULL, step_id text NOT NULL, kind text NOT NULL, since timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), resolved_at timestamptz, resolution text
);
CREATE INDEX stall_listing ON stall (organization_id, id DESC);
CREATE UNIQUE INDEX stall_open ON stall (organization_id, enrollment_id) WHERE resolved_at IS NULL;
"""

TENANT = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {table} TO drippulse_app
  USING (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint))
  WITH CHECK (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint));
CREATE POLICY drippulse_engine ON {table} TO drippulse_engine USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE ON {table} TO drippulse_app;
GRANT SELECT, INSERT, UPDATE ON {table} TO drippulse_engine;
GRANT USAGE ON SEQUENCE {table}_id_seq TO drippulse_engine;
"""

# Nothing healthy is ever in the first index. The second finds who enrolled a contact.
ENGINE = """
CREATE INDEX enrollment_unscheduled ON enrollment (organization_id, id)
  WHERE status = 'active' AND claimable_at IS NULL AND holds = 0
    AND (wait_reason IS NULL OR next_run_at IS NOT NULL AND wait_reason NOT IN ('workflow_paused', 'outcome_unknown'));
CREATE INDEX event_enrollment_created ON event (organization_id, record_id) WHERE type = 'enrollment.created';
GRANT INSERT ON enrollment TO drippulse_engine;
GRANT USAGE ON SEQUENCE enrollment_id_seq TO drippulse_engine;
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        script = [APPROVAL, STALL, TENANT.format(table="approval"), TENANT.format(table="stall"), ENGINE]
        await engine_finder().current_transaction.get().connection.execute("\n".join(script))

    manager.add_raw(run)
    return manager
