"""What `up` tells once everything runs."""

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from drippulse_server.up.environment import BASE_URL
from drippulse_server.up.options import UpOptions


def announcement(
    options: UpOptions, credentials: Mapping[str, str], *, first_start: bool, mailbox: bool
) -> RenderableType:
    """The panel with the addresses; the credentials themselves only on the first start."""
    base = credentials[BASE_URL]
    places = [("REST API", f"{base}/docs/api"), ("GraphQL", f"{base}/graphql")]
    if mailbox:
        places.append(("mailbox", f"{base}/dev/mailbox"))
    rows = [("address", base), *places, *_credential_rows(options, credentials, first_start=first_start)]
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, Text(value))
    stop = Text("Ctrl-C stops everything; the data stays.", style="dim")
    return Panel(Group(table, Text(), stop), title="DripPulse is running", border_style="green", expand=False)


def _credential_rows(options: UpOptions, credentials: Mapping[str, str], *, first_start: bool) -> list[tuple[str, str]]:
    if first_start:
        return [
            ("admin", credentials["DRIPPULSE_ADMIN_USERNAME"]),
            ("password", credentials["DRIPPULSE_ADMIN_PASSWORD"]),
            ("API key", credentials["DRIPPULSE_API_KEY"]),
            ("", f"shown this once; kept in {options.credentials_file}"),
        ]
    if "DRIPPULSE_API_KEY" in credentials:
        return [("credentials", f"in {options.credentials_file}")]
    return [("credentials", "make some: drippulse create-admin --help, drippulse create-api-key --help")]
