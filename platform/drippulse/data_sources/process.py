"""The process that carries runs out: beside a worker, which starts it when a run waits.

Several runs are worked on at once, because sources are waited for most of the time. It ends when nothing waits any
more, and with the worker.
"""

import asyncio
from typing import Final

from drippulse.data_sources.opening import Opening
from drippulse.data_sources.runner import carry_out, claim_next
from drippulse.data_sources.sources.base import Limits
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database
from drippulse.kit.http import OutboundHttp
from drippulse.kit.side_process import serve_beside
from drippulse.settings import Settings
from drippulse.workflows.templates import shared_templates

MODULE: Final = "drippulse.data_sources.process"
AT_ONCE: Final = 4
PAUSE_SECONDS: Final = 1.0
"""Between two looks for further runs while some are under way."""


async def work(settings: Settings) -> None:
    """Carry runs out until none waits."""
    database = Database(settings.model_copy(update={"database_pool_size": AT_ONCE * 2}))
    await database.open()
    http = OutboundHttp(settings.egress_allow, development=settings.development)
    limits = Limits(file_bytes=settings.import_max_bytes)
    opening = Opening(settings, database, Vault.of(settings), http, shared_templates(), limits)
    running = set[asyncio.Task[None]]()
    try:
        while True:
            while len(running) < AT_ONCE and (claimed := await claim_next(database)) is not None:
                running.add(asyncio.create_task(carry_out(opening, *claimed)))
            if not running:
                return
            done, running = await asyncio.wait(running, timeout=PAUSE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # a database that is away ends the process; what is not committed does not count
    finally:
        await http.aclose()
        await database.close()


if __name__ == "__main__":
    serve_beside(work)
