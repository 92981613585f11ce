"""Fixtures: real PostgreSQL and Redis, started once per test process and only when a test asks for them."""

import gc
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar

from drippulse.kit.db import Database, Role
from drippulse.kit.services import AppServices
from drippulse.settings import Settings
from drippulse_server.asgi import create_app_of
from drippulse_server.embedded.postgres import EmbeddedPostgres
from drippulse_server.embedded.redis import EmbeddedRedis
from drippulse_server.services import build_services
from tests.support.lifespan import running
from tests.support.organizations import TestOrganization, make_organization
from tests.support.postgres import fresh_database, prepare, settings_of
from tests.support.serving import serving

MakeOrganization = Callable[[], Awaitable[TestOrganization]]
MakeClient = Callable[..., httpx.AsyncClient]
MakeDatabase = Callable[[str], Awaitable[Settings]]

gc.set_threshold(50_000, 20, 50)  # what stays is large, and looking through it often takes several percent of the time
LONGEST_FIRST = ("chaos", "e2e", "integration", "contract")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules that take long come first, so that none is left for one process at the end."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(
        key=lambda item: min((place for folder, place in places.items() if folder in item.path.parents), default=9)
    )


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Generator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[EmbeddedRedis]:
    server = EmbeddedRedis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
async def settings(postgres: EmbeddedPostgres, redis_server: EmbeddedRedis) -> Settings:
    """Settings over a migrated database that all tests of this process share, each in organizations of its own."""
    shared = settings_of(postgres, redis_server)
    await prepare(postgres, shared)
    return shared


@pytest.fixture(scope="session")
def make_database(postgres: EmbeddedPostgres, settings: Settings) -> MakeDatabase:
    """A fresh migrated database by name, for tests that must be alone (the engine claims over all organizations)."""

    async def make(name: str) -> Settings:
        return await fresh_database(postgres, settings, name)

    return make


@pytest.fixture(scope="session")
async def services(settings: Settings) -> AppServices:
    return build_services(settings)


@pytest.fixture(scope="session")
async def app(services: AppServices) -> AsyncGenerator[Litestar]:
    """The whole web application, its lifespan running."""
    application = create_app_of(services)
    async with running(application):
        yield application


@pytest.fixture(scope="session")
async def make_client(app: Litestar) -> AsyncGenerator[MakeClient]:
    """Clients that speak HTTP to the application in this process: `make_client(token)`; without a token anonymous.

    Each has an address of its own, because failed logins count by address.
    """
    clients: list[httpx.AsyncClient] = []

    def make(token: str | None = None) -> httpx.AsyncClient:
        address = f"10.0.{len(clients) // 256 % 256}.{len(clients) % 256}"
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False, client=(address, 40_000)),
            base_url="http://drippulse.test",
            headers={"authorization": f"Bearer {token}"} if token else {},
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture(scope="module")
async def url(settings: Settings) -> AsyncGenerator[str]:
    """A web process of this module, another one than `app` is in: what it knows, the database or Redis has told it."""
    async with serving(settings) as running_at:
        yield running_at


@pytest.fixture(scope="session")
def new_organization(services: AppServices, make_client: MakeClient) -> MakeOrganization:
    """Further organizations: `await new_organization()`."""

    async def make() -> TestOrganization:
        return await make_organization(services, make_client)

    return make


@pytest.fixture
async def organization(new_organization: MakeOrganization) -> TestOrganization:
    """An organization of this test alone."""
    return await new_organization()


@pytest.fixture
def client(organization: TestOrganization) -> httpx.AsyncClient:
    """A client with the Admin's API key of `organization`."""
    return organization.client


@pytest.fixture(scope="session")
def anonymous(make_client: MakeClient) -> httpx.AsyncClient:
    """A client without credentials."""
    return make_client()


@pytest.fixture
async def engine_beat(settings: Settings) -> None:
    """A fresh heartbeat of the sweeper, which does not run beside these tests."""
    database = Database(settings)
    await database.open()
    try:
        async with database.session(Role.ENGINE) as session:
            await session.execute(
                "INSERT INTO heartbeat (name, beat_at) VALUES ('sweeper', now()) "
                "ON CONFLICT (name) DO UPDATE SET beat_at = now()"
            )
    finally:
        await database.close()
