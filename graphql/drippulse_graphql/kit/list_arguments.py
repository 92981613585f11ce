"""The arguments of lists that REST has too: the same declaration, in the types of the schema.

What a list takes is its `Listing`; the answer has its `nextCursor`, to go on with as `after`.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any, Final, TypeAlias, cast

import strawberry

from drippulse.kit.conditions import query_text
from drippulse.kit.errors import ValidationError
from drippulse.kit.filters import Field, Kind, split_name
from drippulse.kit.listing import Listing
from drippulse.kit.pagination import DEFAULT_PER_PAGE, ListRequest
from drippulse.kit.strict_json import holds_nul
from drippulse_graphql.kit.inputs import IdFilter, MomentFilter, NumberFilter, TextFilter
from drippulse_graphql.kit.models import names
from drippulse_graphql.kit.models.annotations import enum_of
from drippulse_graphql.kit.user_errors import camel_path

Arguments: TypeAlias = dict[str, tuple[Any, Any]]
"""Name -> annotation and default."""
KINDS: Final[Mapping[Kind, type]] = {
    Kind.TEXT: TextFilter,
    Kind.INTEGER: NumberFilter,
    Kind.NUMBER: NumberFilter,
    Kind.BOOLEAN: bool,
    Kind.TIMESTAMP: MomentFilter,
    Kind.UUID: IdFilter,
}
SINGLE: Final[Mapping[Kind, type]] = {
    Kind.TEXT: str,
    Kind.INTEGER: int,
    Kind.NUMBER: float,
    Kind.BOOLEAN: bool,
    Kind.TIMESTAMP: datetime,
    Kind.UUID: cast("type", strawberry.ID),
}
OPERATORS: Final = ("ne", "gt", "gte", "lt", "lte", "contains", "starts_with")
"""Members of a filter that are operators of REST; `eq` and `in_` are the column itself."""
SPELLED: Final = {"cursor": "after"}
PAGE = "Number of the page, from 1."
PER_PAGE = "Rows of a page, 1 to 200."
AFTER = "Where to go on: `nextCursor` of the answer before. It counts more than page."
NUL = "A text holds the character U+0000, which no stored text has."


def list_arguments(name: str, listing: Listing) -> Arguments:
    """What the list takes; `name` is that of its filter's type."""
    found: Arguments = {
        "page": (_said(int | None, PAGE), None),
        "per_page": (_said(int, PER_PAGE), DEFAULT_PER_PAGE),
        "after": (_said(str | None, AFTER), None),
    }
    if listing.sortable:
        order = f"One of {', '.join(listing.sorts)}; a leading `-` reverses. By default {listing.order}."
        found["sort"] = (_said(str | None, order), None)
    if listing.search:
        text = listing.search if isinstance(listing.search, str) else "Text to find, in any case."
        found["q"] = (_said(str | None, text), None)
    if listing.filters:
        found["filter"] = (filter_type(name, tuple(listing.filters.items())) | None, None)
    return found


def read_arguments(listing: Listing, given: Mapping[str, Any]) -> ListRequest:
    """What the list is asked for.

    Raises:
        ValidationError: `errors` names the argument, or the member of the filter, as the schema spells it.
    """
    texts = {"per_page": str(given["per_page"])}
    if given.get("page") is not None:
        texts["page"] = str(given["page"])
    if given.get("after") is not None:
        texts["cursor"] = given["after"]
    texts |= {name: given[name] for name in ("sort", "q") if given.get(name) is not None}
    chosen = given.get("filter")
    if chosen is not None:
        texts |= _conditions(listing, chosen)
    if holds_nul(texts):
        raise ValidationError(NUL)
    try:
        return listing.read(texts)
    except ValidationError as error:
        raise _spelled(error, listing) from None


@cache
def filter_type(name: str, fields: tuple[tuple[str, Field], ...]) -> Any:
    """An input with a member for each field."""
    annotations = {field: _member(field, declared) | None for field, declared in fields}
    members = {
        field: cast("Any", strawberry.field)(default=None, description=declared.description)
        for field, declared in fields
    }
    made = type(name, (), {"__annotations__": annotations, "__module__": __name__, **members})
    return strawberry.input(made, name=name, description="Which ones; what is left out does not filter.")


def _member(name: str, field: Field) -> Any:
    if field.choices:
        one: Any = str if field.enum is None else enum_of(field.enum)
        return one if field.single else list[one]
    if _is_id(name):
        return strawberry.ID if field.single else IdFilter
    return SINGLE[field.kind] if field.single else KINDS[field.kind]


def _is_id(name: str) -> bool:
    return name.endswith("_id") and name not in {"external_id", "tax_id"}


def _conditions(listing: Listing, chosen: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, field in listing.filters.items():
        value = getattr(chosen, name)
        if isinstance(value, TextFilter | IdFilter | NumberFilter | MomentFilter):
            found |= _compared(name, field, value)
        elif value is not None:
            found[name] = _text(name, field, value)
    return found


def _compared(name: str, field: Field, chosen: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    equal, any_of = getattr(chosen, "eq", None), getattr(chosen, "in_", None)
    if equal is not None and any_of is not None:
        sentence = "Send eq or in, not both."
        raise ValidationError(sentence, errors={camel_path(f"filter.{name}"): [sentence]})
    if equal is not None or any_of is not None:
        found[name] = _text(name, field, [equal] if any_of is None else any_of)
    for operator in OPERATORS:
        value = getattr(chosen, operator, None)
        if value is not None:
            found[f"{name}[{operator}]"] = _text(name, field, [value] if operator == "ne" else value)
    if chosen.is_null is not None:
        found[f"{name}[exists]"] = query_text(not chosen.is_null)
    return found


def _text(name: str, field: Field, value: Any) -> str:
    """As a query string has it."""
    if isinstance(value, list):
        return query_text([_plain(name, one) for one in cast("list[Any]", value)])
    plain = _plain(name, value)
    return plain if isinstance(plain, str) else query_text(plain)


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _is_id(name):
        return names.raw_id(value, names.target_of(name), camel_path(f"filter.{name}"))
    return value


def _spelled(error: ValidationError, listing: Listing) -> ValidationError:
    errors = {_path(parameter, listing): sentences for parameter, sentences in error.errors.items()}
    return ValidationError(error.message, errors=errors)


def _path(parameter: str, listing: Listing) -> str:
    name, operator = split_name(parameter)
    if name not in listing.filters:
        return camel_path(SPELLED.get(name, name))
    return camel_path(f"filter.{name}" if operator == "eq" else f"filter.{name}.{operator}")


def _said(annotation: Any, description: str) -> Any:
    return Annotated[annotation, strawberry.argument(description=description)]
