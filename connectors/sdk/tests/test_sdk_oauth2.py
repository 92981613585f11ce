"""Renewing access tokens at a real token endpoint."""

from collections.abc import AsyncGenerator
from typing import Literal
from urllib.parse import parse_qs

import httpx
import pytest

from drippulse_connector_sdk import (
    AuthenticationFailed,
    ConnectorError,
    InvalidCredentials,
    ProviderUnavailable,
    RateLimited,
    Rejected,
    TokenSet,
    refresh_access_token,
)
from drippulse_connector_sdk.testing import FakeProvider, Reply

GRANTED = {"access_token": "new-access", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "new-refresh"}


@pytest.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=httpx.Timeout(5, read=0.3), trust_env=False) as client:
        yield client


async def _refresh(
    http: httpx.AsyncClient,
    provider: FakeProvider,
    auth_method: Literal["client_secret_basic", "client_secret_post", "none"] = "client_secret_post",
    client_secret: str | None = "canary-secret",
) -> TokenSet:
    return await refresh_access_token(
        http,
        token_url=f"{provider.url}/token",
        client_id="client-1",
        client_secret=client_secret,
        refresh_token="canary-refresh",
        auth_method=auth_method,
    )


async def test_refresh_posts_the_form_of_rfc_6749(http: httpx.AsyncClient, fake_provider: FakeProvider) -> None:
    fake_provider.reply_with(Reply(200, GRANTED))
    tokens = await _refresh(http, fake_provider)
    request = fake_provider.requests[0]
    assert (tokens.access_token, tokens.refresh_token, tokens.expires_in) == ("new-access", "new-refresh", 3600)
    assert "new-access" not in repr(tokens)
    assert (request.method, request.path) == ("POST", "/token")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.body.decode()) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["canary-refresh"],
        "client_id": ["client-1"],
        "client_secret": ["canary-secret"],
    }


async def test_basic_client_authentication(http: httpx.AsyncClient, fake_provider: FakeProvider) -> None:
    fake_provider.reply_with(Reply(200, {"access_token": "new-access"}))
    tokens = await _refresh(http, fake_provider, "client_secret_basic")
    request = fake_provider.requests[0]
    assert (tokens.refresh_token, tokens.expires_in) == (None, None)
    assert request.headers["authorization"].startswith("Basic ")
    assert b"canary-secret" not in request.body


async def test_public_client_sends_its_id_alone(http: httpx.AsyncClient, fake_provider: FakeProvider) -> None:
    fake_provider.reply_with(Reply(200, GRANTED))
    await _refresh(http, fake_provider, client_secret=None)
    assert parse_qs(fake_provider.requests[0].body.decode())["client_id"] == ["client-1"]
    assert b"client_secret" not in fake_provider.requests[0].body


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(400, {"error": "invalid_grant", "error_description": "canary-refresh"}), AuthenticationFailed),
        (Reply(401, {"error": "invalid_client"}), InvalidCredentials),
        (Reply(400, {"error": "invalid_scope"}), Rejected),
        (Reply(400, ["odd"]), Rejected),
        (Reply(400, "not json"), Rejected),
        (Reply(401, {}), AuthenticationFailed),
        (Reply(200, {"token_type": "Bearer"}), AuthenticationFailed),
        (Reply(200, "<html>"), ProviderUnavailable),
        (Reply(429, {}, {"Retry-After": "9"}), RateLimited),
        (Reply(500, {}), ProviderUnavailable),
        (Reply(hang=True), ProviderUnavailable),
        (Reply(drop=True), ProviderUnavailable),
    ],
)
async def test_failed_refresh_is_classified(
    reply: Reply, kind: type[ConnectorError], http: httpx.AsyncClient, fake_provider: FakeProvider
) -> None:
    fake_provider.reply_with(reply)
    with pytest.raises(kind) as caught:
        await _refresh(http, fake_provider)
    assert type(caught.value) is kind
    assert "canary" not in f"{caught.value.message}{caught.value.errors}"
