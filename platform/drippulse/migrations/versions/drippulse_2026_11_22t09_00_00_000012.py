"""Publishing: draft revisions, who made a version, moves of what is in flight, funnel counters by version."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000012"
VERSION = "1.38.0"
DESCRIPTION = "publishing"

COLUMNS = """
ALTER TABLE workflow ADD draft_revision integer NOT NULL DEFAULT 0;
ALTER TABLE workflow_version ADD actor_type text, ADD actor_id bigint;
"""

MOVES = """
CREATE TABLE version_move (
  id bigserial PRIMARY KEY, organization_id bigint NOT NULL, workflow_id bigint NOT NULL, version integer NOT NULL,
  strategy text NOT NULL, targets jsonb NOT NULL, total bigint NOT NULL, moved bigint NOT NULL DEFAULT 0,
  exited bigint NOT NULL DEFAULT 0, after_id bigint NOT NULL DEFAULT 0, next_at timestamptz NOT NULL DEFAULT now(),
  actor_type text NOT NULL, actor_id bigint,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz, superseded boolean NOT NULL DEFAULT false,
  UNIQUE (organization_id, workflow_id, version)
);
CREATE INDEX version_move_open ON version_move (next_at) WHERE finished_at IS NULL;
ALTER TABLE version_move ENABLE ROW LEVEL SECURITY;
ALTER TABLE version_move FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON version_move TO drippulse_app
  USING (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint))
  WITH CHECK (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint));
CREATE POLICY drippulse_engine ON version_move TO drippulse_engine USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON version_move TO drippulse_app;
GRANT SELECT, UPDATE ON version_move TO drippulse_engine;
GRANT USAGE ON SEQUENCE version_move_id_seq TO drippulse_app;
"""

# The policies would hide the rows from their owner.
COUNTS = """
ALTER TABLE enrollment NO FORCE ROW LEVEL SECURITY;
ALTER TABLE enrollment_count NO FORCE ROW LEVEL SECURITY;
LOCK TABLE enrollment IN SHARE ROW EXCLUSIVE MODE;
TRUNCATE enrollment_count;
ALTER TABLE enrollment_count DROP CONSTRAINT enrollment_count_pkey, ADD workflow_version integer NOT NULL,
  ADD PRIMARY KEY (organization_id, workflow_id, status, step_index, workflow_version, shard);
INSERT INTO enrollment_count
  (organization_id, workflow_id, status, step_index, workflow_version, shard, enrollments)
SELECT organization_id, workflow_id, status, current_step_index, workflow_version, 0, count(*)
FROM enrollment WHERE deleted_at IS NULL GROUP BY 1, 2, 3, 4, 5;
ALTER TABLE enrollment FORCE ROW LEVEL SECURITY;
ALTER TABLE enrollment_count FORCE ROW LEVEL SECURITY;
"""

CHANGES = """
  INSERT INTO enrollment_count AS c
    (organization_id, workflow_id, status, step_index, workflow_version, shard, enrollments)
  SELECT organization_id, workflow_id, status, current_step_index, workflow_version, pg_backend_pid() % 64, sum(change)
  FROM ({changes}) AS changes
  GROUP BY 1, 2, 3, 4, 5 HAVING sum(change) <> 0 ORDER BY 1, 2, 3, 4, 5
  ON CONFLICT (organization_id, workflow_id, status, step_index, workflow_version, shard)
  DO UPDATE SET enrollments = c.enrollments + excluded.enrollments;
"""

SIDE = """SELECT organization_id, workflow_id, status, current_step_index, workflow_version, {change} AS change
FROM {table} WHERE deleted_at IS NULL"""

FUNCTION = """
CREATE OR REPLACE FUNCTION drippulse_count_{event}() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN {changes} RETURN NULL; END $$;
"""


def function(event: str, *sides: str) -> str:
    return FUNCTION.format(event=event, changes=CHANGES.format(changes=" UNION ALL ".join(sides)))


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)
    added, removed = SIDE.format(change=1, table="added"), SIDE.format(change=-1, table="removed")

    async def run() -> None:
        script = [COLUMNS, MOVES, COUNTS]
        script += [function("insert", added), function("delete", removed), function("update", added, removed)]
        await engine_finder().current_transaction.get().connection.execute("\n".join(script))

    manager.add_raw(run)
    return manager
