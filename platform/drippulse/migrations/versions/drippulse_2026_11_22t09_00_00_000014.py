"""What send safety keeps: counts against caps, daily totals, the breaker, and what providers reported."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000014"
VERSION = "1.38.0"
DESCRIPTION = "send safety"

TABLES = """
CREATE TABLE send_count (
  organization_id bigint NOT NULL, scope text NOT NULL, key text NOT NULL, seconds integer NOT NULL,
  starts_at timestamptz NOT NULL, sent bigint NOT NULL DEFAULT 0, put_off bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (organization_id, scope, key, seconds, starts_at)
) WITH (fillfactor = 50);
CREATE INDEX send_count_age ON send_count (starts_at);
CREATE TABLE send_total (
  organization_id bigint NOT NULL, day date NOT NULL, shard smallint NOT NULL, sent bigint NOT NULL DEFAULT 0,
  delivered bigint NOT NULL DEFAULT 0, bounced bigint NOT NULL DEFAULT 0, soft_bounced bigint NOT NULL DEFAULT 0,
  complained bigint NOT NULL DEFAULT 0, forgiven_sent bigint NOT NULL DEFAULT 0,
  forgiven_bounced bigint NOT NULL DEFAULT 0, forgiven_complained bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (organization_id, day, shard)
) WITH (fillfactor = 50);
CREATE INDEX send_total_trouble ON send_total (day, organization_id) WHERE bounced > 0 OR complained > 0;
CREATE TABLE sending_state (
  organization_id bigint PRIMARY KEY, breaker text NOT NULL DEFAULT 'ok', since timestamptz NOT NULL DEFAULT now(),
  reason text NOT NULL DEFAULT '', note text NOT NULL DEFAULT '', bounce_generation integer NOT NULL DEFAULT 1,
  confirm_url text
);
CREATE TABLE bounce_report (
  organization_id bigint NOT NULL, source text NOT NULL, event_id text NOT NULL, type text NOT NULL,
  email text, enrollment_id bigint, delivery_id bigint, hard boolean NOT NULL DEFAULT true,
  reason text NOT NULL DEFAULT '', at timestamptz NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, source, event_id)
);
CREATE INDEX bounce_report_soft ON bounce_report (organization_id, email, at) WHERE type = 'bounce' AND NOT hard;
ALTER TABLE delivery ADD feedback text, ADD feedback_at timestamptz;
CREATE INDEX delivery_recipient ON delivery (organization_id, lower(recipient), id DESC);
CREATE INDEX suppression_listing ON suppression (organization_id, id DESC);
CREATE INDEX enrollment_send_wait ON enrollment (organization_id, id)
  WHERE status = 'active' AND wait_reason IN ('sending_stopped', 'quiet_hours', 'ramp_up', 'cap:organization',
    'cap:sender', 'cap:recipient_domain', 'cap:contact');
"""

EXISTING = """
ALTER TABLE organization NO FORCE ROW LEVEL SECURITY;
INSERT INTO sending_state (organization_id) SELECT id FROM organization;
ALTER TABLE organization FORCE ROW LEVEL SECURITY;
"""

ACCESS = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {table} TO drippulse_app
  USING (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint))
  WITH CHECK (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::bigint));
CREATE POLICY drippulse_engine ON {table} TO drippulse_engine USING (true) WITH CHECK (true);
"""

GRANTS = """
GRANT SELECT ON send_count TO drippulse_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON send_count TO drippulse_engine;
GRANT SELECT, INSERT, UPDATE ON send_total, sending_state TO drippulse_app, drippulse_engine;
GRANT SELECT, INSERT, UPDATE ON bounce_report TO drippulse_app;
"""

# Shards 0 to 15 belong to those who send, 16 to 31 to those who take reports: the latter also lock the breaker.
TRIGGERS = """
CREATE FUNCTION drippulse_count_sent() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO send_total AS t (organization_id, day, shard, sent)
  SELECT n.organization_id, (n.sent_at AT TIME ZONE 'UTC')::date, pg_backend_pid() % 16, count(*)
  FROM added n JOIN removed o USING (id) WHERE n.sent_at IS NOT NULL AND o.sent_at IS NULL
  GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT (organization_id, day, shard) DO UPDATE SET sent = t.sent + excluded.sent;
  RETURN NULL;
END $$;
CREATE TRIGGER count_sent AFTER UPDATE ON delivery REFERENCING NEW TABLE AS added OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION drippulse_count_sent();
CREATE FUNCTION drippulse_sending_state() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN INSERT INTO sending_state (organization_id) VALUES (NEW.id) ON CONFLICT DO NOTHING; RETURN NULL; END $$;
CREATE TRIGGER sending_state AFTER INSERT ON organization
  FOR EACH ROW EXECUTE FUNCTION drippulse_sending_state();
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        script = [TABLES, EXISTING]
        script += [ACCESS.format(table=name) for name in ("send_count", "send_total", "sending_state", "bounce_report")]
        script += [GRANTS, TRIGGERS]
        await engine_finder().current_transaction.get().connection.execute("\n".join(script))

    manager.add_raw(run)
    return manager
