"""Runs whose key for re-entry rules is their contact's address are found by it, without a key of their own."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000022"
VERSION = "1.38.0"
DESCRIPTION = "enrollments by address"

INDEX = """CREATE INDEX enrollment_address ON enrollment (organization_id, workflow_id, lower(email))
WHERE dedupe_key IS NULL AND lead_ref IS NULL AND email <> '' AND deleted_at IS NULL"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(INDEX)

    manager.add_raw(run)
    return manager
