"""Worker processes of a world, started and killed by tests."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from drippulse.settings import Settings


def environment(settings: Settings, **changes: str) -> dict[str, str]:
    """The variables that make a process read these settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DRIPPULSE_")}
    return {
        **kept,
        "DRIPPULSE_ENV": settings.env.value,
        "DRIPPULSE_DATABASE_URL": settings.database_url,
        "DRIPPULSE_DATABASE_OWNER_URL": settings.database_owner_url,
        "DRIPPULSE_REDIS_URL": settings.redis_url,
        "DRIPPULSE_SMTP_URL": settings.smtp_url,
        "DRIPPULSE_SECRET_KEY": settings.secret_key.get_secret_value(),
        "DRIPPULSE_STEP_RETRY_BASE_SECONDS": str(settings.step_retry_base_seconds),
        "DRIPPULSE_RATE_LIMIT": str(settings.rate_limit),
        **changes,
    }


@asynccontextmanager
async def process(settings: Settings, command: str, **changes: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """`drippulse COMMAND` as a process of its own; killed at the end if it is still there."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "drippulse_server", command, env=environment(settings, **changes)
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()


async def killed(running: asyncio.subprocess.Process, within: float = 20) -> bool:
    """Whether the process died of SIGKILL, which is what a failpoint does."""
    return await asyncio.wait_for(running.wait(), within) == -signal.SIGKILL
