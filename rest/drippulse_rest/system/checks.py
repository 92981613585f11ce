"""What /health asks."""

import asyncio
from collections.abc import Awaitable

import structlog

from drippulse.kit.db import Role
from drippulse.kit.services import AppServices

TIMEOUT_SECONDS = 2.0
FRESH_BEAT = "SELECT coalesce((SELECT now() - beat_at < interval '60 s' FROM heartbeat WHERE name = 'sweeper'), false)"
log = structlog.get_logger(__name__)


async def check_health(services: AppServices) -> dict[str, str]:
    """Name -> ok or failed. PostgreSQL answers, Redis answers, the sweeper did a round in the last 60 seconds."""
    redis, (postgresql, sweeper) = await asyncio.gather(_redis(services), _database(services))
    checks = {"postgresql": postgresql, "redis": redis, "sweeper": sweeper}
    return {name: "ok" if passed else "failed" for name, passed in checks.items()}


async def _redis(services: AppServices) -> bool:
    pong: Awaitable[bool] = services.redis.ping()  # pyright: ignore[reportUnknownMemberType, reportAssignmentType] - typed for both clients
    return await _in_time("redis", pong) is True


async def _database(services: AppServices) -> tuple[bool, bool]:
    async def ask() -> bool:
        async with services.database.session(Role.APP) as session:
            return bool(await session.fetchval(FRESH_BEAT))

    fresh = await _in_time("postgresql", ask())
    return fresh is not None, fresh is True


async def _in_time(name: str, question: Awaitable[bool]) -> bool | None:
    """The answer, or None when there is none; why is for the log alone."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await question
    except Exception as error:  # noqa: BLE001 - whatever keeps a service from answering is what is reported
        log.warning("health_check_failed", check=name, reason=repr(error))
        return None
