"""`drippulse migrate`."""

import asyncio

from drippulse_server.commands.options import DEFAULT_DATA_DIR, DataDir


def migrate(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Bring the database to the newest schema. Safe to run again, and from several hosts at once.

    It connects as DRIPPULSE_DATABASE_OWNER_URL, the role that owns the tables.

    Example: `drippulse migrate`
    """
    from drippulse.migrations.run import migrate as run_migrations
    from drippulse_server.console import out
    from drippulse_server.instance import connected_settings
    from drippulse_server.up.checks import reachable_database

    settings = connected_settings(data_dir)

    async def run() -> list[str]:
        await reachable_database(settings.database_owner_url, "DRIPPULSE_DATABASE_OWNER_URL")
        return await run_migrations(settings)

    applied = asyncio.run(run())
    for name in applied:
        out.print(f"applied {name}", markup=False)
    out.print("The schema is up to date." if applied else "The schema was up to date already.", style="green")
