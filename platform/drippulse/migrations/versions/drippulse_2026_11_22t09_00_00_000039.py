"""Lead forms and what was sent through them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000039"
VERSION = "1.38.0"
DESCRIPTION = "lead forms"

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::bigint)"

TABLES = """
CREATE TABLE lead_form (
  id bigserial PRIMARY KEY, organization_id bigint NOT NULL REFERENCES organization (id), name text NOT NULL,
  title text NOT NULL, description text NOT NULL DEFAULT '', fields jsonb NOT NULL, submit_label text NOT NULL,
  success_message text NOT NULL, redirect_url text, consent_text text NOT NULL DEFAULT '', workflow_id bigint,
  owner_id bigint, tags text[] NOT NULL DEFAULT '{}', source text NOT NULL DEFAULT '',
  frame_ancestors text[] NOT NULL DEFAULT '{}',
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'paused')), token text NOT NULL UNIQUE,
  submission_count bigint NOT NULL DEFAULT 0, refused_count bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (organization_id, id)
);
CREATE TABLE lead_form_submission (
  id bigserial PRIMARY KEY, organization_id bigint NOT NULL, form_id bigint NOT NULL, lead_id uuid NOT NULL,
  lead_public_id text NOT NULL, created_lead boolean NOT NULL, data jsonb NOT NULL, consent_text text NOT NULL DEFAULT '',
  address text NOT NULL DEFAULT '', workflow_id bigint, enrollment_id bigint, not_enrolled text,
  created_at timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (organization_id, form_id) REFERENCES lead_form (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX lead_form_submission_of ON lead_form_submission (organization_id, form_id, id DESC);
GRANT USAGE ON SEQUENCE lead_form_id_seq, lead_form_submission_id_seq TO drippulse_app;
"""

TENANT = f"""
ALTER TABLE {{table}} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{table}} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {{table}} TO drippulse_app
  USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT});
GRANT {{rights}} ON {{table}} TO drippulse_app;
"""
RIGHTS = {"lead_form": "SELECT, INSERT, UPDATE, DELETE", "lead_form_submission": "SELECT, INSERT, DELETE"}

# Who opens a form has nothing but the token of its address. The function gives back whose it is, and nothing else.
FINDER = """
CREATE POLICY finder ON lead_form FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION find_lead_form(given text) RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
BEGIN ATOMIC
  SELECT f.organization_id FROM lead_form f WHERE f.token = given;
END;
REVOKE EXECUTE ON FUNCTION find_lead_form(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_lead_form(text) TO drippulse_app;
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        script = [TABLES, *(TENANT.format(table=table, rights=rights) for table, rights in RIGHTS.items()), FINDER]
        await engine_finder().current_transaction.get().connection.execute("\n".join(script))

    manager.add_raw(run)
    return manager
