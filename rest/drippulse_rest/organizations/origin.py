"""Telling the domain where a request comes from, for the audit log."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from drippulse.kit.client_address import client_address
from drippulse.kit.services import AppServices
from drippulse.organizations.origin import came_from
from drippulse_rest.kit.authorization import Guard


def origin(services: AppServices) -> Guard:
    """A guard that refuses nobody. It runs in the request's own context, as the handler does."""

    async def remember(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        peer = connection.client.host if connection.client else ""
        forwarded = connection.headers.getall("x-forwarded-for", [])
        address = client_address(peer, forwarded, services.trusted_proxies)
        came_from(address, connection.headers.get("user-agent", ""))

    return remember
