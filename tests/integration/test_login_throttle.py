"""Guessing passwords: limited by account and by address, over all three routes, with Redis and without."""

import asyncio
import secrets
import statistics
import time
from collections.abc import AsyncGenerator
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar
from redis.asyncio import Redis

from drippulse.kit.services import AppServices
from drippulse.organizations.errors import TooManyLoginsError
from drippulse.organizations.login_throttle import ACCOUNT_ATTEMPTS, ADDRESS_ATTEMPTS, WINDOW_SECONDS, LoginThrottle
from drippulse.settings import Settings
from drippulse_server.asgi import create_app
from tests.conftest import MakeClient
from tests.support.lifespan import running
from tests.support.organizations import PASSWORD, TestOrganization

LOGINS = ("/api/v1/admin/login", "/api/v1/sessions/admin", "/api/v1/auth/login")


def somebody() -> str:
    return f"nobody-{secrets.token_hex(8)}"


async def log_in(client: httpx.AsyncClient, username: str, password: str, path: str = LOGINS[0]) -> httpx.Response:
    return await client.post(path, json={"username": username, "password": password})


async def fail(client: httpx.AsyncClient, username: str, times: int = ACCOUNT_ATTEMPTS) -> None:
    """Over all three routes in turn."""
    for turn in range(times):
        response = await log_in(client, username, "wrong", LOGINS[turn % len(LOGINS)])
        assert response.status_code == 401, response.text


@pytest.mark.parametrize("path", LOGINS)
async def test_an_account_takes_no_more_guesses_from_anywhere(
    path: str, make_client: MakeClient, organization: TestOrganization
) -> None:
    await fail(make_client(), organization.username)
    response = await log_in(make_client(), organization.username.upper(), PASSWORD, path)
    assert (response.status_code, response.json()["error"]) == (429, "too_many_logins")
    assert 0 < int(response.headers["retry-after"]) <= WINDOW_SECONDS


async def test_unknown_users_are_throttled_alike(make_client: MakeClient, organization: TestOrganization) -> None:
    client, unknown = make_client(), somebody()
    await fail(client, unknown)
    await fail(client, organization.username)
    known, not_known = [await log_in(client, name, "wrong") for name in (organization.username, unknown)]
    assert known.status_code == not_known.status_code == 429
    assert known.json() == not_known.json()


async def test_an_address_takes_no_more_guesses_for_any_account(redis: Redis) -> None:
    throttle, address = LoginThrottle(redis), secrets.token_hex(8)
    for _ in range(ADDRESS_ATTEMPTS):
        await throttle.attempt(somebody(), address)
    with pytest.raises(TooManyLoginsError):
        await throttle.attempt(somebody(), address)
    await throttle.attempt(somebody(), secrets.token_hex(8))


async def test_a_right_password_is_no_guess(make_client: MakeClient, organization: TestOrganization) -> None:
    client = make_client()
    await fail(client, organization.username, ACCOUNT_ATTEMPTS - 1)
    for _ in range(3):
        assert (await log_in(client, organization.username, PASSWORD)).status_code == 200
    await fail(client, organization.username, ACCOUNT_ATTEMPTS - 1)


async def test_logins_that_succeed_do_not_use_up_the_address(redis: Redis) -> None:
    throttle, address = LoginThrottle(redis, address_attempts=2), secrets.token_hex(8)
    for _ in range(5):
        name = somebody()
        await throttle.attempt(name, address)
        await throttle.succeeded(name, address)


async def test_guesses_at_once_are_counted_one_by_one(redis: Redis) -> None:
    throttle, name = LoginThrottle(redis), somebody()
    guesses = [throttle.attempt(name, secrets.token_hex(8)) for _ in range(ACCOUNT_ATTEMPTS * 5)]
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == ACCOUNT_ATTEMPTS


async def test_two_processes_count_together(redis: Redis) -> None:
    first, second, name = LoginThrottle(redis), LoginThrottle(redis), somebody()
    for turn in range(ACCOUNT_ATTEMPTS):
        await (first, second)[turn % 2].attempt(name, secrets.token_hex(8))
    with pytest.raises(TooManyLoginsError):
        await second.attempt(name, secrets.token_hex(8))


async def test_redis_learns_neither_names_nor_addresses_and_forgets(redis: Redis) -> None:
    throttle, name = LoginThrottle(redis), somebody()
    await throttle.attempt(name, "203.0.113.77")
    keys = [cast("bytes", key) async for key in cast("Any", redis).scan_iter("login:*")]
    assert keys
    for key in keys:
        assert name.encode() not in key
        assert b"203.0.113" not in key
        assert 0 < await cast("Any", redis).ttl(key) <= WINDOW_SECONDS


async def test_without_redis_each_process_counts_for_itself() -> None:
    away = cast("Any", Redis).from_url("redis://127.0.0.1:1/0", socket_connect_timeout=1)
    throttle, name = LoginThrottle(away), somebody()
    try:
        for _ in range(ACCOUNT_ATTEMPTS):
            await throttle.attempt(name, "a")
        with pytest.raises(TooManyLoginsError) as caught:
            await throttle.attempt(name, "b")
        assert 0 < caught.value.retry_after <= WINDOW_SECONDS
        await throttle.succeeded(name, "a")
        await throttle.attempt(name, "b")
    finally:
        await away.aclose()


async def test_logging_in_works_while_redis_is_away(settings: Settings, organization: TestOrganization) -> None:
    app = create_app(settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"}))
    async with running(app):
        transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://drippulse.test") as client:
            assert (await log_in(client, organization.username, PASSWORD)).status_code == 200
            await fail(client, organization.username)
            assert (await log_in(client, organization.username, PASSWORD)).status_code == 429


async def test_an_address_that_a_client_makes_up_does_not_count(app: Litestar, make_client: MakeClient) -> None:
    name = somebody()
    await fail(make_client(), name)
    response = await make_client().post(
        LOGINS[0], json={"username": name, "password": "x"}, headers={"x-forwarded-for": "198.51.100.1"}
    )
    assert response.status_code == 429


async def test_unknown_users_take_as_long_as_known_ones(
    make_client: MakeClient, organization: TestOrganization
) -> None:
    client = make_client()
    seconds: dict[str, list[float]] = {organization.username: [], somebody(): []}
    for _ in range(5):
        for name, taken in seconds.items():
            began = time.perf_counter()
            await log_in(client, name, "wrong")
            taken.append(time.perf_counter() - began)
    known, unknown = (statistics.median(taken) for taken in seconds.values())
    assert 0.5 < known / unknown < 2


@pytest.fixture
async def redis(services: AppServices) -> AsyncGenerator[Redis]:
    made = cast("Any", Redis).from_url(services.settings.redis_url)
    yield made
    await made.aclose()
