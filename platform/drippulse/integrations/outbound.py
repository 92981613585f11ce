"""Connectors over the platform's HTTP client: its egress guard, its time limit, and no secret in a log."""

import traceback
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from drippulse.kit.http import EgressRefusedError, OutboundHttp
from drippulse.settings import Settings
from drippulse_connector_sdk import Connector, EgressRefused

CALL_SECONDS = 15.0
MAX_CALL_SECONDS = 60.0
MIN_REDACTED_LENGTH = 4
REDACTED = "[redacted]"


class ConnectorHttp:
    """What the SDK calls `HttpClient`, over the guarded client; a refused address becomes the SDK's own error."""

    def __init__(self, http: OutboundHttp) -> None:
        self._http = http

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Any = None,
        params: Any = None,
        json: Any = None,
        content: Any = None,
        timeout: Any = httpx.USE_CLIENT_DEFAULT,
    ) -> httpx.Response:
        """One request within `timeout` seconds in all, 60 at most.

        Raises:
            EgressRefused: the address is not one this server calls.
            httpx.HTTPError: no answer came.
        """
        limit = min(float(timeout), MAX_CALL_SECONDS) if isinstance(timeout, int | float) else CALL_SECONDS
        try:
            return await self._http.request(
                method, url, headers=headers, params=params, json=json, content=content, timeout=limit
            )
        except EgressRefusedError as error:
            refused = EgressRefused(error.message)
        raise refused


def connect(connector: type[Connector], values: Mapping[str, str], http: OutboundHttp, settings: Settings) -> Connector:
    """One connection, live. `DRIPPULSE_CONNECTOR_BASE_URLS` takes the place of the provider's address.

    Fields that were stored before the connector was installed and that it does not know are left out.

    Raises:
        InvalidCredentials: the stored fields do not fit this version of the connector.
    """
    known = {field.name: values[field.name] for field in connector.credential_fields() if field.name in values}
    return connector(known, ConnectorHttp(http), base_url=settings.connector_base_urls.get(connector.key))


def redacted_traceback(error: Exception, values: Mapping[str, str]) -> str:
    """Where and why a connector broke, fit for a log: everything the connection holds is blotted out."""
    return redact("".join(traceback.format_exception(error)), values.values())


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` without the secrets, as they are and percent-encoded; the longest first, as one may hold another."""
    forms = {form for secret in secrets for form in (secret, quote(secret, safe=""), repr(secret)[1:-1])}
    for form in sorted(forms, key=len, reverse=True):
        if len(form) >= MIN_REDACTED_LENGTH:
            text = text.replace(form, REDACTED)
    return text
