"""Finding records by words, owner and tags; how many have each tag; changes of tags that go on in the background."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000034"
VERSION = "1.38.0"
DESCRIPTION = "tags"

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::bigint)"
TABLES = ("account", "contact", "lead", "opportunity", "activity")

# The organization is an element beside the tags: what others tag alike costs this one nothing. Comparing arrays is not
# leakproof, so that row-level security keeps the index from statements of the application's role; the function looks
# for the caller's organization alone and gives back nothing but ids.
TAGGED = """
CREATE INDEX {table}_owner ON {table} (organization_id, owner_id, id DESC)
  WHERE deleted_at IS NULL AND owner_id IS NOT NULL;
CREATE INDEX {table}_tagged ON {table} USING gin (array_prepend(organization_id::text, tags))
  WHERE deleted_at IS NULL AND tags <> '{{}}';
CREATE FUNCTION find_{table}_tagged(wanted text[], most integer) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, public
BEGIN ATOMIC
  WITH hits AS MATERIALIZED (
    SELECT r.id FROM {table} r
    WHERE array_prepend(r.organization_id::text, r.tags) && wanted
      AND array_prepend(r.organization_id::text, r.tags) @> ARRAY[{current}::text]
      AND r.tags && wanted AND r.tags <> '{{}}' AND r.organization_id = {current} AND r.deleted_at IS NULL)
  SELECT hits.id FROM hits ORDER BY hits.id DESC LIMIT most;
END;
REVOKE EXECUTE ON FUNCTION find_{table}_tagged(text[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_{table}_tagged(text[], integer) TO drippulse_app;
INSERT INTO tag_tally (organization_id, record_type, tag, delta)
  SELECT r.organization_id, '{table}', t.tag, count(DISTINCT r.id) FROM {table} r, unnest(r.tags) AS t (tag)
  WHERE r.deleted_at IS NULL GROUP BY 1, 3;
"""

# Looking up a frequent beginning takes as long as there are records with it. Where other words are rarer, these alone
# are looked up, and the records that have them are compared with all.
NARROWED = """
CREATE FUNCTION find_{table}_narrowed(rare tsquery, words tsquery, most integer) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, public
BEGIN ATOMIC
  WITH hits AS MATERIALIZED (
    SELECT r.id, r.search FROM {table} r
    WHERE r.search @@ rare AND r.organization_id = {current} AND r.deleted_at IS NULL)
  SELECT hits.id FROM hits WHERE hits.search @@ words ORDER BY hits.id DESC LIMIT most;
END;
REVOKE EXECUTE ON FUNCTION find_{table}_narrowed(tsquery, tsquery, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_{table}_narrowed(tsquery, tsquery, integer) TO drippulse_app;
"""

# As with the tally of records: every statement leaves the differences that it makes, one row for each tag.
TALLY = """
CREATE TABLE tag_tally (
  organization_id bigint NOT NULL, record_type text NOT NULL, tag text NOT NULL, delta bigint NOT NULL
);
CREATE INDEX tag_tally_sum ON tag_tally (organization_id);
CREATE TABLE tag_change (
  organization_id bigint NOT NULL REFERENCES organization (id), changeset_id bigint NOT NULL,
  name text NOT NULL, new_name text, actor_type text NOT NULL, actor_id bigint, updated bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (organization_id, changeset_id)
);
CREATE OR REPLACE FUNCTION tally_inserted() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
  INSERT INTO record_tally (organization_id, record_type, delta)
  SELECT organization_id, TG_TABLE_NAME, count(*) FROM added WHERE deleted_at IS NULL GROUP BY 1;
  INSERT INTO tag_tally (organization_id, record_type, tag, delta)
  SELECT a.organization_id, TG_TABLE_NAME, t.tag, count(*)
  FROM added a CROSS JOIN LATERAL (SELECT DISTINCT u.tag FROM unnest(a.tags) AS u (tag)) AS t
  WHERE a.deleted_at IS NULL AND a.tags <> '{}' GROUP BY 1, 3;
  RETURN NULL;
END$$;
CREATE OR REPLACE FUNCTION tally_updated() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
  INSERT INTO record_tally (organization_id, record_type, delta)
  SELECT organization_id, TG_TABLE_NAME, sum(delta) FROM (
    SELECT organization_id, 1 AS delta FROM added WHERE deleted_at IS NULL
    UNION ALL SELECT organization_id, -1 FROM removed WHERE deleted_at IS NULL) AS changed
  GROUP BY 1 HAVING sum(delta) <> 0;
  INSERT INTO tag_tally (organization_id, record_type, tag, delta)
  SELECT c.organization_id, TG_TABLE_NAME, t.tag, sum(c.delta) FROM (
    SELECT organization_id, tags, 1 AS delta FROM added WHERE deleted_at IS NULL AND tags <> '{}'
    UNION ALL SELECT organization_id, tags, -1 FROM removed WHERE deleted_at IS NULL AND tags <> '{}') AS c
    CROSS JOIN LATERAL (SELECT DISTINCT u.tag FROM unnest(c.tags) AS u (tag)) AS t
  GROUP BY 1, 3 HAVING sum(c.delta) <> 0;
  RETURN NULL;
END$$;
"""
SECURED = f"""
ALTER TABLE {{table}} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{table}} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {{table}} TO drippulse_app
  USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT});
CREATE POLICY drippulse_engine ON {{table}} TO drippulse_engine USING (true) WITH CHECK (true);
GRANT {{app}} ON {{table}} TO drippulse_app;
GRANT {{engine}} ON {{table}} TO drippulse_engine;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        script = [TALLY]
        for table in TABLES:
            script += [part.format(table=table, current=CURRENT) for part in (TAGGED, NARROWED)]
        script.append(SECURED.format(table="tag_tally", app="SELECT, INSERT, DELETE", engine="INSERT"))
        script.append(SECURED.format(table="tag_change", app="SELECT, INSERT, UPDATE, DELETE", engine="SELECT"))
        await engine_finder().current_transaction.get().connection.execute("\n".join(script))

    manager.add_raw(run)
    return manager
