"""Who bills are written to."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000044"
VERSION = "1.38.0"
DESCRIPTION = "billing details"

BILLING = "ALTER TABLE organization ADD billing jsonb NOT NULL DEFAULT '{}'"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(BILLING)

    manager.add_raw(run)
    return manager
