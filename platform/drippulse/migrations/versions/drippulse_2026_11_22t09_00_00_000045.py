"""Trusted documents of GraphQL clients, whether an organization runs nothing else, and what clients ask for."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000045"
VERSION = "1.38.0"
DESCRIPTION = "trusted documents, usage of GraphQL"

TABLES = """
ALTER TABLE organization ADD graphql_trusted_only boolean NOT NULL DEFAULT false;
CREATE TABLE graphql_document (
  id bigserial PRIMARY KEY, organization_id bigint NOT NULL REFERENCES organization (id),
  sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'), text text NOT NULL, name text NOT NULL DEFAULT '',
  client text NOT NULL DEFAULT '', actor_type text NOT NULL, actor_id bigint,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (organization_id, sha256)
);
CREATE INDEX graphql_document_listing ON graphql_document (organization_id, id DESC);
GRANT USAGE ON SEQUENCE graphql_document_id_seq TO drippulse_app;
CREATE TABLE graphql_usage (
  organization_id bigint NOT NULL, day date NOT NULL, client text NOT NULL, version text NOT NULL,
  operation text NOT NULL, field text NOT NULL, requests bigint NOT NULL,
  PRIMARY KEY (organization_id, day, client, version, operation, field)
);
CREATE INDEX graphql_usage_day ON graphql_usage (day);
"""

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::bigint)"
TENANT = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {table} TO drippulse_app
  USING (organization_id = {current}) WITH CHECK (organization_id = {current});
GRANT {rights} ON {table} TO drippulse_app;
"""
GRANT = """
CREATE POLICY {role} ON {table} TO {role} USING (true) WITH CHECK (true);
GRANT {rights} ON {table} TO {role};
"""
RIGHTS = {
    "graphql_document": ("SELECT, INSERT, UPDATE, DELETE", {}),
    "graphql_usage": ("SELECT", {"drippulse_auth": "SELECT, INSERT, UPDATE", "drippulse_engine": "SELECT, DELETE"}),
}


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        script = [TABLES]
        for table, (app, others) in RIGHTS.items():
            script.append(TENANT.format(table=table, current=CURRENT, rights=app))
            script += [GRANT.format(table=table, role=role, rights=rights) for role, rights in others.items()]
        await engine_finder().current_transaction.get().connection.execute("\n".join(script))

    manager.add_raw(run)
    return manager
