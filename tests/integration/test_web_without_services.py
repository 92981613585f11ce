"""The web application while Redis is away, and with settings that are not complete."""

from collections.abc import AsyncGenerator
from typing import Any, cast

import httpx
import pytest

from drippulse.settings import Settings
from drippulse_server.asgi import create_app
from drippulse_server.services import IncompleteSettingsError, build_services
from tests.support.lifespan import running
from tests.support.organizations import TestOrganization
from tests.support.workflows import create_workflow, enroll


@pytest.fixture
async def without_redis(settings: Settings, organization: TestOrganization) -> AsyncGenerator[httpx.AsyncClient]:
    """The application over a Redis that does not answer."""
    app = create_app(settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"}))
    headers = dict(organization.client.headers)
    async with running(app):
        transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://drippulse.test", headers=headers) as client:
            yield client


async def test_enrolling_works_while_redis_is_away(without_redis: httpx.AsyncClient) -> None:
    made = await create_workflow(without_redis)
    assert (await enroll(without_redis, made["id"]))["created_count"] == 1


async def test_health_says_what_fails_and_no_more(without_redis: httpx.AsyncClient, engine_beat: None) -> None:
    response = await without_redis.get("/health")
    assert response.status_code == 503
    assert response.json() == {
        "status": "degraded",
        "checks": {"postgresql": "ok", "redis": "failed", "sweeper": "ok"},
    }


async def test_health_fails_without_a_recent_beat_of_the_sweeper(make_database: Any) -> None:
    settings = await make_database("no_beat")
    app = create_app(settings)
    async with running(app):
        transport = httpx.ASGITransport(cast("Any", app))
        async with httpx.AsyncClient(transport=transport, base_url="http://drippulse.test") as client:
            response = await client.get("/health")
    assert response.status_code == 503
    assert response.json()["checks"] == {"postgresql": "ok", "redis": "ok", "sweeper": "failed"}


@pytest.mark.parametrize("name", ["database_url", "redis_url", "secret_key"])
def test_a_missing_setting_is_named(name: str, settings: Settings) -> None:
    empty = type(getattr(settings, name))("")
    with pytest.raises(IncompleteSettingsError, match=f"DRIPPULSE_{name.upper()}"):
        build_services(settings.model_copy(update={name: empty}))
