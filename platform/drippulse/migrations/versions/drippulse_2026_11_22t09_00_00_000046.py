"""Connections that stay open are checked all at once: whether the documents that they run are still registered."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000046"
VERSION = "1.38.0"
DESCRIPTION = "registered documents of all organizations, without their texts"

HASHES = """
CREATE POLICY drippulse_auth ON graphql_document FOR SELECT TO drippulse_auth USING (true);
GRANT SELECT (organization_id, sha256) ON graphql_document TO drippulse_auth;
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(HASHES)

    manager.add_raw(run)
    return manager
