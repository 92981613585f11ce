"""What the mechanism goes by that a model does not say itself: names of types, and which fields hold ids.

Ids, one rule: a field called `id`, `ids`, `…_id` or `…_ids` is an `ID`, except what `NO_IDS` names. Where it goes
in, the global id of an object and the id that REST uses mean the same; when `TARGETS` knows of what type the object
must be, the global id of another type is refused. Where it comes out it is the id that REST uses, except for the
`id` of an object that `identified` has given a type name: that is a global id, and `databaseId` has the other."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final, TypeVar

from pydantic import BaseModel

from drippulse_graphql.kit.ids import InvalidIdError

TARGETS: Final[Mapping[str, str]] = {
    "account_id": "Account",
    "connection_id": "IntegrationConnection",
    "contact_id": "Contact",
    "data_source_id": "DataSource",
    "enrollment_id": "Enrollment",
    "lead_id": "Lead",
    "opportunity_id": "Opportunity",
    "pipeline_id": "Pipeline",
    "project_id": "Project",
    "workflow_id": "Workflow",
}
"""Field -> the type whose ids it takes."""
NO_IDS: Final = frozenset(
    {"external_id", "tax_id", "source_id", "step_id", "delivery_ids", "changeset_id", "EventIn.id"}
)
"""Fields whose name ends like an id: words of other systems, ids of steps, numbers that are no object's."""
ALSO_IDS: Final = frozenset({"merge", "move_to"})
WIDE: Final = frozenset({"bytes", "seed"})
"""Whole numbers that 32 bits do not hold."""

M = TypeVar("M", bound=BaseModel)
_type_names: dict[type[BaseModel], str] = {}
_called: dict[type[BaseModel], str] = {}


def called(model: type[M], name: str) -> type[M]:
    """Another name than the model's own, which says too little or is some other type's. Answers the model."""
    _called[model] = name
    return model


def identified(model: type[BaseModel], type_name: str) -> None:
    """Objects of `model` have global ids of this type name."""
    _type_names[model] = type_name


def type_name_of(model: type[BaseModel]) -> str | None:
    return _type_names.get(model)


def is_id(model: type[BaseModel], field: str) -> bool:
    if field in NO_IDS or f"{model.__name__}.{field}" in NO_IDS:
        return False
    return field in ALSO_IDS or field in {"id", "ids"} or field.endswith(("_id", "_ids"))


def target_of(field: str) -> str | None:
    """The type whose ids a field takes; None for any."""
    return TARGETS.get(field.removesuffix("s"))


def global_id(type_name: str, raw: object) -> str:
    return base64.b64encode(f"{type_name}:{raw}".encode()).decode()


def raw_id(text: str, target: str | None, field: str = "id") -> str:
    """The id that REST uses, from a global id or from itself.

    Args:
        target: the type that it must be of.

    Raises:
        InvalidIdError: the global id of another type.
    """
    found, _, raw = _decoded(text).partition(":")
    if not raw or not found.isidentifier():
        return text
    if target is not None and found != target:
        sentence = f"This is the id of a {found}; send one of a {target}."
        raise InvalidIdError(sentence, errors={field: [sentence]})
    return raw


def number_of(text: str, field: str = "id") -> int:
    """An id that is a number. Raises InvalidIdError."""
    if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 20:
        return int(text)
    sentence = "This is not an id of this API. Send an `id` as a query answered it."
    raise InvalidIdError(sentence, errors={field: [sentence]})


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""


def name_of(model: type[BaseModel]) -> str:
    """`DraftOut` is `Draft` in the schema, unless it is called otherwise."""
    return _called.get(model) or model.__name__.removesuffix("Out")
