"""Slack's Web API and incoming webhooks, played by a real HTTP server."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from drippulse_connector_sdk import (
    AuthenticationFailed,
    ConnectorError,
    InvalidCredentials,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    ProviderUnavailable,
    RateLimited,
    Rejected,
)
from drippulse_connector_sdk.testing import FakeProvider, RecordedRequest, Reply
from drippulse_connector_slack import SlackConnector

TOKEN = "xoxb-canary-token"
HOOK = "https://hooks.slack.com/services/T000/B000/canaryhook"
BOT = {"bot_token": TOKEN, "default_channel": "#ops"}
POSTED = Reply(body={"ok": True, "channel": "C1H9RESGL", "ts": "1503435956.000247", "message": {"text": "x"}})


@pytest.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=httpx.Timeout(5, read=0.3), trust_env=False) as client:
        yield client


class Slack:
    """A connector and the server that stands for Slack."""

    def __init__(self, http: httpx.AsyncClient, provider: FakeProvider) -> None:
        self.http = http
        self.provider = provider

    def connector(self, **credentials: str) -> SlackConnector:
        return SlackConnector(credentials, self.http, base_url=self.provider.url)

    async def post(self, credentials: dict[str, str], **message: Any) -> tuple[dict[str, Any], RecordedRequest]:
        result = await self.connector(**credentials).invoke("post_message", {"text": "Hi", **message})
        return result.output, self.provider.requests[-1]

    async def failure(self, reply: Reply, credentials: dict[str, str], action: str, **data: Any) -> ConnectorError:
        self.provider.reply_with(reply)
        with pytest.raises(ConnectorError) as caught:
            await self.connector(**credentials).invoke(action, data)
        assert "canary" not in f"{caught.value!r}{caught.value.errors}{caught.value.provider_code}"
        return caught.value


@pytest.fixture
def slack(http: httpx.AsyncClient, fake_provider: FakeProvider) -> Slack:
    return Slack(http, fake_provider)


async def test_bot_token_posts_through_the_web_api(slack: Slack) -> None:
    slack.provider.reply_with(POSTED)
    output, request = await slack.post(BOT, channel="C123", blocks=[{"type": "divider"}], thread_ts="1503435956.000247")
    assert output == {"via": "bot_token", "channel": "C1H9RESGL", "ts": "1503435956.000247"}
    assert (request.method, request.path) == ("POST", "/api/chat.postMessage")
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert request.json() == {
        "text": "Hi",
        "channel": "C123",
        "blocks": [{"type": "divider"}],
        "thread_ts": "1503435956.000247",
    }


@pytest.mark.parametrize("channel", [None, "", "  "])
async def test_blank_channel_is_the_default_one(slack: Slack, channel: str | None) -> None:
    slack.provider.reply_with(POSTED)
    _output, request = await slack.post(BOT, channel=channel)
    assert request.json()["channel"] == "#ops"


async def test_webhook_alone_posts_to_its_url_on_the_override(slack: Slack) -> None:
    slack.provider.reply_with(Reply(body="ok"))
    output, request = await slack.post({"webhook_url": HOOK})
    assert output == {"via": "webhook", "channel": None, "ts": None}
    assert (request.method, request.path) == ("POST", "/services/T000/B000/canaryhook")
    assert request.json() == {"text": "Hi"}
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    ("credentials", "channel", "path"),
    [
        ({"webhook_url": HOOK, "bot_token": TOKEN}, None, "/services/T000/B000/canaryhook"),
        ({"webhook_url": HOOK, "bot_token": TOKEN}, "C1", "/api/chat.postMessage"),
        ({"webhook_url": HOOK, **BOT}, None, "/api/chat.postMessage"),
        ({"webhook_url": HOOK}, "C1", "/services/T000/B000/canaryhook"),
    ],
)
async def test_route_depends_on_token_and_channel(
    slack: Slack, credentials: dict[str, str], channel: str | None, path: str
) -> None:
    slack.provider.reply_with(POSTED)
    _output, request = await slack.post(credentials, channel=channel)
    assert request.path == path


async def test_token_without_any_channel_is_invalid_input(slack: Slack) -> None:
    error = await slack.failure(POSTED, {"bot_token": TOKEN}, "post_message", text="Hi")
    assert isinstance(error, InvalidInput)
    assert "channel" in error.errors
    assert slack.provider.requests == []


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "x" * 40_001}, "text"),
        ({"text": "x", "thread_ts": "yesterday"}, "thread_ts"),
        ({"text": "x", "icon_emoji": "bell"}, "icon_emoji"),
        ({"text": "x", "blocks": [{"type": "divider"}] * 51}, "blocks"),
        ({"text": "x", "blocks": "[]"}, "blocks"),
        ({"message": "x"}, "message"),
    ],
)
async def test_bad_message_names_the_field(slack: Slack, message: dict[str, Any], field: str) -> None:
    error = await slack.failure(POSTED, BOT, "post_message", **message)
    assert isinstance(error, InvalidInput)
    assert field in error.errors


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("channel_not_found", NotFound),
        ("is_archived", NotFound),
        ("not_in_channel", PermissionDenied),
        ("missing_scope", PermissionDenied),
        ("restricted_action", PermissionDenied),
        ("invalid_auth", AuthenticationFailed),
        ("not_authed", AuthenticationFailed),
        ("account_inactive", AuthenticationFailed),
        ("token_revoked", AuthenticationFailed),
        ("token_expired", AuthenticationFailed),
        ("msg_too_long", InvalidInput),
        ("invalid_blocks", InvalidInput),
        ("ratelimited", RateLimited),
        ("rate_limited", RateLimited),
        ("service_unavailable", ProviderUnavailable),
        ("request_timeout", ProviderUnavailable),
        ("internal_error", OutcomeUnknown),
        ("fatal_error", OutcomeUnknown),
        ("a_code_of_next_year", Rejected),
    ],
)
async def test_web_api_code_is_classified(slack: Slack, code: str, kind: type[ConnectorError]) -> None:
    reply = Reply(body={"ok": False, "error": code}, headers={"Retry-After": "30"})
    error = await slack.failure(reply, BOT, "post_message", text="Hi")
    assert (type(error), error.provider_code) == (kind, code)
    assert error.needs_reauth is (kind is AuthenticationFailed)
    assert error.retry_after == (30 if kind in {RateLimited, ProviderUnavailable} else None)


@pytest.mark.parametrize(
    "body", [{"ok": False}, {"ok": False, "error": TOKEN}, {"ok": False, "error": 7}, {"ok": "true"}, {}]
)
async def test_answer_without_a_code_is_rejected_and_not_quoted(slack: Slack, body: dict[str, Any]) -> None:
    error = await slack.failure(Reply(body=body), BOT, "post_message", text="Hi")
    assert (type(error), error.provider_code) == (Rejected, "unknown_error")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, "invalid_payload", InvalidInput),
        (400, "user_not_found", NotFound),
        (403, "action_prohibited", PermissionDenied),
        (403, "invalid_token", AuthenticationFailed),
        (404, "channel_not_found", NotFound),
        (404, "no_service", AuthenticationFailed),
        (404, "no_team", AuthenticationFailed),
        (410, "channel_is_archived", NotFound),
        (429, "rate_limited", RateLimited),
        (500, "rollup_error", OutcomeUnknown),
        (500, "<html>canaryhook</html>", OutcomeUnknown),
        (404, "<html>canaryhook</html>", NotFound),
        (302, "", Rejected),
    ],
)
async def test_webhook_answer_is_classified(slack: Slack, status: int, body: str, kind: type[ConnectorError]) -> None:
    reply = Reply(status, body, {"Retry-After": "30"} if status == 429 else {})
    error = await slack.failure(reply, {"webhook_url": HOOK}, "post_message", text="Hi")
    assert type(error) is kind
    assert error.retry_after == (30 if kind is RateLimited else None)


async def test_lost_answer_to_a_post_is_an_unknown_outcome_and_to_a_read_is_not(slack: Slack) -> None:
    post = await slack.failure(Reply(hang=True), BOT, "post_message", text="Hi")
    read = await slack.failure(Reply(body={"ok": False, "error": "internal_error"}), BOT, "list_channels")
    assert (type(post), type(read)) == (OutcomeUnknown, ProviderUnavailable)
    assert len(slack.provider.requests) == 2


async def test_person_is_found_by_email(slack: Slack) -> None:
    slack.provider.reply_with(
        Reply(body={"ok": True, "user": {"id": "W012A3CDE", "name": "spengler", "team_id": "T0"}})
    )
    result = await slack.connector(**BOT).invoke("lookup_user_by_email", {"email": " egon+x@example.com "})
    assert result.output["id"] == "W012A3CDE"
    request = slack.provider.requests[0]
    assert (request.method, request.path) == ("GET", "/api/users.lookupByEmail")
    assert request.query == {"email": "egon+x@example.com"}
    missing = await slack.failure(
        Reply(body={"ok": False, "error": "users_not_found"}), BOT, "lookup_user_by_email", email="a@b.c"
    )
    assert type(missing) is NotFound


async def test_channels_come_a_page_at_a_time(slack: Slack) -> None:
    page: dict[str, Any] = {
        "ok": True,
        "channels": [{"id": "C1", "name": "a"}],
        "response_metadata": {"next_cursor": "dXNlcjo="},
    }
    last: dict[str, Any] = {"ok": True, "channels": [], "response_metadata": {"next_cursor": ""}}
    slack.provider.reply_with(lambda request: Reply(body=last if "cursor" in request.query else page))
    connector = slack.connector(**BOT)
    first = (await connector.invoke("list_channels", {"limit": 1, "include_private": True})).output
    second = (await connector.invoke("list_channels", {"cursor": first["next_cursor"]})).output
    assert first["channels"][0]["name"] == "a"
    assert (first["next_cursor"], second) == ("dXNlcjo=", {"channels": [], "next_cursor": None})
    assert [one.query for one in slack.provider.requests] == [
        {"types": "public_channel,private_channel", "exclude_archived": "true", "limit": "1"},
        {"types": "public_channel", "exclude_archived": "true", "limit": "200", "cursor": "dXNlcjo="},
    ]


@pytest.mark.parametrize(
    "body", [{"ok": True}, {"ok": True, "channels": 7}, {"ok": True, "channels": [], "response_metadata": "x"}]
)
async def test_odd_page_is_retriable(slack: Slack, body: dict[str, Any]) -> None:
    error = await slack.failure(Reply(body=body), BOT, "list_channels")
    assert (type(error), error.code) == (ProviderUnavailable, "unexpected_response")


@pytest.mark.parametrize("action", ["lookup_user_by_email", "list_channels"])
async def test_reading_needs_the_bot_token(slack: Slack, action: str) -> None:
    data = {"email": "a@b.c"} if action == "lookup_user_by_email" else {}
    error = await slack.failure(POSTED, {"webhook_url": HOOK}, action, **data)
    assert isinstance(error, InvalidCredentials)
    assert slack.provider.requests == []


async def test_connection_check_calls_auth_test(slack: Slack) -> None:
    slack.provider.reply_with(Reply(body={"ok": True, "team": "T"}))
    await slack.connector(**BOT).test_connection()
    assert [one.path for one in slack.provider.requests] == ["/api/auth.test"]
    slack.provider.reply_with(Reply(body={"ok": False, "error": "invalid_auth"}))
    with pytest.raises(AuthenticationFailed):
        await slack.connector(**BOT).test_connection()


async def test_connection_check_of_a_webhook_posts_nothing(slack: Slack) -> None:
    await slack.connector(webhook_url=HOOK).test_connection()
    assert slack.provider.requests == []


@pytest.mark.parametrize(
    "credentials", [{}, {"default_channel": "#ops"}, {"webhook_url": "nonsense"}, {"token": TOKEN}]
)
def test_unusable_credentials_are_refused(slack: Slack, credentials: dict[str, str]) -> None:
    with pytest.raises(InvalidCredentials) as caught:
        slack.connector(**credentials)
    assert "canary" not in f"{caught.value!r}{caught.value.errors}"


async def test_own_addresses_are_slacks(http: httpx.AsyncClient) -> None:
    connector = SlackConnector({"webhook_url": HOOK}, http)
    assert connector.url("/api/auth.test") == "https://slack.com/api/auth.test"
    assert connector.rebase(HOOK) == HOOK
