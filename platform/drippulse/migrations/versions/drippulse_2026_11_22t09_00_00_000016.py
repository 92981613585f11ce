"""Kept answers get headers, and claims of writes that hold no transaction. Answers kept so far were not encrypted."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000016"
VERSION = "1.38.0"
DESCRIPTION = "claims of idempotency keys"

CLAIMS = """
TRUNCATE idempotency_key;
ALTER TABLE idempotency_key
  ALTER COLUMN status DROP NOT NULL,
  ALTER COLUMN body DROP NOT NULL,
  ADD COLUMN headers jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN claim uuid,
  ADD COLUMN claimed_until timestamptz,
  ADD CONSTRAINT idempotency_key_answered_or_claimed
    CHECK ((status IS NULL) = (body IS NULL) AND (status IS NULL) = (claim IS NOT NULL));
GRANT UPDATE (claimed_until) ON idempotency_key TO drippulse_app;
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(CLAIMS)

    manager.add_raw(run)
    return manager
