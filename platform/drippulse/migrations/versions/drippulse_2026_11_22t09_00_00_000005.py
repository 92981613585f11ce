"""Counters for the step funnel: exact whoever writes, because the enrollment table's own triggers keep them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000005"
VERSION = "1.38.0"
DESCRIPTION = "funnel counters"

TABLE = """
CREATE TABLE enrollment_count (
  organization_id bigint NOT NULL, workflow_id bigint NOT NULL, status text NOT NULL, step_index integer NOT NULL,
  shard smallint NOT NULL, enrollments bigint NOT NULL,
  PRIMARY KEY (organization_id, workflow_id, status, step_index, shard)
) WITH (fillfactor = 50);
ALTER TABLE enrollment_count ENABLE ROW LEVEL SECURITY;
ALTER TABLE enrollment_count FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON enrollment_count TO drippulse_app
  USING (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint))
  WITH CHECK (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint));
CREATE POLICY drippulse_engine ON enrollment_count TO drippulse_engine USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON enrollment_count TO drippulse_app, drippulse_engine;
"""

# A shard for each connection, so that two commits into one workflow do not wait for each other.
# Rows are written in one order, so that two of them cannot wait for each other in a circle either.
CHANGES = """
  INSERT INTO enrollment_count AS c (organization_id, workflow_id, status, step_index, shard, enrollments)
  SELECT organization_id, workflow_id, status, current_step_index, pg_backend_pid() % 64, sum(change)
  FROM ({changes}) AS changes
  GROUP BY 1, 2, 3, 4 HAVING sum(change) <> 0 ORDER BY 1, 2, 3, 4
  ON CONFLICT (organization_id, workflow_id, status, step_index, shard)
  DO UPDATE SET enrollments = c.enrollments + excluded.enrollments;
"""

SIDE = "SELECT organization_id, workflow_id, status, current_step_index, {change} AS change FROM {table} WHERE deleted_at IS NULL"

TRIGGER = """
CREATE FUNCTION drippulse_count_{event}() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN {changes} RETURN NULL; END $$;
CREATE TRIGGER count_{event} AFTER {event} ON enrollment REFERENCING {tables}
  FOR EACH STATEMENT EXECUTE FUNCTION drippulse_count_{event}();
"""

BACKFILL = """
ALTER TABLE enrollment NO FORCE ROW LEVEL SECURITY;
ALTER TABLE enrollment_count NO FORCE ROW LEVEL SECURITY;
INSERT INTO enrollment_count
SELECT organization_id, workflow_id, status, current_step_index, 0, count(*) FROM enrollment WHERE deleted_at IS NULL
GROUP BY 1, 2, 3, 4;
ALTER TABLE enrollment FORCE ROW LEVEL SECURITY;
ALTER TABLE enrollment_count FORCE ROW LEVEL SECURITY;
"""


def trigger(event: str, tables: str, *sides: str) -> str:
    return TRIGGER.format(event=event, tables=tables, changes=CHANGES.format(changes=" UNION ALL ".join(sides)))


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)
    added, removed = SIDE.format(change=1, table="added"), SIDE.format(change=-1, table="removed")

    async def run() -> None:
        script = [TABLE, BACKFILL]
        script += [trigger("insert", "NEW TABLE AS added", added), trigger("delete", "OLD TABLE AS removed", removed)]
        script += [trigger("update", "NEW TABLE AS added OLD TABLE AS removed", added, removed)]
        await engine_finder().current_transaction.get().connection.execute("\n".join(script))

    manager.add_raw(run)
    return manager
