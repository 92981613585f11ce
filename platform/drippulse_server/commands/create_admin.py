"""`drippulse create-admin`."""

import asyncio
from typing import Annotated

import typer

from drippulse_server.commands.options import DEFAULT_DATA_DIR, DataDir


def create_admin(
    organization: Annotated[str, typer.Option(help="Name of the organization; made when absent.")],
    username: Annotated[str, typer.Option(help="What the admin logs in with.")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, help="Asked for when not given.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Add an admin, and the organization when it does not exist.

    Example: `drippulse create-admin --organization Acme --username ada --password 'correct horse battery'`
    """
    from drippulse.organizations.bootstrap import create_admin as create
    from drippulse_server.console import out
    from drippulse_server.instance import connected_settings
    from drippulse_server.up.checks import reachable_database

    settings = connected_settings(data_dir)

    async def run() -> None:
        await reachable_database(settings.database_url)
        made = await create(settings, organization=organization, username=username, password=password)
        where = "the new organization" if made.organization_created else "the organization"
        out.print(f"{made.username} is an admin of {where} {organization}.", markup=False, style="green")

    asyncio.run(run())
