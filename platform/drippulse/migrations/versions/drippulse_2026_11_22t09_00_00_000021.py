"""Mails of unknown outcome: found by themselves, and sent again by a run of their own, one at a time."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000021"
VERSION = "1.38.0"
DESCRIPTION = "unknown sends"

SCRIPT = """
CREATE INDEX delivery_unknown ON delivery (organization_id, workflow_id, id) WHERE status = 'unknown';
ALTER TABLE enrollment ADD sends_for bigint;
CREATE UNIQUE INDEX enrollment_sends_for ON enrollment (organization_id, sends_for, visit)
  WHERE sends_for IS NOT NULL AND status IN ('active', 'paused');
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(SCRIPT)

    manager.add_raw(run)
    return manager
