"""`drippulse demo`."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from drippulse_server.commands.options import DEFAULT_DATA_DIR, DataDir
from drippulse_server.failures import CommandFailure, ExitCode

if TYPE_CHECKING:
    from drippulse.settings import Settings


def demo(
    seed: Annotated[int, typer.Option(help="The same seed makes the same people and deals.")] = 1,
    wait: Annotated[float, typer.Option(help="Seconds for the workers to move the runs on.", min=0, max=600)] = 20,
    yes: Annotated[bool, typer.Option("--yes", help="Also where DRIPPULSE_ENV is not development.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Make the organization "DripPulse demo": people, deals, activities, and workflows with runs in every state.

    Its login and API key are shown once. When it is there already nothing is changed. Mails go where the instance sends
    its mail: to the mailbox of `drippulse up`, and to addresses of example.com.

    Example: `drippulse demo`
    """
    from drippulse_server.console import out
    from drippulse_server.instance import connected_settings

    settings = connected_settings(data_dir, "redis_url", "secret_key")
    if not settings.development and not yes:
        raise CommandFailure(
            f"DRIPPULSE_ENV is {settings.env.value}; a demo does not belong there. If you mean it, add --yes.",
            ExitCode.SETTINGS,
        )
    for line in asyncio.run(run(settings, seed, wait)):
        out.print(line, markup=False, soft_wrap=True)


async def run(settings: "Settings", seed: int, wait: float) -> list[str]:
    """Make it; what to tell whoever asked for it."""
    from drippulse.kit.clock import utc_now
    from drippulse.kit.crypto import Vault
    from drippulse.kit.db import Database
    from drippulse_server.demo.contents import make_contents
    from drippulse_server.demo.living import live, settled, states
    from drippulse_server.demo.seeding import ORGANIZATION, TEAM
    from drippulse_server.demo.seeding import seed as make
    from drippulse_server.up.checks import reachable_database
    from drippulse_workers.wake import DramatiqWaker

    await reachable_database(settings.database_url)
    database, waker, contents = Database(settings), DramatiqWaker(settings), make_contents(seed, utc_now())
    await database.open()
    try:
        made = await make(database, Vault.of(settings), waker, contents)
        if made is None:
            return [f'The organization "{ORGANIZATION}" is there already; nothing was changed.']
        moved = await settled(database, made.organization_id, wait)
        if moved:
            await live(database, waker, made, contents)
            moved = await settled(database, made.organization_id, wait)
        runs = await states(database, made.organization_id)
    finally:
        await waker.close()
        await database.close()
    told = ", ".join(f"{count} {status}" for status, count in runs.items())
    return [
        f'The organization "{ORGANIZATION}" is made, with {len(contents.contacts)} contacts and {told} runs.',
        *([] if moved else ["No worker has moved its runs on yet; they run as soon as one does."]),
        "Login and API key, shown once:",
        f"  username  {TEAM[0][0]}",
        f"  password  {made.password}",
        f"  API key   {made.api_key}",
    ]
