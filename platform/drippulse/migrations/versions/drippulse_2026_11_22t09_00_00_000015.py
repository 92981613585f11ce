"""Contacts, leads, mail templates, definitions in the nodes dialect, and answers kept for idempotency keys."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000015"
VERSION = "1.38.0"
DESCRIPTION = "contacts, leads, templates, nodes, idempotency keys"

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::bigint)"

PERSON = """
  id uuid PRIMARY KEY, organization_id bigint NOT NULL REFERENCES organization (id), public_id text NOT NULL,
  email text, email_key text, first_name text NOT NULL DEFAULT '', last_name text NOT NULL DEFAULT '',
  company text NOT NULL DEFAULT '', phone text NOT NULL DEFAULT '', timezone text,
  attributes jsonb NOT NULL DEFAULT '{}', tags text[] NOT NULL DEFAULT '{}', external_system text, external_id text,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), deleted_at timestamptz,
  CHECK ((external_system IS NULL) = (external_id IS NULL)), UNIQUE (organization_id, id), UNIQUE (organization_id, public_id)
"""

# Deleted rows stay for export and audit and give their unique values back.
RECORDS = f"""
CREATE TABLE contact ({PERSON});
CREATE TABLE lead ({PERSON}, score double precision, status text NOT NULL DEFAULT 'new', owner text, contact_id uuid,
  FOREIGN KEY (organization_id, contact_id) REFERENCES contact (organization_id, id));
"""

PERSON_INDEXES = """
CREATE UNIQUE INDEX {table}_email ON {table} (organization_id, email_key)
  WHERE deleted_at IS NULL AND email_key IS NOT NULL;
CREATE UNIQUE INDEX {table}_external ON {table} (organization_id, external_system, external_id)
  WHERE deleted_at IS NULL AND external_id IS NOT NULL;
CREATE INDEX {table}_external_id ON {table} (organization_id, external_id)
  WHERE deleted_at IS NULL AND external_id IS NOT NULL;
CREATE INDEX {table}_listing ON {table} (organization_id, id DESC) WHERE deleted_at IS NULL;
"""

MORE = """
CREATE TABLE mail_template (
  id bigserial PRIMARY KEY, organization_id bigint NOT NULL REFERENCES organization (id), name text NOT NULL,
  subject text NOT NULL, body text, html text, sender text, version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), deleted_at timestamptz
);
CREATE INDEX mail_template_listing ON mail_template (organization_id, id DESC) WHERE deleted_at IS NULL;
CREATE TABLE workflow_nodes (
  organization_id bigint NOT NULL, workflow_id bigint NOT NULL, version integer NOT NULL, definition jsonb NOT NULL,
  PRIMARY KEY (organization_id, workflow_id, version)
);
CREATE TABLE idempotency_key (
  organization_id bigint NOT NULL, method text NOT NULL, path text NOT NULL, key text NOT NULL,
  fingerprint bytea NOT NULL, status smallint NOT NULL, body bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (organization_id, method, path, key)
);
CREATE INDEX idempotency_key_age ON idempotency_key (created_at);
CREATE INDEX enrollment_lead_ref ON enrollment (organization_id, lead_ref, workflow_id)
  WHERE lead_ref IS NOT NULL AND deleted_at IS NULL;
GRANT USAGE ON SEQUENCE mail_template_id_seq TO drippulse_app;
"""

TENANT = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {table} TO drippulse_app
  USING (organization_id = {current}) WITH CHECK (organization_id = {current});
GRANT {rights} ON {table} TO drippulse_app;
"""
TENANT_TABLES = {
    "contact": "SELECT, INSERT, UPDATE",
    "lead": "SELECT, INSERT, UPDATE",
    "mail_template": "SELECT, INSERT, UPDATE",
    "workflow_nodes": "SELECT, INSERT, UPDATE",
    "idempotency_key": "SELECT, INSERT, DELETE",
}

ENGINE = """
CREATE POLICY drippulse_engine ON {table} TO drippulse_engine USING (true) WITH CHECK (true);
GRANT {rights} ON {table} TO drippulse_engine;
"""
ENGINE_TABLES = {
    "contact": "SELECT, INSERT, UPDATE",
    "lead": "SELECT, INSERT, UPDATE",
    "idempotency_key": "SELECT, DELETE",
}


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        script = [RECORDS, *(PERSON_INDEXES.format(table=table) for table in ("contact", "lead")), MORE]
        script += [TENANT.format(table=t, rights=r, current=CURRENT) for t, r in TENANT_TABLES.items()]
        script += [ENGINE.format(table=table, rights=rights) for table, rights in ENGINE_TABLES.items()]
        await engine_finder().current_transaction.get().connection.execute("\n".join(script))

    manager.add_raw(run)
    return manager
