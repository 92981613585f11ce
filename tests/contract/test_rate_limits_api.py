"""Rate limits: a bucket for each credential, told in every answer, shared by every edge; Redis may be away."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, cast

import httpx
import pytest
from redis.asyncio import Redis

from drippulse.kit.rate_limits import RateLimiter
from drippulse.kit.services import AppServices
from drippulse.organizations.tables import MemberRole
from drippulse.settings import Settings
from drippulse_server.asgi import create_app_of
from drippulse_server.services import build_services
from tests.support.lifespan import running
from tests.support.organizations import TestOrganization
from tests.support.small_app import client_of

LIMIT = 20
PATH = "/api/v1/workflows"
HEADERS = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")
Clients = Callable[[MemberRole], Awaitable[httpx.AsyncClient]]


def told(answer: httpx.Response) -> tuple[int, ...]:
    return tuple(int(answer.headers[name]) for name in HEADERS)


@pytest.fixture
async def clients(settings: Settings, organization: TestOrganization, app: object) -> AsyncGenerator[Clients]:
    """Clients of an application with a limit of `LIMIT` requests a minute, by role."""
    limited = build_services(settings.model_copy(update={"rate_limit": LIMIT}))
    application = create_app_of(limited)
    async with running(application):
        made: list[Any] = []

        async def client(role: MemberRole) -> httpx.AsyncClient:
            context = client_of(application, organization.keys[role])
            made.append(context)
            return await context.__aenter__()

        yield client
        for context in made:
            await context.__aexit__(None, None, None)


async def test_every_answer_tells_what_is_left(clients: Clients) -> None:
    client = await clients(MemberRole.VIEWER)
    answers = [await client.get(PATH), await client.get(f"{PATH}?page=x"), await client.get(f"{PATH}/999999999")]
    answers += [await client.post(PATH, json={"name": "x"}), await client.get("/v1/contacts")]
    assert [answer.status_code for answer in answers] == [200, 422, 404, 403, 200]
    limits, remaining, resets = zip(*(told(answer) for answer in answers), strict=True)
    assert set(limits) == {LIMIT}
    assert remaining == (19, 18, 17, 16, 15)
    assert list(resets) == [3, 6, 9, 12, 15]


async def test_one_too_many_is_refused_until_the_bucket_has_filled_a_little(clients: Clients) -> None:
    client = await clients(MemberRole.ADMIN)
    answers = [await client.get(PATH) for _ in range(LIMIT)]
    assert {answer.status_code for answer in answers} == {200}
    for path in (PATH, "/v1/contacts"):
        refused = await client.get(path)
        code = refused.json()["error"] if path == PATH else refused.json()["error"]["code"]
        assert (refused.status_code, code, told(refused)[:2]) == (429, "rate_limited", (LIMIT, 0))
        assert 1 <= int(refused.headers["retry-after"]) <= 3


async def test_graphql_counts_with_the_same_bucket(clients: Clients) -> None:
    client = await clients(MemberRole.EDITOR)
    answers = [await client.post("/graphql", json={"query": "{ viewer { role } }"}) for _ in range(LIMIT - 1)]
    assert {answer.status_code for answer in answers} == {200}
    assert told(answers[-1])[1] == 1
    assert (await client.get(PATH)).status_code == 200
    refused = await client.post("/graphql", json={"query": "{ viewer { role } }"})
    assert refused.status_code == 429
    assert refused.json()["errors"][0]["extensions"]["code"] == "rate_limited"
    assert int(refused.headers["retry-after"]) >= 1


async def test_each_credential_has_a_bucket_and_who_has_none_is_not_counted(
    clients: Clients, anonymous: httpx.AsyncClient
) -> None:
    first, second = await clients(MemberRole.ADMIN), await clients(MemberRole.VIEWER)
    answers = [await first.get(PATH) for _ in range(LIMIT + 1)]
    assert (answers[-1].status_code, (await second.get(PATH)).status_code) == (429, 200)
    for path in (PATH, "/health"):
        answer = await anonymous.get(path)
        assert not set(HEADERS) & set(answer.headers)


async def test_the_limit_of_a_credential_goes_before_the_default(services: AppServices) -> None:
    limiter = RateLimiter(services.redis, 600)
    own = await limiter.take("key:test-own", 2)
    assert own is not None
    assert (own.limit, own.remaining) == (2, 1)
    assert await limiter.take("key:test-own", 0) is None
    default = await limiter.take("key:test-default", None)
    assert default is not None
    assert (default.limit, default.remaining, default.reset) == (600, 599, 1)


@pytest.mark.parametrize("limit", [1, 7, 600, 10_000_000, 1_000_000_000])
async def test_any_limit_counts(limit: int, services: AppServices) -> None:
    limiter = RateLimiter(services.redis, limit)
    taken = await limiter.take(f"key:test-{limit}", None)
    assert taken is not None
    assert (taken.limit, taken.retry_after) == (limit, None)
    assert limit - 1 <= taken.remaining <= limit


async def test_a_hundred_at_once_take_no_more_than_there_are(services: AppServices) -> None:
    limiters = [RateLimiter(services.redis, 50, patience=60) for _ in range(4)]  # as many processes
    taken = await asyncio.gather(*(limiters[n % 4].take("key:test-crowd", None) for n in range(100)))
    assert len([one for one in taken if one is not None and one.retry_after is None]) in {50, 51}


async def _asked(redis: Redis) -> int:
    """How often Redis was asked to count."""
    commands: dict[str, dict[str, int]] = await redis.info("commandstats")  # pyright: ignore[reportUnknownMemberType]
    return commands.get("cmdstat_evalsha", {"calls": 0})["calls"]


async def test_who_comes_while_redis_is_asked_is_asked_for_together_and_told_their_own(services: AppServices) -> None:
    limiter = RateLimiter(services.redis, 30, patience=60)
    assert await limiter.take("key:test-script", None) is not None  # Redis has it from now on
    before = await _asked(services.redis)
    wanted = [("key:test-together", None)] * 40 + [("key:test-beside", 1_000)] * 25
    answers = await asyncio.gather(*(limiter.take(*one) for one in wanted))
    told = [(one.limit, one.remaining, one.retry_after is None) for one in answers if one is not None]
    assert told[:40] == [(30, left, True) for left in range(29, -1, -1)] + [(30, 0, False)] * 10
    assert told[40:] == [(1_000, left, True) for left in range(999, 974, -1)]
    assert await _asked(services.redis) - before <= 5


async def test_who_leaves_while_redis_is_asked_takes_nobody_along(services: AppServices) -> None:
    limiter = RateLimiter(services.redis, 30, patience=60)
    takes = [asyncio.create_task(limiter.take("key:test-leaving", None)) for _ in range(3)]
    await asyncio.sleep(0)
    takes[0].cancel()
    left, *stayed = await asyncio.gather(*takes, return_exceptions=True)
    assert isinstance(left, asyncio.CancelledError)
    assert [getattr(one, "remaining", one) for one in stayed] == [28, 27]


async def test_the_bucket_fills_evenly(services: AppServices) -> None:
    limiter = RateLimiter(services.redis, 1200)  # one in 50 ms
    for _ in range(1200):
        last = await limiter.take("key:test-even", None)
        if last is not None and last.remaining == 0:
            break
    await asyncio.sleep(0.12)
    again = [await limiter.take("key:test-even", None) for _ in range(2)]
    assert [one.retry_after for one in again if one is not None] == [None, None]


async def test_without_redis_requests_pass_and_wait_for_nobody(
    settings: Settings, services: AppServices, organization: TestOrganization
) -> None:
    gone = Redis.from_url("redis://127.0.0.1:1/0")  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
    limiter = RateLimiter(gone, 1)
    assert [await limiter.take("key:test-gone", None) for _ in range(3)] == [None, None, None]


async def test_an_emptied_redis_forgets_and_goes_on(services: AppServices) -> None:
    limiter = RateLimiter(services.redis, 1)
    assert await limiter.take("key:test-flush", None) is not None
    refused = await limiter.take("key:test-flush", None)
    assert refused is not None
    assert refused.retry_after is not None
    await cast("Any", services.redis).script_flush()
    await services.redis.delete("rate:key:test-flush")
    again = await limiter.take("key:test-flush", None)
    assert again is not None
    assert again.retry_after is None
