"""Declaring a route: its permission, its limits and what the API description says of it, in one place."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from litestar.enums import MediaType
from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.types import Method
from pydantic import BaseModel

from drippulse.organizations.policy import Permission

BODY_LIMIT: Final = 1_048_576
BULK_BODY_LIMIT: Final = 32 * 1_048_576


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON body, taken top level or inside `wrapper`."""

    model: type[BaseModel]
    wrapper: str | None = None
    required: bool = True
    example: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Documented:
    """What the API description says of a route beyond its parameters.

    `errors` maps a status to the codes that this route answers with, beside those that every route of its kind has.
    """

    answer: type[BaseModel] | None
    answer_text: str
    body: Body | None
    errors: Mapping[int, tuple[str, ...]] = field(default_factory=dict[int, tuple[str, ...]])
    other_statuses: Mapping[int, type[BaseModel]] = field(default_factory=dict[int, type[BaseModel]])
    paginated: bool = False
    problem: type[BaseModel] | None = None


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
    paginated: bool = False,
    body_limit: int = BODY_LIMIT,
    problem: type[BaseModel] | None = None,
) -> Callable[[Callable[..., Any]], HTTPRouteHandler]:
    """A JSON route. The handler's docstring is its description.

    Args:
        permission: what the caller needs; None makes the route public.
        answer: the model of the body that `status` comes with.
        errors: status -> error codes peculiar to this route.
        other_statuses: further answers that are no errors, such as 503 of a health check.
        body_limit: bytes of a body; more is refused with 413 before it is read.
        problem: the model of its errors, where it is not the usual one.
    """
    documented = Documented(answer, answer_text, body, errors or {}, other_statuses or {}, paginated, problem)
    access = {"public": True} if permission is None else {"permission": permission}
    return HTTPRouteHandler(
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
