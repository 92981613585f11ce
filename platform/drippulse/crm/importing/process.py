"""The process that carries imports out: beside a worker, which starts it when there is something to import.

It ends when nothing waits any more, and with the worker.
"""

from drippulse.crm.importing.runner import run_next
from drippulse.kit.db import Database
from drippulse.kit.side_process import serve_beside
from drippulse.settings import Settings

MODULE = "drippulse.crm.importing.process"
CONNECTIONS = 3


async def work(settings: Settings) -> None:
    """Import until nothing waits."""
    database = Database(settings.model_copy(update={"database_pool_size": CONNECTIONS}))
    await database.open()
    try:
        while await run_next(database):
            pass
    finally:
        await database.close()


if __name__ == "__main__":
    serve_beside(work)
