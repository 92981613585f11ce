"""Running `drippulse_server.prepare` beside us."""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import cast

from drippulse_server.failures import CommandFailure

TIMEOUT_SECONDS = 300.0


async def prepare_database(environment: Mapping[str, str]) -> dict[str, str]:
    """Migrates and bootstraps; answers the first credentials by variable, empty when there were some already.

    Raises:
        CommandFailure: it failed; the sentence is the reason it gave.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "drippulse_server.prepare"),
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            answer, complaint = await process.communicate()
    except TimeoutError as error:
        raise CommandFailure(f"The migrations did not end within {TIMEOUT_SECONDS:g} s.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        lines = complaint.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise CommandFailure(f"The database could not be prepared: {lines[-1].rstrip('.')}.")
    return cast("dict[str, str]", json.loads(answer))
