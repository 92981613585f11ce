"""The request as handlers see it: who asks, the services, a strict JSON body, a transaction."""

from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar, TypeVar, cast

from litestar import Request
from litestar.datastructures import State
from pydantic import BaseModel

from drippulse.kit import strict_json
from drippulse.kit.client_address import client_address
from drippulse.kit.db import Session
from drippulse.kit.errors import DomainError, ValidationError
from drippulse.kit.services import AppServices
from drippulse.kit.validation import parse, unwrap
from drippulse.organizations.policy import Principal

M = TypeVar("M", bound=BaseModel)
NOTHING: frozenset[str] = frozenset()


class UnsupportedMediaTypeError(DomainError):
    """The body is not JSON by its own headers."""

    code = "unsupported_media_type"
    status = 415


class ApiRequest(Request[Principal, str, State]):
    """Every route of the API gets this instead of Litestar's own. `request_class` ties it to the services."""

    services: ClassVar[AppServices]

    @property
    def principal(self) -> Principal:
        """The caller, checked by the guard before the handler runs."""
        return cast("Principal", self.scope["auth"])

    @property
    def client_address(self) -> str:
        """Where the request comes from; what proxies say counts when they are trusted."""
        peer = self.client.host if self.client else ""
        return client_address(peer, self.headers.getall("x-forwarded-for", []), self.services.trusted_proxies)

    def transaction(self) -> AbstractAsyncContextManager[Session]:
        """One transaction in the caller's organization, committed when the block ends and before the answer is sent.

        Read the body first: a slow client must not hold a connection.
        """
        return self.services.database.tenant(self.principal.organization_id)

    async def read(self, model: type[M], *, wrapper: str | None = None, read_only: frozenset[str] = NOTHING) -> M:
        """The body as `model`, sent top level or inside `wrapper`.

        Raises:
            UnsupportedMediaTypeError, MalformedJsonError, MissingParameterError, ValidationError
        """
        raw = await self.json_bytes()
        value = strict_json.loads(raw) if raw else dict[str, Any]()
        if strict_json.may_hold_nul(raw) and strict_json.holds_nul(value):
            raise ValidationError("A text holds the character U+0000, which cannot be stored; remove it.")
        return parse(model, unwrap(value, wrapper), read_only=read_only)

    async def json_bytes(self) -> bytes:
        """The body as it came; its headers say JSON.

        A body over the route's limit is refused by Litestar before it is read.

        Raises:
            UnsupportedMediaTypeError
        """
        if encoding := self.headers.get("content-encoding"):
            raise UnsupportedMediaTypeError(f"Content-Encoding {encoding[:40]} is not taken; send the JSON as it is.")
        if not self.says_json():
            raise UnsupportedMediaTypeError("Send the body as JSON, with Content-Type: application/json.")
        return await self.body()

    def says_json(self) -> bool:
        """Whether Content-Type is JSON in UTF-8; a body without any Content-Type counts as JSON."""
        if "content-type" not in self.headers:
            return True
        media_type, options = self.content_type
        charset = options.get("charset", "utf-8").lower()
        is_json = media_type == "application/json" or (
            media_type.startswith("application/") and media_type.endswith("+json")
        )
        return is_json and charset in {"utf-8", "utf8"}


def request_class(of: AppServices) -> type[ApiRequest]:
    """The class of requests to routes that work with these services."""

    class ServedRequest(ApiRequest):
        services: ClassVar[AppServices] = of

    return ServedRequest
