"""Renewing OAuth 2.0 access tokens (RFC 6749 section 6) through the injected client."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal, cast

import httpx
from authlib.oauth2.auth import ClientAuth  # pyright: ignore[reportMissingTypeStubs] -- authlib has no types
from authlib.oauth2.rfc6749.parameters import (  # pyright: ignore[reportMissingTypeStubs] -- authlib has no types
    prepare_token_request,  # pyright: ignore[reportUnknownVariableType] -- authlib has no types
)

from drippulse_connector_sdk._errors import AuthenticationFailed, InvalidCredentials
from drippulse_connector_sdk._http import HttpClient, json_object, raise_for_status, send

ClientAuthMethod = Literal["client_secret_basic", "client_secret_post", "none"]


@dataclass(frozen=True, slots=True)
class TokenSet:
    """What the token endpoint granted.

    Attributes:
        refresh_token: replaces the one that was used; None when the provider keeps that one valid.
        expires_in: seconds from now; None when the provider did not say.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: float | None


async def refresh_access_token(
    http: HttpClient,
    *,
    token_url: str,
    client_id: str,
    client_secret: str | None,
    refresh_token: str,
    auth_method: ClientAuthMethod = "client_secret_post",
) -> TokenSet:
    """Trade a refresh token for a new access token.

    Only one caller may do it for a connection at a time: providers that rotate refresh tokens void the used one.

    Raises:
        AuthenticationFailed: the refresh token is spent or revoked (`invalid_grant`): somebody must connect again.
        InvalidCredentials: the provider does not know the client, or not this secret.
        ConnectorError: as for any other request; a lost answer is retriable, for there is no other recovery.
    """
    body = prepare_token_request("refresh_token", refresh_token=refresh_token)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    method = auth_method if client_secret else "none"
    client = ClientAuth(client_id, client_secret, method)
    prepared = client.prepare("POST", token_url, headers, body)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] -- authlib has no types
    url, headers, body = cast("tuple[str, dict[str, str], str]", prepared)
    response = await send(http, "POST", url, repeatable=True, headers=headers, content=body.encode())
    _raise_oauth_error(response)
    return _token_set(json_object(raise_for_status(response, repeatable=True), repeatable=True))


def _raise_oauth_error(response: httpx.Response) -> None:
    """RFC 6749 5.2: 400 (or 401 for the client itself) with {"error": ...}."""
    if response.status_code not in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
        return
    try:
        body: object = response.json()
    except ValueError:
        return
    error = cast("Mapping[str, object]", body).get("error") if isinstance(body, dict) else None
    if error == "invalid_grant":
        raise AuthenticationFailed(
            "The refresh token is not valid any more. Connect again.", provider_code="invalid_grant"
        )
    if error in {"invalid_client", "unauthorized_client"}:
        raise InvalidCredentials("The provider does not accept the client id and secret.", provider_code=str(error))


def _token_set(body: Mapping[str, Any]) -> TokenSet:
    access_token, refresh_token, expires_in = (
        body.get(name) for name in ("access_token", "refresh_token", "expires_in")
    )
    if not isinstance(access_token, str) or not access_token:
        raise AuthenticationFailed("The token endpoint granted no access token.", code="unexpected_response")
    seconds = float(expires_in) if isinstance(expires_in, int | float) else None
    return TokenSet(access_token, refresh_token if isinstance(refresh_token, str) else None, seconds)
