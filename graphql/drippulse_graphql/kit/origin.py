"""Telling the domain where a request comes from, for the audit log, as REST does."""

from typing import Any

from litestar import Request

from drippulse.kit.client_address import client_address
from drippulse.kit.services import AppServices
from drippulse.organizations.origin import came_from


def remember_origin(request: Request[Any, Any, Any], services: AppServices) -> None:
    """For what this request does from now on, in its own context."""
    peer = request.client.host if request.client else ""
    forwarded = request.headers.getall("x-forwarded-for", [])
    came_from(client_address(peer, forwarded, services.trusted_proxies), request.headers.get("user-agent", ""))
