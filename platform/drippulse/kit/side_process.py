"""A process beside a worker, for work that would hold up the worker's own.

It ends with the worker: its standard input closes when that one is gone.
"""

import os
import sys
import threading
from collections.abc import Awaitable, Callable

from drippulse.kit.collector import tune_collector
from drippulse.kit.failpoint import arm
from drippulse.kit.logging import configure_logging
from drippulse.settings import Settings, get_settings

POLITE = 5
SWITCH_SECONDS = 0.0005


def serve_beside(work: Callable[[Settings], Awaitable[None]]) -> None:
    """Do `work`, politely, until it returns or the parent is gone."""
    settings = get_settings()
    configure_logging(settings.log_level)
    arm(settings.failpoint)
    os.nice(POLITE)
    sys.setswitchinterval(SWITCH_SECONDS)  # reading gives way to writing at once
    threading.Thread(target=_end_with_parent, daemon=True).start()

    import uvloop

    async def tuned() -> None:
        tune_collector()
        await work(settings)

    uvloop.run(tuned())


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(0)  # what is not committed does not count
