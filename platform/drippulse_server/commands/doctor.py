"""`drippulse doctor`."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from drippulse_server.commands.options import DEFAULT_DATA_DIR, DataDir
from drippulse_server.failures import CommandFailure, ExitCode

if TYPE_CHECKING:
    from drippulse_server.doctor.check import Check


def doctor(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Say what is wrong with an installation and how to mend it. Changes nothing; exit code 1 when something is wrong.

    Example: `drippulse doctor --data-dir ~/drippulse`
    """
    from drippulse_server.doctor.check import Verdict

    checks = asyncio.run(examine(data_dir))
    _show(checks)
    if any(check.verdict is Verdict.FAIL for check in checks):
        raise typer.Exit(ExitCode.FAILED)


async def examine(data_dir: Path) -> "list[Check]":
    """Every check there is, the cheap ones first."""
    from drippulse_server.doctor import check, machine

    checks = [machine.python_version(), machine.data_dir_private(data_dir), machine.connectors_load()]
    from drippulse_server.instance import connected_settings

    try:
        settings = connected_settings(data_dir)
    except CommandFailure as failure:
        return [*checks, check.fail("settings", failure.message, "then run `drippulse doctor` again")]
    from drippulse_server.doctor.database import check_database
    from drippulse_server.doctor.services import check_redis, check_smtp

    database, redis, smtp = await asyncio.gather(
        check_database(settings), check_redis(settings), asyncio.to_thread(check_smtp, settings)
    )
    return [*checks, machine.settings_complete(settings), *database, redis, smtp]


def _show(checks: "Sequence[Check]") -> None:
    from rich.table import Table
    from rich.text import Text

    from drippulse_server.console import out

    styles = {"ok": "green", "fail": "bold red", "skipped": "dim"}
    table = Table("")
    for title in ("what", "found", "how to mend it"):
        table.add_column(title, overflow="fold")
    for check in checks:
        verdict = Text(check.verdict.value, style=styles[check.verdict.value])
        table.add_row(verdict, check.name, Text(check.finding), Text(check.remedy))
    out.print(table)
    failed = sum(check.verdict.value == "fail" for check in checks)
    if failed:
        out.print(f"{failed} of {len(checks)} checks failed.", style="red")
    else:
        out.print("All is well.", style="green")
