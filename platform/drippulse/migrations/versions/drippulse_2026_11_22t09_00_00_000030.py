"""The CRM: accounts, opportunities with pipelines, activities, and the audit of every change in changesets."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000030"
VERSION = "1.38.0"
DESCRIPTION = "accounts, opportunities, pipelines, activities, changesets"

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::bigint)"

IDENTITY = """
  id uuid PRIMARY KEY, organization_id bigint NOT NULL REFERENCES organization (id), public_id text NOT NULL,
  external_system text, external_id text, owner_id bigint, tags text[] NOT NULL DEFAULT '{}',
  attributes jsonb NOT NULL DEFAULT '{}', custom_fields jsonb NOT NULL DEFAULT '{}', merged_into_id uuid,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), deleted_at timestamptz,
  CHECK ((external_system IS NULL) = (external_id IS NULL)),
  UNIQUE (organization_id, id), UNIQUE (organization_id, public_id)
"""
ADDRESS = """street text NOT NULL DEFAULT '', city text NOT NULL DEFAULT '', state text NOT NULL DEFAULT '',
  postal_code text NOT NULL DEFAULT '', country text NOT NULL DEFAULT ''"""

TABLES = f"""
CREATE TABLE account ({IDENTITY}, name text NOT NULL, domain text NOT NULL DEFAULT '', website text NOT NULL DEFAULT '',
  industry text NOT NULL DEFAULT '', phone text NOT NULL DEFAULT '', employee_count integer,
  annual_revenue numeric(18, 2), description text NOT NULL DEFAULT '', {ADDRESS});

CREATE TABLE pipeline (
  id uuid PRIMARY KEY, organization_id bigint NOT NULL REFERENCES organization (id), public_id text NOT NULL,
  name text NOT NULL, user_id bigint, is_default boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), deleted_at timestamptz,
  CHECK (NOT is_default OR user_id IS NULL), UNIQUE (organization_id, id), UNIQUE (organization_id, public_id)
);
CREATE UNIQUE INDEX pipeline_default ON pipeline (organization_id) WHERE is_default AND deleted_at IS NULL;
CREATE INDEX pipeline_user ON pipeline (organization_id, user_id) WHERE deleted_at IS NULL;

CREATE TABLE pipeline_stage (
  id uuid PRIMARY KEY, organization_id bigint NOT NULL, pipeline_id uuid NOT NULL, public_id text NOT NULL,
  name text NOT NULL, stage_type text NOT NULL DEFAULT 'open' CHECK (stage_type IN ('open', 'won', 'lost')),
  probability smallint NOT NULL DEFAULT 0 CHECK (probability BETWEEN 0 AND 100), position integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), deleted_at timestamptz,
  UNIQUE (organization_id, id), UNIQUE (organization_id, public_id), UNIQUE (organization_id, pipeline_id, id),
  FOREIGN KEY (organization_id, pipeline_id) REFERENCES pipeline (organization_id, id)
);
CREATE INDEX pipeline_stage_of ON pipeline_stage (organization_id, pipeline_id, position) WHERE deleted_at IS NULL;

CREATE TABLE pipeline_preference (
  organization_id bigint NOT NULL, user_id bigint NOT NULL, pipeline_id uuid NOT NULL,
  PRIMARY KEY (organization_id, user_id),
  FOREIGN KEY (organization_id, pipeline_id) REFERENCES pipeline (organization_id, id)
);

CREATE TABLE opportunity ({IDENTITY}, name text NOT NULL, account_id uuid, contact_id uuid,
  pipeline_id uuid NOT NULL, pipeline_stage_id uuid NOT NULL, stage_position bigint NOT NULL,
  status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'won', 'lost')),
  amount numeric(18, 2), currency text NOT NULL DEFAULT 'USD', probability smallint CHECK (probability BETWEEN 0 AND 100),
  expected_close_date date, closed_at timestamptz, lost_reason text NOT NULL DEFAULT '',
  source text NOT NULL DEFAULT '', description text NOT NULL DEFAULT '',
  FOREIGN KEY (organization_id, account_id) REFERENCES account (organization_id, id),
  FOREIGN KEY (organization_id, contact_id) REFERENCES contact (organization_id, id),
  FOREIGN KEY (organization_id, pipeline_id, pipeline_stage_id)
    REFERENCES pipeline_stage (organization_id, pipeline_id, id) DEFERRABLE
);
CREATE INDEX opportunity_board ON opportunity (organization_id, pipeline_stage_id, stage_position, id)
  WHERE deleted_at IS NULL;

CREATE TABLE activity ({IDENTITY},
  type text NOT NULL DEFAULT 'note' CHECK (type IN ('call', 'email', 'meeting', 'note', 'task')),
  subject text NOT NULL DEFAULT '', body text NOT NULL DEFAULT '', outcome text NOT NULL DEFAULT '',
  occurred_at timestamptz, due_at timestamptz, completed_at timestamptz, duration_minutes integer,
  account_id uuid, contact_id uuid, lead_id uuid, opportunity_id uuid,
  FOREIGN KEY (organization_id, account_id) REFERENCES account (organization_id, id),
  FOREIGN KEY (organization_id, contact_id) REFERENCES contact (organization_id, id),
  FOREIGN KEY (organization_id, lead_id) REFERENCES lead (organization_id, id),
  FOREIGN KEY (organization_id, opportunity_id) REFERENCES opportunity (organization_id, id)
);

