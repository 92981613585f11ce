"""`drippulse up`."""

import asyncio
from typing import Annotated

import typer

from drippulse_server.commands.options import DEFAULT_DATA_DIR, DataDir


def up(
    port: Annotated[int, typer.Option(help="Where to listen; 0 takes a free port.")] = 8000,
    host: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 opens it to the network.")] = "127.0.0.1",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Run everything on this machine: PostgreSQL, Redis, web, worker, scheduler and a local mailbox.

    The first start makes an organization, its admin and an API key, and shows them once. Ctrl-C stops everything; the
    data stays in the data folder. With DRIPPULSE_DATABASE_URL, DRIPPULSE_REDIS_URL or DRIPPULSE_SMTP_URL set, that part
    is yours and not started here.

    Exit codes: 2 settings, 3 port, 4 data folder, 5 database, 6 Redis, 1 anything else.

    Example: `drippulse up --port 8080 --data-dir ~/drippulse`
    """
    from drippulse_server.console import out
    from drippulse_server.up.options import UpOptions
    from drippulse_server.up.sequence import run_up

    asyncio.run(run_up(UpOptions(host, port, data_dir.expanduser().resolve()), out))
