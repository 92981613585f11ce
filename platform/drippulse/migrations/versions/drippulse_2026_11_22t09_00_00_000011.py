"""Reading the event log without gaps, who listens to what, waits for events, schedules."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000011"
VERSION = "1.38.0"
DESCRIPTION = "event keys, listeners, waits, schedules"

# Ids are given out before their transactions commit, in any order. Whoever reads in the order of transaction ids, and
# only below the oldest that is still open, passes over nothing. What is there already counts as read.
LOG = """
ALTER TABLE event ADD xid xid8 NOT NULL DEFAULT '0', ADD key text, ADD other_key text, ADD source_id text,
  ADD occurred_at timestamptz;
ALTER TABLE event ALTER xid SET DEFAULT pg_current_xact_id();
CREATE INDEX event_log ON event (xid, id);
CREATE INDEX event_key ON event (organization_id, key, type, id) WHERE key IS NOT NULL;
CREATE INDEX event_other_key ON event (organization_id, other_key, type, id) WHERE other_key IS NOT NULL;
CREATE TABLE event_cursor (
  name text PRIMARY KEY, xid xid8 NOT NULL, id bigint NOT NULL, updated_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO event_cursor (name, xid, id) VALUES ('dispatcher', '0', 9223372036854775807);
GRANT SELECT, INSERT, UPDATE ON event_cursor TO drippulse_engine;
"""

# A unique key of the log itself would have to hold its partition key.
TABLES = """
CREATE TABLE event_source (
  organization_id bigint NOT NULL, source_id text NOT NULL, event_id bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (organization_id, source_id)
);
CREATE TABLE workflow_listener (
  organization_id bigint NOT NULL, workflow_id bigint NOT NULL, version integer NOT NULL, kind text NOT NULL,
  place integer NOT NULL, event_type text NOT NULL, step_id text NOT NULL DEFAULT '', config jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (organization_id, workflow_id, version, kind, place)
);
CREATE INDEX workflow_listener_type ON workflow_listener (organization_id, event_type, kind);
CREATE TABLE event_wait (
  organization_id bigint NOT NULL, event_type text NOT NULL, key text NOT NULL, enrollment_id bigint NOT NULL,
  visit integer NOT NULL, config jsonb NOT NULL DEFAULT '{}', after_id bigint NOT NULL, since timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, event_type, key, enrollment_id)
);
CREATE INDEX event_wait_enrollment ON event_wait (organization_id, enrollment_id);
CREATE TABLE event_use (
  organization_id bigint NOT NULL, enrollment_id bigint NOT NULL, event_id bigint NOT NULL,
  PRIMARY KEY (organization_id, enrollment_id, event_id)
);
CREATE TABLE enrollment_key (
  organization_id bigint NOT NULL, workflow_id bigint NOT NULL, key text NOT NULL, enrollment_id bigint NOT NULL,
  PRIMARY KEY (organization_id, workflow_id, key, enrollment_id)
);
CREATE TABLE workflow_schedule (
  organization_id bigint NOT NULL, workflow_id bigint NOT NULL, step_id text NOT NULL, version integer NOT NULL,
  cron text NOT NULL, timezone text, next_at timestamptz,
  PRIMARY KEY (organization_id, workflow_id, step_id)
);
CREATE INDEX workflow_schedule_next ON workflow_schedule (next_at);
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

RIGHTS = {
    "event_source": ("SELECT, INSERT", "SELECT"),
    "workflow_listener": ("SELECT, INSERT, DELETE", "SELECT"),
    "event_wait": ("SELECT, DELETE", "SELECT, INSERT, UPDATE, DELETE"),
    "event_use": ("SELECT", "SELECT, INSERT, DELETE"),
    "enrollment_key": ("SELECT, INSERT, DELETE", "SELECT, INSERT, DELETE"),
    "workflow_schedule": ("SELECT, INSERT, UPDATE, DELETE", "SELECT, UPDATE"),
}

# Only runs that an event may end are entered, so that the busiest table needs no further index.
KEYS = """
CREATE FUNCTION drippulse_enter_keys() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO enrollment_key (organization_id, workflow_id, key, enrollment_id)
  SELECT a.organization_id, a.workflow_id, k.key, a.id
  FROM added a CROSS JOIN LATERAL (VALUES (a.lead_ref), (nullif(lower(a.email), ''))) AS k (key)
  WHERE k.key IS NOT NULL AND (a.organization_id, a.workflow_id) IN (
    SELECT l.organization_id, l.workflow_id FROM workflow_listener l
    WHERE (l.organization_id, l.workflow_id) IN (SELECT DISTINCT organization_id, workflow_id FROM added)
      AND l.kind IN ('exit', 'goal'))
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER enter_keys AFTER INSERT ON enrollment REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION drippulse_enter_keys();
"""

# Workflows that are active already begin to listen. What is scheduled gets its next time from the scheduler.
BACKFILL = """
ALTER TABLE workflow NO FORCE ROW LEVEL SECURITY;
ALTER TABLE workflow_version NO FORCE ROW LEVEL SECURITY;
ALTER TABLE workflow_listener NO FORCE ROW LEVEL SECURITY;
ALTER TABLE workflow_schedule NO FORCE ROW LEVEL SECURITY;
CREATE TEMPORARY TABLE starting ON COMMIT DROP AS
SELECT w.organization_id, w.id AS workflow_id, w.version, s.place - 1 AS place, s.step ->> 'id' AS step_id,
  s.step -> 'config' AS config
FROM workflow w JOIN workflow_version v
  ON v.organization_id = w.organization_id AND v.workflow_id = w.id AND v.version = w.version
CROSS JOIN LATERAL jsonb_array_elements(v.steps) WITH ORDINALITY AS s (step, place)
WHERE w.status = 'active' AND w.deleted_at IS NULL AND s.step ->> 'type' = 'trigger';
INSERT INTO workflow_listener (organization_id, workflow_id, version, kind, place, event_type, step_id, config)
SELECT organization_id, workflow_id, version, 'trigger', place, config ->> 'event', step_id,
  coalesce(config -> 'filter', '{}')
FROM starting WHERE config ->> 'frequency' = 'event';
INSERT INTO workflow_schedule (organization_id, workflow_id, step_id, version, cron)
SELECT organization_id, workflow_id, step_id, version, CASE config ->> 'frequency'
  WHEN 'hourly' THEN '0 * * * *' WHEN 'daily' THEN '0 9 * * *' WHEN 'weekly' THEN '0 9 * * 1'
  ELSE config ->> 'cron' END
FROM starting WHERE config ->> 'frequency' IN ('hourly', 'daily', 'weekly', 'cron');
ALTER TABLE workflow FORCE ROW LEVEL SECURITY;
ALTER TABLE workflow_version FORCE ROW LEVEL SECURITY;
ALTER TABLE workflow_listener FORCE ROW LEVEL SECURITY;
ALTER TABLE workflow_schedule FORCE ROW LEVEL SECURITY;
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        script = [LOG, TABLES]
        script += [TENANT.format(table=table, app=app, engine=engine) for table, (app, engine) in RIGHTS.items()]
        script += [KEYS, BACKFILL]
        await engine_finder().current_transaction.get().connection.execute("\n".join(script))

    manager.add_raw(run)
    return manager
