"""Keys, indexes, partitions, grants and row-level security: what column definitions cannot say."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "keys, indexes, partitions, row-level security"

KEYS = """
ALTER TABLE membership ADD UNIQUE (organization_id, user_id),
  ADD FOREIGN KEY (organization_id) REFERENCES organization (id), ADD FOREIGN KEY (user_id) REFERENCES app_user (id);
CREATE INDEX membership_user ON membership (user_id);
CREATE UNIQUE INDEX app_user_username_lower ON app_user (lower(username));
ALTER TABLE api_key ADD FOREIGN KEY (organization_id) REFERENCES organization (id);
CREATE INDEX api_key_organization ON api_key (organization_id, id);
ALTER TABLE workflow ADD UNIQUE (organization_id, id), ADD FOREIGN KEY (organization_id) REFERENCES organization (id);
CREATE INDEX workflow_listing ON workflow (organization_id, id DESC) WHERE deleted_at IS NULL;
ALTER TABLE workflow_version ADD UNIQUE (organization_id, workflow_id, version),
  ADD FOREIGN KEY (organization_id, workflow_id) REFERENCES workflow (organization_id, id);
CREATE INDEX enrollment_claim ON enrollment (organization_id, claimable_at) WHERE status = 'active';
CREATE INDEX enrollment_listing ON enrollment (organization_id, workflow_id, id DESC) WHERE deleted_at IS NULL;
ALTER TABLE delivery ADD UNIQUE (organization_id, enrollment_id, visit);
CREATE INDEX nurture_event_enrollment ON nurture_event (organization_id, enrollment_id, id);
ALTER TABLE suppression ADD UNIQUE (organization_id, email);
ALTER TABLE integration_connection ADD UNIQUE (organization_id, provider, connection_key);
ALTER TABLE enrollment SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
"""

PARTITIONS = """
ALTER TABLE {table} RENAME TO {table}_flat;
CREATE TABLE {table} (LIKE {table}_flat INCLUDING DEFAULTS) PARTITION BY RANGE (created_at);
ALTER SEQUENCE {table}_id_seq OWNED BY {table}.id;
DROP TABLE {table}_flat;
CREATE TABLE {table}_other PARTITION OF {table} DEFAULT;
"""

HISTORY = """
CREATE INDEX enrollment_step_enrollment ON enrollment_step (organization_id, enrollment_id, visit);
CREATE INDEX event_organization ON event (organization_id, id);
CREATE FUNCTION drippulse_ensure_partitions(months_ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE parent text; month date; made integer := 0; part text;
BEGIN
  FOREACH parent IN ARRAY ARRAY['enrollment_step', 'event'] LOOP
    FOR month IN SELECT generate_series(date_trunc('month', now() AT TIME ZONE 'UTC'),
        date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => months_ahead), '1 month')::date LOOP
      part := format('%s_y%sm%s', parent, to_char(month, 'YYYY'), to_char(month, 'MM'));
      CONTINUE WHEN to_regclass(part) IS NOT NULL;
      EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part, parent,
        month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month')::timestamp AT TIME ZONE 'UTC');
      made := made + 1;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;
SELECT drippulse_ensure_partitions(3);
REVOKE ALL ON FUNCTION drippulse_ensure_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drippulse_ensure_partitions TO drippulse_engine;
"""

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::bigint)"

TENANT_TABLES = [
    "membership", "api_key", "workflow", "workflow_version", "enrollment", "enrollment_step", "delivery",
    "nurture_event", "suppression", "event", "integration_connection",
]

TENANT = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {table} TO drippulse_app
  USING (organization_id = {current}) WITH CHECK (organization_id = {current});
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO drippulse_app;
"""

IDENTITY = """
ALTER TABLE organization ENABLE ROW LEVEL SECURITY;
ALTER TABLE organization FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON organization TO drippulse_app USING (id = {current}) WITH CHECK (id = {current});
ALTER TABLE app_user ENABLE ROW LEVEL SECURITY;
ALTER TABLE app_user FORCE ROW LEVEL SECURITY;
CREATE POLICY member ON app_user TO drippulse_app
  USING (id IN (SELECT user_id FROM membership)) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON organization, app_user TO drippulse_app;
REVOKE UPDATE, DELETE ON event, enrollment_step, workflow_version FROM drippulse_app;
GRANT SELECT, INSERT, DELETE ON dev_mail TO drippulse_app;
GRANT SELECT ON heartbeat TO drippulse_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO drippulse_app, drippulse_engine;
"""

ENGINE = {
    "organization": "SELECT",
    "workflow": "SELECT",
    "workflow_version": "SELECT",
    "enrollment": "SELECT, UPDATE",
    "enrollment_step": "SELECT, INSERT",
    "delivery": "SELECT, INSERT, UPDATE",
    "suppression": "SELECT",
    "event": "SELECT, INSERT",
}
AUTH = {"organization": "SELECT", "app_user": "SELECT", "membership": "SELECT", "api_key": "SELECT"}


def role_policies(role: str, tables: dict[str, str]) -> str:
    return "".join(
        f"CREATE POLICY {role} ON {table} TO {role} USING (true) WITH CHECK (true); GRANT {rights} ON {table} TO {role};\n"
        for table, rights in tables.items()
    )


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        script = [KEYS]
        script += [PARTITIONS.format(table=table) for table in ("enrollment_step", "event")]
        script += [HISTORY]
        script += [TENANT.format(table=table, current=CURRENT) for table in TENANT_TABLES]
        script += [IDENTITY.format(current=CURRENT), role_policies("drippulse_engine", ENGINE)]
        script += [role_policies("drippulse_auth", AUTH)]
        script += ["GRANT SELECT, INSERT, UPDATE ON heartbeat TO drippulse_engine;"]
        await engine_finder().current_transaction.get().connection.execute("\n".join(script))

    manager.add_raw(run)
    return manager
