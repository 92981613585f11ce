"""What a route declares beside its parameters: its body, its answers, its list, how it takes an Idempotency-Key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from drippulse_rest.kit.listing import Listing

NOTHING: frozenset[str] = frozenset()


class Keyed(StrEnum):
    """How a write that is sent with an Idempotency-Key is done once.

    TOGETHER: one transaction holds the key, the write and the stored answer; `request.transaction()` is a part of it.
    APART: the handler has transactions of its own, or none while it calls other systems or computes; the key is claimed
    before and the answer stored after. STREAMED: the same, and the body is not read ahead.
    """

    TOGETHER = "together"
    APART = "apart"
    STREAMED = "streamed"


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON body, taken top level or inside `wrapper`.

    Args:
        read_only: fields of the resource that clients echo back from a GET; they are ignored.
    """

    model: type[BaseModel]
    wrapper: str | None = None
    read_only: frozenset[str] = NOTHING
    required: bool = True
    example: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Documented:
    """What the API description says of a route beyond its parameters.

    `errors` maps a status to the codes that this route answers with, beside those that every route of its kind has.
    `texts` are media types that the answer may have beside JSON, such as text/csv.
    """

    answer: type[BaseModel] | None
    answer_text: str
    body: Body | None
    errors: Mapping[int, tuple[str, ...]] = field(default_factory=dict[int, tuple[str, ...]])
    other_statuses: Mapping[int, type[BaseModel]] = field(default_factory=dict[int, type[BaseModel]])
    problem: type[BaseModel] | None = None
    listing: "Listing | None" = None
    keyed: Keyed | None = None
    texts: tuple[str, ...] = ()
