"""What null means where a field is sent that is never null itself. A schema says what is taken."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field, GetCoreSchemaHandler
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True, slots=True)
class NullAs:
    """Null is taken, and is what `make` makes.

    Args:
        otherwise: on an update null is refused with this sentence, because what is made is not empty.
    """

    make: Callable[[], Any]
    otherwise: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._read, core_schema.nullable_schema(handler(source)))

    def _read(self, value: Any) -> Any:
        return self.make() if value is None else value


@dataclass(frozen=True, slots=True)
class NeverNull:
    """Null is refused with a sentence of its own."""

    sentence: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._read, handler(source))

    def _read(self, value: Any) -> Any:
        if value is None:
            raise ValueError(self.sentence)
        return value


def of_updates(model: type[BaseModel], needed: str) -> dict[str, Any]:
    """The fields of `model` that an update takes otherwise, as `create_model` wants them: none is required, and null is
    refused where there is nothing that it could leave behind.

    Args:
        needed: the sentence for null in a field that is required on creating.
    """
    found: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        rule = next((one for one in info.metadata if isinstance(one, NullAs)), None)
        sentence = needed if info.is_required() else None if rule is None else rule.otherwise
        if sentence is not None:
            found[name] = _changed(info, sentence)
    return found


def _changed(info: FieldInfo, sentence: str) -> tuple[Any, Any]:
    kept = [one for one in info.metadata if not isinstance(one, NullAs)]
    made: Any = info.default_factory if info.default_factory is not None else str if info.is_required() else None
    default = {"default": info.default} if made is None else {"default_factory": made}
    return Annotated[info.annotation, *kept, NeverNull(sentence)], Field(description=info.description, **default)
