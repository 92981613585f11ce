"""Declaring a mutation: one input, one payload with `userErrors`, one function that calls the service REST calls.

    @mutation(Permission.WRITE, about=Subject("Project"), body=ProjectUpdate, answers=ProjectOut)
    async def update_project(call: Call[ProjectUpdate]) -> Any:
        \"\"\"Fields left out stay as they are.\"\"\"
        return await service.update_project(call.session, call.principal, call.id, call.body)

The input has `id` (when it is about an object), the fields of the body, and `idempotencyKey`; the payload has what the
function answers, typed by the model, and is null when there are userErrors. A mutation is called like the operation of
REST that can do the same; `covers` names operations that are called otherwise. Of an answer that is a node its id
counts: the node is loaded after the work, as it is then, also when a key is replayed.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

import strawberry
from pydantic import BaseModel
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from drippulse.kit.errors import DomainError, ValidationError
from drippulse.kit.strict_json import holds_nul
from drippulse.kit.validation import parse
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.apart import declare_apart
from drippulse_graphql.kit.context import Info
from drippulse_graphql.kit.coverage import covering
from drippulse_graphql.kit.declared import Declared, Subject
from drippulse_graphql.kit.models import names
from drippulse_graphql.kit.models.inputs import given, input_type
from drippulse_graphql.kit.models.outputs import load_node, name_of, node_name, output_type
from drippulse_graphql.kit.models.paths import graphql_path
from drippulse_graphql.kit.permissions import Requires
from drippulse_graphql.kit.running import Asked, Call, Outcome, mended, run
from drippulse_graphql.kit.selection import Row
from drippulse_graphql.kit.user_errors import UserError

KEY: Final = (
    "A write that is sent again with the same key answers what it answered the first time and does nothing. 1 to 255 "
    "printable ASCII characters; kept for 24 hours."
)
PARTIAL: Final = ("update", "bulkUpdate")
"""How the mutations begin that change what is there, where null is not what is left out."""
Work: TypeAlias = Callable[[Call[Any]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a mutation's resolver needs."""

    name: str
    work: Work
    about: Subject | None
    body: type[BaseModel] | None
    apart: bool

    def spell(self, path: str) -> str:
        return graphql_path(self.body, path)


def mutation_type(declared: Iterable[Declared]) -> type:
    """The root type `Mutation`."""
    members = {one.name: one.field for one in declared}
    return strawberry.type(type("Mutation", (), {"__module__": __name__, **members}), name="Mutation")


def mutation(
    permission: Permission,
    *,
    about: Subject | None = None,
    body: type[BaseModel] | None = None,
    answers: type[BaseModel] | None = None,
    called: str | None = None,
    covers: tuple[str, ...] | None = None,
    apart: bool = False,
    name: str | None = None,
    description: str | None = None,
) -> Callable[[Work], Declared]:
    """The decorated function becomes a mutation of its name, or of `name`.

    Args:
        answers: the model of what the function returns; left out for a deletion, whose payload has `deletedId`.
        called: the payload's field; the name of the answer's type unless said.
        covers: operation ids of REST; the mutation's own name unless said.
        apart: it calls other systems or computes at length, in transactions of its own, and is alone in its operation.
    """

    def declare(work: Work) -> Declared:
        python = name or work.__name__
        camel = to_camel_case(python)
        plan = _Plan(camel, work, about, body, apart)
        if apart:
            declare_apart(camel)

        def make() -> StrawberryField:
            return _field(plan, answers, called, permission, covers or (camel,), description or work.__doc__)

        return Declared(python, make)

    return declare


def _field(
    plan: _Plan,
    answers: type[BaseModel] | None,
    called: str | None,
    permission: Permission,
    covers: tuple[str, ...],
    text: str | None,
) -> StrawberryField:
    title = plan.name[0].upper() + plan.name[1:]
    takes = input_type(f"{title}Input", plan.body, _others(plan.about), f"What {plan.name} needs.")
    shown = called or (to_snake(name_of(answers)) if answers is not None else "deleted_id")
    payload = _payload(f"{title}Payload", shown, answers, plan.about)
    return cast("Any", strawberry.field)(
        resolver=_resolver(plan, takes, payload),
        name=plan.name,
        description=_sentence(text),
        extensions=[Requires(permission)],
        metadata=covering(covers),
    )


def _others(about: Subject | None) -> Mapping[str, tuple[Any, Any]]:
    key = {"idempotency_key": (str | None, strawberry.field(default=None, description=KEY))}
    if about is None:
        return key
    text = f"Of the {about.type_name}: its global id, or the id that REST uses."
    return {"id": (strawberry.ID, strawberry.field(description=text)), **key}


def _payload(name: str, shown: str, answers: type[BaseModel] | None, about: Subject | None) -> Any:
    annotation: Any = strawberry.ID | None if answers is None else output_type(answers) | None
    node = None if answers is None else node_name(answers)

    async def result(root: strawberry.Parent[Row], info: Info) -> Any:
        value = root["value"]
        if answers is None:
            return None if value is None or about is None else names.global_id(about.type_name, value)
        return value if value is None or node is None else await load_node(info.context, node, value["id"])

    result.__annotations__ = {"root": strawberry.Parent[Row], "info": Info, "return": annotation}
    text = "The global id of what is gone." if answers is None else answers.__doc__
    members = {
        shown: cast("Any", strawberry.field)(resolver=result, description=f"{_sentence(text)} Null with userErrors."),
        "user_errors": strawberry.field(description="Empty when it was done."),
    }
    annotations = {shown: annotation, "user_errors": list[UserError]}
    return strawberry.type(type(name, (), {"__annotations__": annotations, "__module__": __name__, **members}))


def _resolver(plan: _Plan, takes: Any, payload: Any) -> Callable[..., Awaitable[Row]]:
    async def resolve(info: Info, input: Any) -> Row:  # noqa: A002 - the argument's name in the schema
        made = await _perform(plan, info, input)
        return {"value": made.value, "user_errors": made.errors}

    resolve.__annotations__ = {"info": Info, "input": takes, "return": payload}
    return resolve


async def _perform(plan: _Plan, info: Info, sent: Any) -> Outcome:
    try:
        number = _id(plan.about, sent)
        said = given(sent, partial=plan.name.startswith(PARTIAL)) if plan.body else {}
        if holds_nul(said):
            raise ValidationError("A text holds the character U+0000, which cannot be stored; remove it.")
        asked = Asked(plan.name, {"id": number, "input": said}, sent.idempotency_key, plan.spell)

        async def work() -> Any:
            body = None if plan.body is None else parse(plan.body, said)
            made = await plan.work(Call(info.context, body, number))
            return number if made is None else made

        return await run(info.context, asked, work, apart=plan.apart)
    except DomainError as error:
        return mended(error, plan.spell)


def _id(about: Subject | None, sent: Any) -> Any:
    """Raises InvalidIdError."""
    if about is None:
        return None
    return about.read_id(sent.id)


def _sentence(text: str | None) -> str:
    return " ".join((text or "").split())


def to_snake(name: str) -> str:
    """`ApiKey` -> `api_key`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
