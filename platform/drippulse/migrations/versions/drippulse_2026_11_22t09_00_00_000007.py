"""A delivery knows the fence of its intent, so that a late result of an earlier attempt does not pass for its own."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000007"
VERSION = "1.38.0"
DESCRIPTION = "fence of a delivery's intent"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        connection = engine_finder().current_transaction.get().connection
        await connection.execute("ALTER TABLE delivery ADD fence bigint NOT NULL DEFAULT 0")

    manager.add_raw(run)
    return manager
