"""Runs of workflows that were paused before holds had flags get theirs, so that resuming finds them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000024"
VERSION = "1.38.0"
DESCRIPTION = "holds of workflows paused before"

# The policies would hide the rows from their owner. 4 is Hold.WORKFLOW.
CONVERT = """
ALTER TABLE enrollment NO FORCE ROW LEVEL SECURITY;
ALTER TABLE enrollment_count NO FORCE ROW LEVEL SECURITY;
UPDATE enrollment SET holds = holds | 4, held_at = coalesce(held_at, updated_at), wait_reason = NULL
WHERE wait_reason = 'workflow_paused' AND status = 'active';
ALTER TABLE enrollment FORCE ROW LEVEL SECURITY;
ALTER TABLE enrollment_count FORCE ROW LEVEL SECURITY;
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(CONVERT)

    manager.add_raw(run)
    return manager
