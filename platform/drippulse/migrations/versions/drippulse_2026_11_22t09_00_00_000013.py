"""The engine starts enrollments too (steps, events, schedules); what is held is found by an index."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000013"
VERSION = "1.38.0"
DESCRIPTION = "the engine enrolls"

SCRIPT = """
GRANT INSERT ON enrollment TO drippulse_engine;
CREATE INDEX enrollment_held ON enrollment (organization_id, workflow_id) WHERE holds <> 0;
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(SCRIPT)

    manager.add_raw(run)
    return manager
