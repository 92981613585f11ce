"""Building what the edges share, and opening and closing it with the application."""

from collections.abc import AsyncGenerator, Set
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from drippulse.kit.clock import utc_now
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database
from drippulse.kit.errors import DomainError
from drippulse.kit.services import AppServices
from drippulse.organizations.authentication import Authenticator
from drippulse.organizations.login_throttle import LoginThrottle
from drippulse.settings import Settings
from drippulse_graphql.kit.documents import Documents
from drippulse_graphql.schema import core_schema
from drippulse_server.instance import plain
from drippulse_workers.wake import DramatiqWaker

REDIS_SECONDS = 2.0


class IncompleteSettingsError(DomainError):
    """The web application cannot start with these settings."""

    code = "incomplete_settings"


def build_services(settings: Settings) -> AppServices:
    """The services of one web process. Nothing is connected yet.

    Raises:
        IncompleteSettingsError: a variable is missing; the message names it.
    """
    for name in ("database_url", "redis_url", "secret_key"):
        if not plain(getattr(settings, name)):
            raise IncompleteSettingsError(f"DRIPPULSE_{name.upper()} is not set; `drippulse up` sets it by itself.")
    database = Database(settings)
    redis = Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
        settings.redis_url, socket_connect_timeout=REDIS_SECONDS, socket_timeout=REDIS_SECONDS
    )
    services = AppServices(
        settings=settings,
        database=database,
        authenticator=Authenticator(database, settings, LoginThrottle(redis)),
        redis=redis,
        waker=DramatiqWaker(settings),
        vault=Vault.of(settings),
        clock=utc_now,
        check_document=Documents(core_schema()).flaws,
    )

    def on_news(organizations: Set[int]) -> None:
        services.feed.told(organizations)
        services.news.tell(organizations)

    database.on_news = on_news
    return services


@asynccontextmanager
async def opened(services: AppServices) -> AsyncGenerator[None]:
    """The database pool open while the block runs; everything closed after it."""
    await services.database.open()
    try:
        yield
    finally:
        if isinstance(services.waker, DramatiqWaker):
            await services.waker.close()
        await services.feed.close()
        await services.news.close()
        await services.notices.close()
        await services.graphql_usage.close()
        await services.authenticator.close()
        await services.redis.aclose()
        await services.database.close()
