"""The process that carries imports out: beside a worker, which starts it when there is something to import.

It ends when nothing waits any more, and with the worker: its standard input closes when that one is gone.
"""

import os
import sys
import threading

from drippulse.crm.importing.runner import run_next
from drippulse.kit.collector import tune_collector
from drippulse.kit.db import Database
from drippulse.kit.failpoint import arm
from drippulse.kit.logging import configure_logging
from drippulse.settings import Settings, get_settings

MODULE = "drippulse.crm.importing.process"
POLITE = 5
CONNECTIONS = 3
SWITCH_SECONDS = 0.0005


def main() -> None:
    """Import until nothing waits."""
    settings = get_settings()
    configure_logging(settings.log_level)
    arm(settings.failpoint)
    os.nice(POLITE)
    sys.setswitchinterval(SWITCH_SECONDS)  # reading gives way to writing at once
    threading.Thread(target=_end_with_parent, daemon=True).start()

    import uvloop

    uvloop.run(_work(settings))


async def _work(settings: Settings) -> None:
    database = Database(settings.model_copy(update={"database_pool_size": CONNECTIONS}))
    await database.open()
    tune_collector()
    try:
        while await run_next(database):
            pass
    finally:
        await database.close()


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(0)  # what is not committed does not count


if __name__ == "__main__":
    main()
