"""Sending through the injected client, and reading what came back as the error taxonomy."""

import email.utils
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Protocol

import httpx

from drippulse_connector_sdk._errors import (
    AuthenticationFailed,
    ConnectorError,
    EgressRefused,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    ProviderUnavailable,
    RateLimited,
    Rejected,
)

MAXIMUM_RETRY_AFTER = 24 * 3600.0
_SECONDS = re.compile(r"\d{1,12}(\.\d+)?", re.ASCII)
# Raised while the connection is being made: not a byte of the request has left.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
# The server says that it did not take the request in (RFC 9110 15.5.9, RFC 8470 5.2).
_NOT_PROCESSED = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})


class HttpClient(Protocol):
    """The part of `httpx.AsyncClient` that a connector uses.

    The platform injects it, with its egress guard and its timeouts; a connector never makes one. It does not follow
    redirects.
    """

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Any = ...,
        params: Any = ...,
        json: Any = ...,
        content: Any = ...,
        timeout: Any = ...,
    ) -> httpx.Response: ...


async def send(
    http: HttpClient,
    method: str,
    url: str,
    *,
    repeatable: bool,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    json: object = None,
    content: bytes | None = None,
    timeout: float | None = None,
) -> httpx.Response:
    """Send one request; any answer is returned, whatever its status (see `raise_for_status`).

    Args:
        repeatable: whether sending it twice does no harm; decides how a lost answer is classified.
        timeout: seconds for each phase; default: the client's own.

    Raises:
        ConnectorError: no answer came. It is raised outside the `except` block so that no exception of the HTTP
            library, whose text may hold a header, hangs on to it.
    """
    limit = httpx.USE_CLIENT_DEFAULT if timeout is None else timeout
    try:
        return await http.request(
            method, url, headers=headers, params=params, json=json, content=content, timeout=limit
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        failure = classify_exception(error, repeatable=repeatable)
    raise failure


def classify_exception(error: httpx.HTTPError | httpx.InvalidURL, *, repeatable: bool) -> ConnectorError:
    """The taxonomy's error for an exception of httpx; its message names the exception's class and none of its text."""
    name = type(error).__name__
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return EgressRefused(f"The provider's address is not a URL that can be called ({name}).")
    if isinstance(error, httpx.LocalProtocolError):
        return Rejected(f"The request cannot be written as HTTP ({name}).", code="request_not_sendable")
    if isinstance(error, _NEVER_SENT):
        return ProviderUnavailable(f"The provider cannot be reached ({name}); nothing was sent.")
    return lost_answer(
        f"The connection failed before the provider's answer was complete ({name})", repeatable=repeatable
    )


def classify_response(
    response: httpx.Response, *, repeatable: bool, now: datetime | None = None
) -> ConnectorError | None:
    """The taxonomy's error for a response that is not 2xx, else None.

    A 5xx to a call that must not be repeated is an unknown outcome, since servers fail after the effect too; only
    503 with `Retry-After` is the provider's own word that it wants the call again.

    Args:
        now: the moment that an HTTP date in `Retry-After` is measured from; default: that of the answer.
    """
    status = response.status_code
    if response.is_success:
        return None
    retry_after = parse_retry_after(response.headers.get("Retry-After"), now=now or answered_at(response))
    said = f"The provider answered {status}"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(f"{said}: too many requests.", retry_after=retry_after)
    if status in _NOT_PROCESSED or (status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after is not None):
        return ProviderUnavailable(f"{said} and wants the request again.", retry_after=retry_after)
    if response.is_server_error:
        return lost_answer(said, repeatable=repeatable, retry_after=retry_after)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED}:
        return AuthenticationFailed(f"{said}: it does not accept the credentials. Connect again.")
    if status == HTTPStatus.FORBIDDEN:
        return PermissionDenied(f"{said}: the credentials do not allow this.")
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return NotFound(f"{said}: it does not know what the request is about.")
    return Rejected(f"{said}: it does not accept the request.")


def raise_for_status(response: httpx.Response, *, repeatable: bool) -> httpx.Response:
    """The response itself when it is 2xx.

    Raises:
        ConnectorError: it is not (see `classify_response`).
    """
    if failure := classify_response(response, repeatable=repeatable):
        raise failure
    return response


def json_object(response: httpx.Response, *, repeatable: bool) -> dict[str, Any]:
    """The JSON object in the body.

    Raises:
        OutcomeUnknown, ProviderUnavailable: the body is something else, so whether it worked cannot be known.
    """
    try:
        body: object = response.json()
    except ValueError:  # JSONDecodeError and UnicodeDecodeError; their text quotes the body
        body = None
    if isinstance(body, dict):
        return body  # pyright: ignore[reportUnknownVariableType] -- keys of a JSON object are strings
    raise lost_answer("The provider's answer is not a JSON object", repeatable=repeatable, code="unexpected_response")


def lost_answer(
    what: str,
    *,
    repeatable: bool,
    code: str | None = None,
    retry_after: float | None = None,
    provider_code: str | None = None,
) -> ConnectorError:
    """The error for a request that may or may not have had its effect.

    Args:
        what: the beginning of a sentence, without a full stop.
        repeatable: whether sending it again does no harm.
    """
    if repeatable:
        message = f"{what}; the call can be repeated."
        return ProviderUnavailable(message, code=code, retry_after=retry_after, provider_code=provider_code)
    return OutcomeUnknown(f"{what}; the effect may have happened.", code=code, provider_code=provider_code)


def answered_at(response: httpx.Response) -> datetime:
    """When the answer was made, by its sender's clock (`Date`), since ours may be wrong; else by ours."""
    try:
        moment = email.utils.parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError, OverflowError):
        return datetime.now(UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Seconds to wait from a `Retry-After` header: seconds or an HTTP date (RFC 9110 10.2.3).

    A moment in the past is 0, more than a day is cut to a day, anything unreadable is None.
    """
    if value is None:
        return None
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), MAXIMUM_RETRY_AFTER)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), MAXIMUM_RETRY_AFTER)
