"""`drippulse mailbox`."""

from typing import Annotated

import typer

from drippulse_server.commands.options import DEFAULT_DATA_DIR, DataDir


def mailbox(
    port: Annotated[int, typer.Option(help="Where to listen on 127.0.0.1; 0 takes a free port.")] = 1025,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Catch outgoing mail instead of sending it: an SMTP server whose mail is read at /dev/mailbox. For development.

    Example: `drippulse mailbox --port 1025`, with DRIPPULSE_SMTP_URL=smtp://127.0.0.1:1025
    """
    import uvloop

    from drippulse_server.instance import connected_settings
    from drippulse_server.mailbox.server import serve_mailbox

    uvloop.run(serve_mailbox(connected_settings(data_dir), port))
