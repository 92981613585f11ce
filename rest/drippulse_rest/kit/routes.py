"""Declaring a route: its permission, its limits and what the API description says of it, in one place."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from litestar import Response
from litestar.enums import MediaType
from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.types import Method
from pydantic import BaseModel

from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.declarations import Body, Documented, Keyed
from drippulse_rest.kit.idempotency import once_per_key
from drippulse_rest.kit.listing import Listing, read_listing
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.signatures import parameter_of, show_as

__all__ = ["BODY_LIMIT", "BULK_BODY_LIMIT", "Body", "Documented", "Keyed", "Listing", "list_route", "route"]

BODY_LIMIT: Final = 1_048_576
BULK_BODY_LIMIT: Final = 32 * 1_048_576
WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
Declare = Callable[[Callable[..., Any]], HTTPRouteHandler]


def route(
    method: Method,
    path: str | list[str],
    *,
    operation_id: str,
    permission: Permission | None,
    tag: str,
    summary: str,
    answer: type[BaseModel] | None = None,
    answer_text: str = "Success.",
    status: int = 200,
    body: Body | None = None,
    errors: Mapping[int, tuple[str, ...]] | None = None,
    other_statuses: Mapping[int, type[BaseModel]] | None = None,
    body_limit: int = BODY_LIMIT,
    problem: type[BaseModel] | None = None,
    keyed: Keyed = Keyed.TOGETHER,
    texts: tuple[str, ...] = (),
) -> Declare:
    """A JSON route. The handler's docstring is its description.

    Every write that needs a permission takes an Idempotency-Key by itself.

    Args:
        permission: what the caller needs; None makes the route public.
        answer: the model of the body that `status` comes with.
        errors: status -> error codes peculiar to this route.
        other_statuses: further answers that are no errors, such as 503 of a health check.
        body_limit: bytes of a body; more is refused with 413 before it is read.
        problem: the model of its errors, where it is not the usual one.
        keyed: how a write with an Idempotency-Key goes together with the handler's transactions.
        texts: media types that the answer may have beside JSON, such as text/csv.
    """
    takes_key = keyed if method in WRITES and permission is not None else None
    documented = Documented(
        answer, answer_text, body, errors or {}, other_statuses or {}, problem=problem, keyed=takes_key, texts=texts
    )
    access = {"public": True} if permission is None else {"permission": permission}
    make = HTTPRouteHandler(
        path,
        http_method=method,
        status_code=status,
        media_type=MediaType.JSON,
        operation_id=operation_id,
        summary=summary,
        tags=[tag],
        opt={**access, "documented": documented},
        request_max_body_size=body_limit,
    )
    return make if takes_key is None else lambda handler: make(once_per_key(handler, takes_key))


def list_route(
    path: str,
    *,
    operation_id: str,
    tag: str,
    summary: str,
    answer: type[BaseModel],
    listing: Listing,
    permission: Permission = Permission.READ,
    errors: Mapping[int, tuple[str, ...]] | None = None,
    problem: type[BaseModel] | None = None,
) -> Declare:
    """A list: `handler(request, wanted: ListRequest, ...path ids)`. Paging, order, search and filters are read, refused
    and described by `listing`."""
    documented = Documented(answer, "Success.", None, errors or {}, problem=problem, listing=listing)
    make = HTTPRouteHandler(
        path,
        http_method="GET",
        media_type=MediaType.JSON,
        operation_id=operation_id,
        summary=summary,
        tags=[tag],
        opt={"permission": permission, "documented": documented},
    )
    return lambda handler: make(_reading(handler, listing))


def _reading(handler: Callable[..., Any], listing: Listing) -> Callable[..., Any]:
    request_name, wanted = parameter_of(handler, ApiRequest), parameter_of(handler, ListRequest)

    async def read_and_handle(**given: Any) -> Response[bytes]:
        return await handler(**given, **{wanted: await read_listing(listing, given[request_name])})

    return show_as(read_and_handle, handler, without=wanted)


def refuse_undeclared(handlers: Iterable[BaseRouteHandler]) -> None:
    """Every route names a permission or says that it is public.

    Raises:
        ImproperlyConfiguredException: one does not; the application does not start.
    """
    for handler in handlers:
        if isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"OPTIONS"}:
            continue  # made by Litestar for every path; it answers the Allow header and nothing else
        if not isinstance(handler.opt.get("permission"), Permission) and handler.opt.get("public") is not True:
            raise ImproperlyConfiguredException(
                f"{handler} declares no access; give it opt permission=Permission.... or public=True"
            )
