"""`drippulse connectors ...`."""

import typer

app = typer.Typer(help="Connectors: the packages that talk to other services.", no_args_is_help=True)


@app.callback()
def connectors() -> None:
    """Connectors: the packages that talk to other services."""


@app.command("list")
def list_connectors() -> None:
    """Show the installed connectors and what they can do. A connector is installed with pip and found by itself.

    Example: `drippulse connectors list`
    """
    from rich.table import Table

    from drippulse.integrations.registry import connector_problems, load_connectors
    from drippulse_server.console import fail, out

    table = Table("key", "name", "description", "actions")
    for key, connector in sorted(load_connectors().items()):
        table.add_row(key, connector.name, connector.description, "\n".join(connector.actions))
    out.print(table)
    for problem in connector_problems():
        fail(str(problem))
