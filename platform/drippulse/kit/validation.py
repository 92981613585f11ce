"""From a JSON object to a pydantic model, with errors as the contract wants them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar, cast, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    WithJsonSchema,
)
from pydantic import ValidationError as PydanticValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, PydanticKnownError, core_schema

from drippulse.kit.errors import BadRequestError, DomainError, ValidationError
from drippulse.kit.text import did_you_mean

M = TypeVar("M", bound=BaseModel)


BLANKS: Final = "".join(
    (" \t\n\v\f\r\x85\xa0\u1680", *map(chr, range(0x2000, 0x200B)), "\u2028\u2029\u202f\u205f\u3000")
)
"""What Unicode calls White_Space, as regular expressions of JSON Schema do; Python counts four separators more."""


@dataclass(frozen=True, slots=True)
class Trimmed:
    """Of a text: blanks at its ends are cut off. Its length counts before that, so that a schema can say what holds.

    Args:
        most: so many characters it has at most.
        empty: it may have none but blanks.
        pattern: what its schema says instead of "something that is no blank"; another validator checks it.
    """

    most: int
    empty: bool = False
    pattern: str = r"[^\s\x85]"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(min_length=None if self.empty else 1, max_length=self.most)
        return core_schema.no_info_after_validator_function(self._trim, text)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema) if self.empty else {**handler(schema), "pattern": self.pattern}

    def _trim(self, text: str) -> str:
        trimmed = text.strip(BLANKS)
        if not trimmed and not self.empty:
            raise PydanticKnownError("string_too_short", {"min_length": 1})
        return trimmed


EmailText = Annotated[str, StringConstraints(max_length=320), WithJsonSchema({"type": "string", "format": "email"})]
EmailOrEmpty = Annotated[
    str,
    StringConstraints(max_length=320),
    WithJsonSchema({"type": "string", "anyOf": [{"format": "email"}, {"maxLength": 0}]}),
]
WHOLE: Final = "body"
"""The path of what is wrong with an input as a whole."""
TIME_ZONE: Final = WithJsonSchema({"type": "string", "format": "iana-time-zone"})


class Input(BaseModel):
    """The base of what callers send: no silent conversions, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, str_strip_whitespace=False)


class MissingParameterError(BadRequestError):
    code = "missing_parameter"


class WholeInputError(ValidationError):
    """It is about no field in particular: its one path is `WHOLE`, which a field of the input may be called too."""


def unwrap(body: object, wrapper: str | None) -> dict[str, Any]:
    """The fields of a body that is sent top level or under the resource's singular; the wrapped ones win.

    Raises:
        BadRequestError: not a JSON object.
        ValidationError: the wrapper holds something else than an object.
    """
    if not isinstance(body, dict):
        raise BadRequestError("Send a JSON object as the body.")
    fields = cast("dict[str, Any]", body)
    if wrapper is None or wrapper not in fields:
        return fields
    inner = fields[wrapper]
    if not isinstance(inner, dict):
        raise ValidationError(
            f'"{wrapper}" must be an object with the fields of the {wrapper}.', errors={wrapper: ["Must be an object."]}
        )
    siblings = {name: value for name, value in fields.items() if name != wrapper}
    return {**siblings, **cast("dict[str, Any]", inner)}


def parse(model: type[M], fields: dict[str, Any], *, read_only: frozenset[str] = frozenset()) -> M:
    """Validate `fields`.

    Args:
        read_only: fields of the resource that clients echo back from a GET; they are ignored.

    Raises:
        MissingParameterError: a required field is absent (400).
        ValidationError: anything else, each field with its sentences; unknown ones with the nearest known name (422).
    """
    given = {name: value for name, value in fields.items() if name not in read_only or name in model.model_fields}
    try:
        return model.model_validate(given)
    except PydanticValidationError as error:
        raise as_domain_error(model, error) from None


def as_domain_error(model: type[BaseModel], error: PydanticValidationError) -> DomainError:
    """What `parse` raises for `error`."""
    details = error.errors(include_url=False, include_context=False)
    missing = [detail for detail in details if detail["type"] == "missing"]
    if missing:
        names = ", ".join(_path(detail) for detail in missing)
        errors = {_path(detail): ["This parameter is required."] for detail in missing}
        return MissingParameterError(f"Missing parameter: {names}.", errors=errors)
    errors: dict[str, list[str]] = {}
    for detail in details:
        errors.setdefault(_path(detail), []).append(_sentence(model, detail))
    first = next(iter(errors))
    kind = ValidationError if any(detail["loc"] for detail in details) else WholeInputError
    return kind(f"{first}: {errors[first][0]}", errors=errors)


def _path(detail: ErrorDetails) -> str:
    return ".".join(str(part) for part in detail["loc"]) or WHOLE


def _sentence(model: type[BaseModel], detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        known = fields_at(model, detail["loc"][:-1])
        name = str(detail["loc"][-1])
        return f"Unknown field.{did_you_mean(name, known)} The fields are {', '.join(known)}."
    text = detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    prefix = "Must be " if detail["msg"].startswith("Input should be ") else ""
    named = not text.split(" ", 1)[0].isalpha()  # a field with its underscores keeps its spelling
    sentence = prefix + (text if prefix or named else text[:1].upper() + text[1:])
    return sentence if sentence.endswith((".", "?")) else sentence + "."


def fields_at(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """The names of the fields of the model that stands at `location` below `model`."""
    current = model
    for part in location:
        if isinstance(part, int):
            continue
        found = next((info for name, info in current.model_fields.items() if part in (name, info.alias)), None)
        inner = _model_in(found.annotation) if found else None
        if inner is None:
            break
        current = inner
    return [info.alias or name for name, info in current.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for argument in get_args(annotation) if (found := _model_in(argument))), None)


def refuse_unknown_status(status: str | None, known: Iterable[str]) -> None:
    """For the filter `status` of a list; None filters nothing. Raises ValidationError that names the known ones."""
    names = [str(name) for name in known]
    if status is not None and status not in names:
        sentence = f'"{status}" is not a status.{did_you_mean(status, names)} It is one of {", ".join(names)}.'
        raise ValidationError(sentence, errors={"status": [sentence]})
