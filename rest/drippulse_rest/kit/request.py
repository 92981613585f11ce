"""The request as handlers see it: who asks, the services, a strict JSON body, a transaction."""

import hashlib
from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, ClassVar, TypeVar, cast

from litestar import Request
from litestar.datastructures import State
from pydantic import BaseModel

from drippulse.kit import strict_json
from drippulse.kit.client_address import client_address
from drippulse.kit.db import Session
from drippulse.kit.errors import BadRequestError, DomainError, ValidationError
from drippulse.kit.services import AppServices
from drippulse.kit.validation import parse, unwrap
from drippulse.organizations.policy import Principal
from drippulse_rest.kit.declarations import Body

M = TypeVar("M", bound=BaseModel)


class UnsupportedMediaTypeError(DomainError):
    """The body is not JSON by its own headers."""

    code = "unsupported_media_type"
    status = 415


class ApiRequest(Request[Principal, str, State]):
    """Every route of the API gets this instead of Litestar's own. `request_class` ties it to the services."""

    services: ClassVar[AppServices]
    _joined: Session | None = None
    _digest: "BodyDigest | None" = None

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

        Of a write that was sent with an Idempotency-Key the blocks are parts of one transaction, which commits when the
        handler has answered. Read the body first: a slow client must not hold a connection.
        """
        if self._joined is not None:
            return self._joined.savepoint()
        return self.services.database.tenant(self.principal.organization_id)

    @contextmanager
    def joined(self, session: Session) -> Generator[None]:
        """While the block runs, every `transaction()` is a part of this one."""
        self._joined = session
        try:
            yield
        finally:
            self._joined = None

    async def stream(self) -> AsyncGenerator[bytes]:
        """The body in pieces, as they come."""
        async for piece in super().stream():
            if self._digest is not None:
                self._digest.update(piece)
            yield piece

    def watch_body(self) -> "BodyDigest":
        """The digest of what is read of the body from now on."""
        self._digest = BodyDigest(self.content_type[1].get("boundary", "").encode())
        return self._digest

    async def read(self, model: type[M]) -> M:
        """The body as `model`, with the wrapper and the read-only fields that the route's `Body` declares.

        Raises:
            UnsupportedMediaTypeError, MalformedJsonError, MissingParameterError, ValidationError
        """
        declared = declared_body(self, model)
        raw = await self.json_bytes()
        value = strict_json.loads(raw) if raw else dict[str, Any]()
        if strict_json.may_hold_nul(raw) and strict_json.holds_nul(value):
            raise ValidationError("A text holds the character U+0000, which cannot be stored; remove it.")
        data = parse(model, unwrap(value, declared.wrapper), read_only=declared.read_only)
        if not raw and declared.required:
            raise BadRequestError("Send a JSON object as the body.")
        return data

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


class BodyDigest:
    """SHA-256 of a body that is read in pieces, without the boundary of a multipart body, another one each time."""

    def __init__(self, boundary: bytes) -> None:
        self._boundary = boundary
        self._hash = hashlib.sha256()
        self._rest = b""

    def update(self, piece: bytes) -> None:
        if not self._boundary:
            self._hash.update(piece)
            return
        kept = (self._rest + piece).replace(self._boundary, b"")
        cut = max(0, len(kept) - len(self._boundary) + 1)
        self._hash.update(kept[:cut])
        self._rest = kept[cut:]

    def digest(self) -> bytes:
        self._hash.update(self._rest)
        self._rest = b""
        return self._hash.digest()


def declared_body(request: ApiRequest, model: type[BaseModel]) -> Body:
    """What the route says of its body.

    Raises:
        TypeError: it declares another model; the handler would read what the API description does not have.
    """
    documented = request.route_handler.opt.get("documented")
    body: Body | None = getattr(documented, "body", None)
    if body is None or body.model is not model:
        raise TypeError(f"{request.route_handler} reads {model.__name__}; declare body=Body({model.__name__}, ...)")
    return body


def request_class(of: AppServices) -> type[ApiRequest]:
    """The class of requests to routes that work with these services."""

    class ServedRequest(ApiRequest):
        services: ClassVar[AppServices] = of

    return ServedRequest
