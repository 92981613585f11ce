"""Full-text search of records, and how many records there are."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000031"
VERSION = "1.38.0"
DESCRIPTION = "search and totals of records"

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::bigint)"

# Marks become blanks, so that the parts of an address are words of their own.
WORDS = "to_tsvector('simple', translate({text}, '@.-_+/,;:''\"()&|!*<>', repeat(' ', 19)))"
PERSON = (
    "first_name || ' ' || last_name || ' ' || coalesce(email, '') || ' ' || company || ' ' || title || ' ' || "
    "regexp_replace(phone, '[^0-9]', '', 'g') || ' ' || public_id || ' ' || coalesce(external_id, '')"
)
OTHER = "public_id || ' ' || coalesce(external_id, '')"
TEXTS = {
    "account": f"name || ' ' || domain || ' ' || industry || ' ' || city || ' ' || {OTHER}",
    "contact": PERSON,
    "lead": f"{PERSON} || ' ' || source || ' ' || website",
    "opportunity": f"name || ' ' || source || ' ' || {OTHER}",
    "activity": f"subject || ' ' || outcome || ' ' || left(body, 1000) || ' ' || {OTHER}",
}

SEARCH = """
ALTER TABLE {table} ADD COLUMN search tsvector GENERATED ALWAYS AS ({words}) STORED;
CREATE INDEX {table}_search ON {table} USING gin (search) WHERE deleted_at IS NULL;
"""

# Row-level security would have to be checked before the match, which no index can serve: the match is not leakproof.
# These functions look for the caller's organization alone and give back nothing but ids; to do so, their owner reads.
FINDER = """
CREATE POLICY finder ON {table} FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION find_{table}(words tsquery, most integer) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, public
BEGIN ATOMIC
  WITH hits AS MATERIALIZED (
    SELECT r.id FROM {table} r WHERE r.search @@ words AND r.organization_id = {current} AND r.deleted_at IS NULL)
  SELECT hits.id FROM hits ORDER BY hits.id DESC LIMIT most;
END;
REVOKE EXECUTE ON FUNCTION find_{table}(tsquery, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_{table}(tsquery, integer) TO drippulse_app;
"""

# Every statement that adds, deletes or restores records leaves one row with the difference, so that nobody waits for a
# common counter; the sum is how many there are. Who reads it folds the rows when they are many.
TALLY = """
CREATE TABLE record_tally (organization_id bigint NOT NULL, record_type text NOT NULL, delta bigint NOT NULL);
CREATE INDEX record_tally_sum ON record_tally (organization_id, record_type) INCLUDE (delta);
CREATE FUNCTION tally_inserted() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
  INSERT INTO record_tally (organization_id, record_type, delta)
  SELECT organization_id, TG_TABLE_NAME, count(*) FROM added WHERE deleted_at IS NULL GROUP BY 1;
  RETURN NULL;
END$$;
CREATE FUNCTION tally_updated() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
  INSERT INTO record_tally (organization_id, record_type, delta)
  SELECT organization_id, TG_TABLE_NAME, sum(delta) FROM (
    SELECT organization_id, 1 AS delta FROM added WHERE deleted_at IS NULL
    UNION ALL SELECT organization_id, -1 FROM removed WHERE deleted_at IS NULL) AS changed
  GROUP BY 1 HAVING sum(delta) <> 0;
  RETURN NULL;
END$$;
"""
TALLIED = """
INSERT INTO record_tally (organization_id, record_type, delta)
  SELECT organization_id, '{table}', count(*) FROM {table} WHERE deleted_at IS NULL GROUP BY 1;
CREATE TRIGGER tally_inserted AFTER INSERT ON {table} REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION tally_inserted();
CREATE TRIGGER tally_updated AFTER UPDATE ON {table} REFERENCING OLD TABLE AS removed NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION tally_updated();
"""
SECURED = f"""
ALTER TABLE record_tally ENABLE ROW LEVEL SECURITY;
ALTER TABLE record_tally FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON record_tally TO drippulse_app
  USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT});
CREATE POLICY drippulse_engine ON record_tally TO drippulse_engine USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE ON record_tally TO drippulse_app;
GRANT INSERT ON record_tally TO drippulse_engine;
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        script: list[str] = [TALLY]
        for table, text in TEXTS.items():
            script.append(SEARCH.format(table=table, words=WORDS.format(text=text)))
            script.append(FINDER.format(table=table, current=CURRENT))
            script.append(TALLIED.format(table=table))
        script.append(SECURED)
        await engine_finder().current_transaction.get().connection.execute("\n".join(script))

    manager.add_raw(run)
    return manager
