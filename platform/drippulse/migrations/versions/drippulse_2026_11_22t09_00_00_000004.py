"""An index for the list of all enrollments of an organization, newest first."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000004"
VERSION = "1.38.0"
DESCRIPTION = "organization-wide enrollment listing"

INDEX = "CREATE INDEX enrollment_newest ON enrollment (organization_id, id DESC) WHERE deleted_at IS NULL"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(INDEX)

    manager.add_raw(run)
    return manager
