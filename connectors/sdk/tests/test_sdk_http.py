"""Requests over a real socket, and what their failures are called."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import httpx
import pytest

from drippulse_connector_sdk import (
    AuthenticationFailed,
    ConnectorError,
    EgressRefused,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    ProviderUnavailable,
    RateLimited,
    Rejected,
    answered_at,
    classify_exception,
    classify_response,
    json_object,
    parse_retry_after,
    raise_for_status,
    send,
)
from drippulse_connector_sdk.testing import FakeProvider, Reply

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=httpx.Timeout(5, read=0.3), trust_env=False) as client:
        yield client


@pytest.mark.parametrize(
    ("status", "headers", "once", "repeatable"),
    [
        (200, {}, None, None),
        (204, {}, None, None),
        (302, {"Location": "http://elsewhere.invalid"}, Rejected, Rejected),
        (400, {}, Rejected, Rejected),
        (401, {}, AuthenticationFailed, AuthenticationFailed),
        (403, {}, PermissionDenied, PermissionDenied),
        (404, {}, NotFound, NotFound),
        (408, {}, ProviderUnavailable, ProviderUnavailable),
        (409, {}, Rejected, Rejected),
        (410, {}, NotFound, NotFound),
        (422, {}, Rejected, Rejected),
        (425, {}, ProviderUnavailable, ProviderUnavailable),
        (429, {}, RateLimited, RateLimited),
        (500, {}, OutcomeUnknown, ProviderUnavailable),
        (502, {}, OutcomeUnknown, ProviderUnavailable),
        (503, {}, OutcomeUnknown, ProviderUnavailable),
        (503, {"Retry-After": "5"}, ProviderUnavailable, ProviderUnavailable),
        (504, {}, OutcomeUnknown, ProviderUnavailable),
    ],
)
def test_status_is_classified(
    status: int, headers: dict[str, str], once: type[ConnectorError] | None, repeatable: type[ConnectorError] | None
) -> None:
    response = httpx.Response(status, headers=headers)
    found = [classify_response(response, repeatable=again, now=NOW) for again in (False, True)]
    assert [one and type(one) for one in found] == [once, repeatable]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("30", 30.0),
        (" 1.5 ", 1.5),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90.0),
        ("Sunday, 01-Mar-26 12:01:30 GMT", 90.0),
        ("Sun, 01 Mar 2026 14:01:30 +0200", 90.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("999999999999", 86400.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86400.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("1e9", None),
        ("٣", None),
        ("9" * 400, None),
        ("Sun, 99 Mar 2026 12:01:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, now=NOW) == seconds


def test_a_retry_after_date_is_measured_from_the_answers_own_clock() -> None:
    headers = {"Retry-After": "Sun, 01 Mar 2026 12:00:20 GMT", "Date": "Sun, 01 Mar 2026 12:00:15 GMT"}
    error = classify_response(httpx.Response(429, headers=headers), repeatable=True)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 5.0


@pytest.mark.parametrize("date", ["", "yesterday", "0"])
def test_an_answer_whose_date_cannot_be_read_is_of_this_moment(date: str) -> None:
    before = datetime.now(UTC)
    assert before <= answered_at(httpx.Response(429, headers={"Date": date})) <= datetime.now(UTC)


def test_retry_after_date_reaches_the_error() -> None:
    response = httpx.Response(429, headers={"Retry-After": "Sun, 01 Mar 2026 12:00:20 GMT"})
    error = classify_response(response, repeatable=False, now=NOW)
    assert error is not None
    assert error.retry_after == 20


def _below(kind: type[httpx.RequestError]) -> list[type[httpx.RequestError]]:
    return [kind, *(lower for one in kind.__subclasses__() for lower in _below(one))]


@pytest.mark.parametrize(
    "kind",
    [one for one in _below(httpx.RequestError) if one.__module__.startswith("httpx.") or one.__module__ == "httpx"],
)
def test_every_httpx_exception_has_a_class(kind: type[httpx.RequestError]) -> None:
    never_sent = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"}
    expected: dict[str, type[ConnectorError]] = {
        **dict.fromkeys(never_sent, ProviderUnavailable),
        "UnsupportedProtocol": EgressRefused,
        "LocalProtocolError": Rejected,
    }
    error = kind("text with s3cret")
    assert type(classify_exception(error, repeatable=False)) is expected.get(kind.__name__, OutcomeUnknown)
    assert type(classify_exception(error, repeatable=True)) is expected.get(kind.__name__, ProviderUnavailable)
    assert "s3cret" not in classify_exception(error, repeatable=False).message


@pytest.mark.parametrize("reply", [Reply(hang=True), Reply(drop=True)])
async def test_lost_answer_depends_on_repeatability(
    reply: Reply, http: httpx.AsyncClient, fake_provider: FakeProvider
) -> None:
    fake_provider.reply_with(reply)
    with pytest.raises(OutcomeUnknown):
        await send(http, "POST", fake_provider.url, repeatable=False, json={})
    with pytest.raises(ProviderUnavailable):
        await send(http, "POST", fake_provider.url, repeatable=True, json={})
    assert len(fake_provider.requests) == 2


async def test_refused_connection_was_never_sent(http: httpx.AsyncClient) -> None:
    with FakeProvider() as gone:
        pass
    with pytest.raises(ProviderUnavailable):
        await send(http, "POST", gone.url, repeatable=False)


async def test_own_timeout_overrides_the_clients(fake_provider: FakeProvider) -> None:
    fake_provider.reply_with(Reply(hang=True))
    async with httpx.AsyncClient(timeout=60, trust_env=False) as patient, asyncio.timeout(5):
        with pytest.raises(OutcomeUnknown):
            await send(patient, "POST", fake_provider.url, repeatable=False, timeout=0.1)


async def test_unwritable_header_is_fatal_and_not_quoted(http: httpx.AsyncClient, fake_provider: FakeProvider) -> None:
    with pytest.raises(Rejected) as caught:
        await send(http, "GET", fake_provider.url, repeatable=True, headers={"Authorization": "Bearer s3cret\n"})
    assert "s3cret" not in caught.value.message
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "http://127.0.0.1/\x00", "relative/path"])
async def test_uncallable_url_is_fatal(url: str, http: httpx.AsyncClient) -> None:
    with pytest.raises(EgressRefused):
        await send(http, "GET", url, repeatable=True)


async def test_redirect_is_not_followed(http: httpx.AsyncClient, fake_provider: FakeProvider) -> None:
    fake_provider.reply_with(Reply(307, "", {"Location": f"{fake_provider.url}/next"}))
    with pytest.raises(Rejected):
        raise_for_status(await send(http, "POST", fake_provider.url, repeatable=False), repeatable=False)
    assert len(fake_provider.requests) == 1


@pytest.mark.parametrize("body", ["<html>s3cret</html>", "[1]", "", '"text"'])
async def test_other_than_a_json_object_is_an_unknown_outcome(
    body: str, http: httpx.AsyncClient, fake_provider: FakeProvider
) -> None:
    fake_provider.reply_with(Reply(200, body))
    response = await send(http, "POST", fake_provider.url, repeatable=False)
    with pytest.raises(OutcomeUnknown) as caught:
        json_object(response, repeatable=False)
    assert caught.value.code == "unexpected_response"
    assert "s3cret" not in caught.value.message
    with pytest.raises(ProviderUnavailable):
        json_object(response, repeatable=True)


async def test_undecodable_body_is_an_unknown_outcome(http: httpx.AsyncClient, fake_provider: FakeProvider) -> None:
    fake_provider.reply_with(Reply(200, "not gzip", {"Content-Encoding": "gzip"}))
    with pytest.raises(OutcomeUnknown):
        await send(http, "POST", fake_provider.url, repeatable=False)
