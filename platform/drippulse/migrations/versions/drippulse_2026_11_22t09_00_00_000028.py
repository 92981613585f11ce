"""The organization as its people see it: members and invitations, account, key usage, audit log, retention."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000028"
VERSION = "1.38.0"
DESCRIPTION = "members, account, key usage, audit log, retention"

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::bigint)"

# Whoever makes an organization sees no other one, so that a free slug cannot be looked for: a random end makes it one.
ACCOUNT = """
ALTER TABLE organization ADD slug text, ADD locale text NOT NULL DEFAULT 'en',
  ADD branding jsonb NOT NULL DEFAULT '{}', ADD sender jsonb NOT NULL DEFAULT '{}',
  ADD retention jsonb NOT NULL DEFAULT '{}', ADD updated_at timestamptz NOT NULL DEFAULT now();
CREATE FUNCTION drippulse_slug(name text) RETURNS text LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(nullif(btrim(left(regexp_replace(lower(name), '[^a-z0-9]+', '-', 'g'), 40), '-'), ''), 'org')
    || '-' || left(replace(gen_random_uuid()::text, '-', ''), 8)
$$;
CREATE FUNCTION drippulse_give_slug() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN NEW.slug := coalesce(NEW.slug, drippulse_slug(NEW.name)); RETURN NEW; END $$;
CREATE TRIGGER give_slug BEFORE INSERT ON organization FOR EACH ROW EXECUTE FUNCTION drippulse_give_slug();
ALTER TABLE organization NO FORCE ROW LEVEL SECURITY;
UPDATE organization SET slug = drippulse_slug(name);
ALTER TABLE organization FORCE ROW LEVEL SECURITY;
ALTER TABLE organization ALTER slug SET NOT NULL, ADD CONSTRAINT organization_slug UNIQUE (slug);
"""

# An invitation is a membership without a user yet.
MEMBERS = """
ALTER TABLE membership ALTER user_id DROP NOT NULL, ALTER user_id DROP DEFAULT,
  ADD status text NOT NULL DEFAULT 'active' CHECK (status IN ('invited', 'active', 'removed')),
  ADD name text NOT NULL DEFAULT '', ADD email text, ADD email_key text,
  ADD token_hash text UNIQUE, ADD token_expires_at timestamptz, ADD invited_by_type text, ADD invited_by_id bigint,
  ADD invited_at timestamptz, ADD accepted_at timestamptz, ADD removed_at timestamptz,
  ADD updated_at timestamptz NOT NULL DEFAULT now(),
  ADD CHECK (status <> 'active' OR user_id IS NOT NULL), ADD CHECK (token_hash IS NULL OR status = 'invited');
CREATE UNIQUE INDEX membership_invited ON membership (organization_id, email_key) WHERE status = 'invited';
"""

KEYS = """
ALTER TABLE api_key ADD created_by_key bigint, ADD rate_limit integer CHECK (rate_limit > 0),
  ADD last_used_at timestamptz;
CREATE INDEX api_key_maker ON api_key (organization_id, created_by) WHERE created_by IS NOT NULL;
GRANT UPDATE (last_used_at) ON api_key TO drippulse_auth;
CREATE TABLE api_key_usage (
  organization_id bigint NOT NULL, key_id bigint NOT NULL, day date NOT NULL, requests bigint NOT NULL,
  PRIMARY KEY (organization_id, key_id, day)
);
CREATE INDEX api_key_usage_day ON api_key_usage (day);
"""

AUDIT = """
CREATE TABLE audit_entry (
  id bigserial PRIMARY KEY, organization_id bigint NOT NULL, action text NOT NULL,
  actor_type text NOT NULL, actor_id bigint, subject_type text, subject_id text,
  address text NOT NULL DEFAULT '', user_agent text NOT NULL DEFAULT '', details jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX audit_entry_listing ON audit_entry (organization_id, id DESC);
CREATE INDEX audit_entry_action ON audit_entry (organization_id, action, id DESC);
GRANT USAGE ON SEQUENCE audit_entry_id_seq TO drippulse_app, drippulse_engine;
"""

# `done_until`: no entry older than that is left. Entries come in the order of time, which is all that BRIN needs.
RETENTION = """
CREATE TABLE retention_mark (
  organization_id bigint NOT NULL, kind text NOT NULL, done_until timestamptz NOT NULL,
  PRIMARY KEY (organization_id, kind)
);
CREATE INDEX enrollment_walk_age ON enrollment_walk USING brin (created_at);
GRANT DELETE ON enrollment_walk, event TO drippulse_engine;
"""

TENANT = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {table} TO drippulse_app
  USING (organization_id = {current}) WITH CHECK (organization_id = {current});
"""
GRANT = """
CREATE POLICY {role} ON {table} TO {role} USING (true) WITH CHECK (true);
GRANT {rights} ON {table} TO {role};
"""

# Nobody changes an entry of the audit log, and only retention, which is the engine's, removes one.
RIGHTS = {
    "api_key_usage": ("SELECT", {"drippulse_auth": "SELECT, INSERT, UPDATE", "drippulse_engine": "SELECT, DELETE"}),
    "audit_entry": ("SELECT, INSERT", {"drippulse_engine": "SELECT, INSERT, DELETE"}),
    "retention_mark": ("SELECT", {"drippulse_engine": "SELECT, INSERT, UPDATE"}),
}


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        script = [ACCOUNT, MEMBERS, KEYS, AUDIT, RETENTION]
        for table, (app, others) in RIGHTS.items():
            script += [TENANT.format(table=table, current=CURRENT), f"GRANT {app} ON {table} TO drippulse_app;"]
            script += [GRANT.format(table=table, role=role, rights=rights) for role, rights in others.items()]
        await engine_finder().current_transaction.get().connection.execute("\n".join(script))

    manager.add_raw(run)
    return manager
