"""Statistics of record tables that grew faster than autovacuum looks."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000038"
VERSION = "1.38.0"
DESCRIPTION = "statistics after imports"

# Without statistics the planner takes an organization for a two-hundredth of the table, twice with row-level security,
# and goes through all of its records for each row that is looked up. Only the owner of a table may analyze it.
FUNCTION = """
CREATE FUNCTION drippulse_refresh_statistics(record_table text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '1s' AS $$
DECLARE known integer; now_there bigint;
BEGIN
  IF record_table NOT IN ('account', 'contact', 'lead', 'opportunity', 'activity') THEN
    RAISE EXCEPTION 'not a table of records: %', record_table;
  END IF;
  SELECT relpages INTO known FROM pg_class WHERE oid = record_table::regclass;
  now_there := pg_relation_size(record_table::regclass) / current_setting('block_size')::bigint;
  IF now_there <= 2 * known + 50 THEN
    RETURN false;
  END IF;
  EXECUTE format('ANALYZE %I', record_table);
  RETURN true;
EXCEPTION WHEN lock_not_available THEN
  RETURN false;
END $$;
REVOKE ALL ON FUNCTION drippulse_refresh_statistics FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drippulse_refresh_statistics TO drippulse_app, drippulse_engine;
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(FUNCTION)

    manager.add_raw(run)
    return manager
