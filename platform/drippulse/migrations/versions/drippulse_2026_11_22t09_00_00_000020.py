"""An index on enrollments that may be killing their workers: nearly always empty, and asked by every claim."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000020"
VERSION = "1.38.0"
DESCRIPTION = "suspects"

INDEX = """CREATE INDEX enrollment_suspect ON enrollment (claimable_at)
WHERE status = 'active' AND attempt >= 2 AND wait_reason IS DISTINCT FROM 'retry'"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(INDEX)

    manager.add_raw(run)
    return manager
