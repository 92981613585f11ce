"""`drippulse web`."""

from typing import Annotated

import typer

from drippulse_server.commands.options import DEFAULT_DATA_DIR, DataDir

APPLICATION = "drippulse_server.asgi:create_app"
STOP_SECONDS = 8  # streams that stay open must not hold up a stop


def web(
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Where to listen.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes; one serves several thousand requests/s.")] = 1,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Serve REST, GraphQL, documentation and tracking links.

    Example: `drippulse web --host 0.0.0.0 --workers 4`
    """
    from granian.constants import Interfaces, Loops
    from granian.server import Server

    from drippulse.kit.collector import start_without_collector
    from drippulse_server.instance import connected_settings
    from drippulse_server.up.checks import free_port

    start_without_collector()  # the processes that serve inherit it, and end it with the application made
    connected_settings(data_dir, "redis_url", "secret_key")
    Server(
        APPLICATION,
        address=host,
        port=free_port(host, port),
        interface=Interfaces.ASGI,
        workers=workers,
        loop=Loops.uvloop,
        factory=True,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
    ).serve()
