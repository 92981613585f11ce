"""`drippulse create-api-key`."""

import asyncio
from typing import Annotated

import typer

from drippulse_server.commands.options import DEFAULT_DATA_DIR, DataDir


def create_api_key(
    organization: Annotated[str, typer.Option(help="Name of the organization.")],
    role: Annotated[str, typer.Option(help="Viewer, Editor, Approver or Admin: what it may do.")] = "Admin",
    name: Annotated[str, typer.Option(help="What the key is for; shown in lists.")] = "Command line",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Make an API key and print it, and nothing else. It is not shown again.

    Example: `KEY=$(drippulse create-api-key --organization Acme --role Editor)`
    """
    from drippulse.organizations.bootstrap import create_api_key as create
    from drippulse_server.instance import connected_settings
    from drippulse_server.up.checks import reachable_database

    settings = connected_settings(data_dir)

    async def run() -> str:
        await reachable_database(settings.database_url)
        return await create(settings, organization=organization, role=role, name=name)

    typer.echo(asyncio.run(run()))