ALTER TABLE contact ADD COLUMN owner_id bigint, ADD COLUMN custom_fields jsonb NOT NULL DEFAULT '{{}}',
  ADD COLUMN merged_into_id uuid, ADD COLUMN account_id uuid, ADD COLUMN title text NOT NULL DEFAULT '',
  ADD COLUMN description text NOT NULL DEFAULT '',
  {", ".join(f"ADD COLUMN {column.strip()}" for column in ADDRESS.split(","))},
  ADD FOREIGN KEY (organization_id, account_id) REFERENCES account (organization_id, id);
ALTER TABLE lead ADD COLUMN owner_id bigint, ADD COLUMN custom_fields jsonb NOT NULL DEFAULT '{{}}',
  ADD COLUMN merged_into_id uuid, ADD COLUMN title text NOT NULL DEFAULT '', ADD COLUMN source text NOT NULL DEFAULT '',
  ADD COLUMN website text NOT NULL DEFAULT '', ADD COLUMN description text NOT NULL DEFAULT '',
  {", ".join(f"ADD COLUMN {column.strip()}" for column in ADDRESS.split(","))},
  ADD COLUMN converted_at timestamptz, ADD COLUMN converted_account_id uuid, ADD COLUMN converted_contact_id uuid,
  ADD COLUMN converted_opportunity_id uuid;

CREATE INDEX contact_account ON contact (organization_id, account_id) WHERE account_id IS NOT NULL;
CREATE INDEX opportunity_account ON opportunity (organization_id, account_id) WHERE account_id IS NOT NULL;
CREATE INDEX opportunity_contact ON opportunity (organization_id, contact_id) WHERE contact_id IS NOT NULL;
CREATE INDEX activity_account ON activity (organization_id, account_id) WHERE account_id IS NOT NULL;
CREATE INDEX activity_contact ON activity (organization_id, contact_id) WHERE contact_id IS NOT NULL;
CREATE INDEX activity_lead ON activity (organization_id, lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX activity_opportunity ON activity (organization_id, opportunity_id) WHERE opportunity_id IS NOT NULL;
"""

RECORD_INDEXES = """
CREATE UNIQUE INDEX {table}_external ON {table} (organization_id, external_system, external_id)
  WHERE deleted_at IS NULL AND external_id IS NOT NULL;
CREATE INDEX {table}_external_id ON {table} (organization_id, external_id)
  WHERE deleted_at IS NULL AND external_id IS NOT NULL;
CREATE INDEX {table}_listing ON {table} (organization_id, id DESC) WHERE deleted_at IS NULL;
"""

CHANGES = """
CREATE TABLE changeset (
  id bigserial PRIMARY KEY, organization_id bigint NOT NULL REFERENCES organization (id),
  source text NOT NULL, actor_type text NOT NULL, actor_id bigint, label text NOT NULL DEFAULT '',
  reverts_id bigint, created_at timestamptz NOT NULL DEFAULT now(), reverted_at timestamptz,
  UNIQUE (organization_id, id)
);
CREATE INDEX changeset_listing ON changeset (organization_id, id DESC);
CREATE TABLE change_event (
  id bigserial PRIMARY KEY, organization_id bigint NOT NULL, changeset_id bigint NOT NULL,
  record_type text NOT NULL, record_id uuid NOT NULL, record_public_id text NOT NULL, action text NOT NULL,
  actor_type text NOT NULL, actor_id bigint, before jsonb, after jsonb,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX change_event_listing ON change_event (organization_id, id DESC);
CREATE INDEX change_event_record ON change_event (organization_id, record_id, id);
CREATE INDEX change_event_changeset ON change_event (organization_id, changeset_id, id);
GRANT USAGE ON SEQUENCE changeset_id_seq, change_event_id_seq TO drippulse_app, drippulse_engine;
CREATE POLICY drippulse_engine ON membership TO drippulse_engine USING (true);
GRANT SELECT ON membership TO drippulse_engine;
"""

TENANT = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {table} TO drippulse_app
  USING (organization_id = {current}) WITH CHECK (organization_id = {current});
CREATE POLICY drippulse_engine ON {table} TO drippulse_engine USING (true) WITH CHECK (true);
GRANT {rights} ON {table} TO drippulse_app, drippulse_engine;
"""
# Nobody deletes a record or changes what the audit says; a changeset is only marked as reverted.
TENANT_TABLES = {
    "account": "SELECT, INSERT, UPDATE",
    "pipeline": "SELECT, INSERT, UPDATE",
    "pipeline_stage": "SELECT, INSERT, UPDATE",
    "pipeline_preference": "SELECT, INSERT, UPDATE, DELETE",
    "opportunity": "SELECT, INSERT, UPDATE",
    "activity": "SELECT, INSERT, UPDATE",
    "changeset": "SELECT, INSERT, UPDATE (reverted_at)",
    "change_event": "SELECT, INSERT",
}


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        script = [TABLES, *(RECORD_INDEXES.format(table=table) for table in ("account", "opportunity", "activity"))]
        script += [CHANGES]
        script += [TENANT.format(table=t, rights=r, current=CURRENT) for t, r in TENANT_TABLES.items()]
        await engine_finder().current_transaction.get().connection.execute("\n".join(script))

    manager.add_raw(run)
    return manager
