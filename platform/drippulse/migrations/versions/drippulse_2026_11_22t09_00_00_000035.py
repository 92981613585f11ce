"""The totals of a board come from its index alone."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000035"
VERSION = "1.38.0"
DESCRIPTION = "totals of pipeline stages"

BOARD = """
DROP INDEX opportunity_board;
CREATE INDEX opportunity_board ON opportunity (organization_id, pipeline_stage_id, stage_position, id)
  INCLUDE (currency, amount, probability) WHERE deleted_at IS NULL;
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(BOARD)

    manager.add_raw(run)
    return manager
