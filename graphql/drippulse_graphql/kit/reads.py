"""Declaring a read of the root: one function that calls the service REST calls, with the answer REST gives.

    @read(Permission.READ, about=PROJECT, answers=ProjectOut, covers=("getProject",))
    async def project(call: Reading) -> Any:
        \"\"\"One project; null for unknown ids.\"\"\"
        return await service.get_project(call.session, call.principal, call.id)

    @read(Permission.READ, listing=LISTING, answers=ProjectList, covers=("listProjects",))
    async def projects(call: Reading) -> Any:
        \"\"\"All projects, newest first.\"\"\"
        return await service.list_projects(call.session, call.principal, call.wanted)

`about` gives the field an id argument and makes its answer null where nothing has that id; `listing` gives it the
arguments of the list. Further arguments of the field are those that the function has after `call`.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias, cast

import orjson
import strawberry
from pydantic import BaseModel
from strawberry.types.field import StrawberryField

from drippulse.kit.errors import DomainError, ValidationError
from drippulse.kit.listing import Listing
from drippulse.kit.pagination import ListRequest, PageRequest
from drippulse.kit.strict_json import holds_nul
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.context import Context, Info
from drippulse_graphql.kit.declared import Asking, Declared, Subject
from drippulse_graphql.kit.list_arguments import NUL, Arguments, list_arguments, read_arguments
from drippulse_graphql.kit.models.outputs import name_of, output_type
from drippulse_graphql.kit.roots import made
from drippulse_graphql.kit.user_errors import camel_path

NOT_FOUND: Final = 404
EVERYTHING: Final = ListRequest(PageRequest(limit=None))


@dataclass(frozen=True, slots=True)
class Reading(Asking):
    """What a read gets: who asks, about which object (`id`, as REST has it), and which part of a list."""

    context: Context
    id: Any = None
    wanted: ListRequest = EVERYTHING


Work: TypeAlias = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a read's resolver needs."""

    work: Work
    answers: type[BaseModel]
    about: Subject | None
    by: str
    listing: Listing | None


def query_type(base: type, reads: Iterable[Declared]) -> type:
    """The root type `Query`: the fields of `base` and the reads. Raises TypeError when two have the same name."""
    members: dict[str, Any] = {}
    for one in reads:
        if one.name in members or hasattr(base, one.name):
            raise TypeError(f"Query.{one.name} is declared twice")
        members[one.name] = one.field
    return strawberry.type(type("Query", (base,), {"__module__": __name__, **members}), name="Query")


def read(
    permission: Permission,
    *,
    answers: type[BaseModel],
    covers: tuple[str, ...],
    about: Subject | None = None,
    by: str = "id",
    listing: Listing | None = None,
    name: str | None = None,
    description: str | None = None,
) -> Callable[[Work], Declared]:
    """The decorated function becomes a field of the root, of its name or of `name`.

    Args:
        answers: the model of what the function returns.
        covers: operation ids of REST.
        about: whose id it takes, in the argument `by`.
    """

    def declare(work: Work) -> Declared:
        plan = _Plan(work, answers, about, by, listing)

        def make() -> StrawberryField:
            text = " ".join((description or work.__doc__ or "").split())
            return made(_resolver(plan), permission, text, covers)

        return Declared(name or work.__name__, make)

    return declare


def _resolver(plan: _Plan) -> Callable[..., Awaitable[Any]]:
    arguments = _arguments(plan)

    async def resolve(info: Info, **given: Any) -> Any:
        own = {name: given[name] for name in _own(plan.work)}
        if holds_nul([value for value in given.values() if isinstance(value, str)]):
            raise ValidationError(NUL)
        try:
            wanted = EVERYTHING if plan.listing is None else read_arguments(plan.listing, given)
            found = await plan.work(Reading(info.context, _id(plan, given), wanted), **own)
        except DomainError as error:
            if plan.about is None or error.status != NOT_FOUND:
                raise
            return None
        return orjson.loads(orjson.dumps(found))

    shown = output_type(plan.answers)
    answer = shown if plan.about is None else shown | None
    resolve.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # pyright: ignore
        [
            inspect.Parameter("info", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Info),
            *(
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
                for name, (annotation, default) in arguments.items()
            ),
        ],
        return_annotation=answer,
    )
    taken = {name: annotation for name, (annotation, _) in arguments.items()}
    resolve.__annotations__ = {"info": Info, **taken, "return": answer}
    return resolve


def _arguments(plan: _Plan) -> Arguments:
    found: Arguments = {}
    if plan.about is not None:
        text = f"Of the {plan.about.type_name}: its global id, or the id that REST uses."
        found[plan.by] = (Annotated[strawberry.ID, strawberry.argument(description=text)], inspect.Parameter.empty)
    for name, one in _own(plan.work).items():
        found[name] = (one.annotation, one.default)
    if plan.listing is not None:
        found |= list_arguments(f"{name_of(plan.answers).removesuffix('List')}Filter", plan.listing)
    return found


def _own(work: Work) -> Mapping[str, inspect.Parameter]:
    """The parameters after `call`."""
    return dict([*inspect.signature(work).parameters.items()][1:])


def _id(plan: _Plan, given: Mapping[str, Any]) -> Any:
    """Raises InvalidIdError."""
    if plan.about is None:
        return None
    return plan.about.read_id(cast("str", given[plan.by]), camel_path(plan.by))
