"""The engine reads connections and parks those whose credentials a provider refuses."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000003"
VERSION = "1.38.0"
DESCRIPTION = "engine access to connections"

CONNECTIONS = """
CREATE POLICY drippulse_engine ON integration_connection TO drippulse_engine USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE (status, updated_at) ON integration_connection TO drippulse_engine;
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(CONNECTIONS)

    manager.add_raw(run)
    return manager
