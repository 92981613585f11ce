"""Typed actions: what a connector can do, as data that a catalogue, a form or an agent can read."""

import inspect
import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from drippulse_connector_sdk._errors import InvalidInput

ACTION_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MARK = "__drippulse_action__"
_PARAMETERS = 3  # self, call, input

ConnectorT = TypeVar("ConnectorT")
InputT = TypeVar("InputT", bound=BaseModel)
OutputT = TypeVar("OutputT", bound=BaseModel)
Handler = Callable[[ConnectorT, "ActionCall", InputT], Coroutine[Any, Any, OutputT]]


class Idempotency(StrEnum):
    """What happens when the same call is made twice; the engine's guarantee for the step follows from it."""

    READ = "read"
    """It changes nothing."""
    UPSERT = "upsert"
    """The second call finds what the first one made and leaves it as it is."""
    KEYED = "keyed"
    """The provider honours an idempotency key: with the same key, the effect happens once."""
    AT_MOST_ONCE = "at_most_once"
    """Each call has its effect: never repeat one whose outcome is unknown."""


class ActionInput(BaseModel):
    """The base of action inputs: unknown fields are refused, and errors do not quote values."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class ActionOutput(BaseModel):
    """The base of action outputs."""

    model_config = ConfigDict(hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class ActionCall:
    """One invocation, as the action's method sees it.

    Attributes:
        idempotency_key: stable over all attempts of one step visit; None when the caller has none.
    """

    action: str
    idempotency: Idempotency
    idempotency_key: str | None = None

    @property
    def repeatable(self) -> bool:
        """Whether making the call again does no harm. A keyed action without a key is not."""
        if self.idempotency is Idempotency.KEYED:
            return self.idempotency_key is not None
        return self.idempotency is not Idempotency.AT_MOST_ONCE


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What an action answered: `output` is JSON-ready and fits the action's `output_schema`."""

    output: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a connector can do."""

    name: str
    title: str
    description: str
    idempotency: Idempotency
    input_model: type[BaseModel]
    output_model: type[BaseModel]
    handler: Callable[[Any, ActionCall, Any], Coroutine[Any, Any, BaseModel]]

    @property
    def input_schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of the payload."""
        return self.input_model.model_json_schema(mode="validation")

    @property
    def output_schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of the result's `output`."""
        return self.output_model.model_json_schema(mode="serialization")

    def parse(self, payload: Mapping[str, Any]) -> BaseModel:
        """The payload as the action's input.

        Raises:
            InvalidInput: `errors` holds dotted field paths; no value of the payload is quoted.
        """
        try:
            return self.input_model.model_validate(dict(payload))
        except ValidationError as error:
            errors = _field_errors(error)
        raise InvalidInput(f"The payload of {self.name} is not right: {', '.join(errors)}.", errors=errors)


@dataclass(frozen=True, slots=True)
class _Declaration:
    name: str
    title: str
    description: str
    idempotency: Idempotency


def action(
    *, name: str, title: str, description: str, idempotency: Idempotency
) -> Callable[[Handler[ConnectorT, InputT, OutputT]], Handler[ConnectorT, InputT, OutputT]]:
    """Make a connector's method `async def m(self, call: ActionCall, data: Input) -> Output` an action.

    Args:
        name: what workflows call it; `[a-z][a-z0-9_]*`, at most 64 characters.
        title: a few words for a menu.
        description: what it does, needs and answers, for a person or an agent.

    Raises:
        TypeError: the name is not of that form, or title or description are blank.
    """
    if not ACTION_NAME.fullmatch(name):
        raise TypeError(f"the action name {name!r} does not match {ACTION_NAME.pattern}")
    if not title.strip() or not description.strip():
        raise TypeError(f"the action {name} needs a title and a description")
    declaration = _Declaration(name, title, description, idempotency)

    def declare(method: Handler[ConnectorT, InputT, OutputT]) -> Handler[ConnectorT, InputT, OutputT]:
        setattr(method, _MARK, declaration)
        return method

    return declare


def collect_actions(connector: type) -> dict[str, Action]:
    """The actions of a connector class and its bases, by name, in order of definition.

    Raises:
        TypeError: a method's signature is not that of an action, or two actions share a name.
    """
    found: dict[str, Action] = {}
    attributes = dict.fromkeys(name for base in reversed(connector.__mro__) for name in vars(base))
    for attribute in attributes:
        method = inspect.getattr_static(connector, attribute)
        declaration = getattr(method, _MARK, None)
        if not isinstance(declaration, _Declaration):
            continue
        if declaration.name in found:
            raise TypeError(f"{connector.__qualname__} has two actions named {declaration.name}")
        found[declaration.name] = _build(connector, method, declaration)
    return found


def _build(connector: type, method: Callable[..., Any], declaration: _Declaration) -> Action:
    where = f"{connector.__qualname__}.{method.__name__}"
    signature = inspect.signature(method, eval_str=True)
    parameters = list(signature.parameters.values())
    if not inspect.iscoroutinefunction(method) or len(parameters) != _PARAMETERS:
        raise TypeError(f"{where} must be `async def {method.__name__}(self, call, data)`")
    models = (parameters[-1].annotation, signature.return_annotation)
    if not all(inspect.isclass(model) and issubclass(model, BaseModel) for model in models):
        raise TypeError(f"{where} must annotate its input and its result with pydantic models")
    input_model, output_model = models
    if input_model.model_config.get("extra") != "forbid":
        raise TypeError(f'the input of {where} must refuse unknown fields: inherit ActionInput or set extra="forbid"')
    return Action(
        name=declaration.name,
        title=declaration.title,
        description=declaration.description,
        idempotency=declaration.idempotency,
        input_model=input_model,
        output_model=output_model,
        handler=method,
    )


def _field_errors(error: ValidationError) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        path = ".".join(str(part) for part in one["loc"]) or "payload"
        errors.setdefault(path, []).append(one["msg"].removeprefix("Value error, ").rstrip(".") + ".")
    return errors
