"""The parameters that routes have by their kind: paging, sorting and filters of lists, the key of writes."""

import re
from collections.abc import Iterator
from typing import Any, Final

from drippulse.kit.filters import Field, Kind, Operator
from drippulse.kit.pagination import MAX_PAGE, MAX_PER_PAGE, NEWEST_FIRST
from drippulse_rest.kit.listing import Listing, dynamic_of

SEARCH: Final = "Text to find, in any case."
SCHEMAS: Final[dict[Kind, dict[str, Any]]] = {
    Kind.TEXT: {"type": "string"},
    Kind.INTEGER: {"type": "integer"},
    Kind.NUMBER: {"type": "number"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.TIMESTAMP: {"type": "string", "format": "date-time"},
    Kind.UUID: {"type": "string", "format": "uuid"},
}
WORDS: Final = {
    Operator.NE: "Not this one; commas: none of these.",
    Operator.GT: "Greater, or later.",
    Operator.GTE: "Greater or equal, or not earlier.",
    Operator.LT: "Less, or earlier.",
    Operator.LTE: "Less or equal, or not later.",
    Operator.CONTAINS: "Holds this text, in any case.",
    Operator.STARTS_WITH: "Begins with this text, in any case.",
    Operator.EXISTS: "true: has a value; false: has none.",
}
ANY_OF: Final = (Operator.EQ, Operator.NE)
IDEMPOTENCY_KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "1 to 255 printable ASCII characters. The same key with the same request within 24 hours answers "
    "what it answered the first time, with `Idempotent-Replayed: true`, and does nothing.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}


def list_parameters(listing: Listing) -> Iterator[dict[str, Any]]:
    """Every parameter of a list."""
    whole = "whole list is" if listing.full_limit is None else f"{listing.full_limit} newest are"
    page = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE}
    yield _query("page", f"Number of the page, from 1. Without paging parameters the {whole} answered.", page)
    size = {"type": "integer", "minimum": 1, "maximum": MAX_PER_PAGE}
    yield _query("per_page", "Rows of a page, 1 to 200; 50 when left out.", size)
    cursor = "Where to go on: `next_cursor` of the answer before, or empty for the start. It counts more than page."
    yield _query("cursor", cursor, {"type": "string"})
    if listing.sortable:
        yield _query("sort", _sorting(listing), _orders(listing))
    if listing.search:
        yield _query("q", listing.search if isinstance(listing.search, str) else SEARCH, {"type": "string"})
    for name, field in listing.filters.items():
        yield from _filters(name, field)


def _sorting(listing: Listing) -> str:
    dynamic = dynamic_of(listing)
    more = f" {dynamic.description}" if dynamic else ""
    newest = ", newest first" if listing.order == NEWEST_FIRST else ""
    return f"A column to sort by; a leading `-` reverses. Empty, and by default: {listing.order}{newest}.{more}"


def _orders(listing: Listing) -> dict[str, Any]:
    known = {"type": "string", "enum": ["", *(f"{sign}{name}" for name in listing.sorts for sign in ("", "-"))]}
    dynamic = dynamic_of(listing)
    if dynamic is None:
        return known
    return {"anyOf": [known, {"type": "string", "pattern": f"^-?{re.escape(dynamic.prefix)}"}]}


def _filters(name: str, field: Field) -> Iterator[dict[str, Any]]:
    for operator in field.allowed:
        suffix = "" if operator is Operator.EQ else f"[{operator}]"
        words = field.description if operator is Operator.EQ else f"{name}: {WORDS[operator]}"
        several = not field.single and operator in ANY_OF
        yield _query(f"{name}{suffix}", words, _values(field, operator, several=several), several=several)


def _values(field: Field, operator: Operator, *, several: bool) -> dict[str, Any]:
    if operator is Operator.EXISTS:
        return SCHEMAS[Kind.BOOLEAN]
    one: dict[str, Any] = {"type": "string"} if field.read else dict(SCHEMAS[field.kind])
    if field.kind is Kind.TEXT or field.read:
        one["maxLength"] = field.longest
    bounds = {"minimum": field.least, "maximum": field.most}
    one |= {name: bound for name, bound in bounds.items() if bound is not None}
    if field.choices:
        one = {"type": "string", "enum": list(field.choices)}
    return {"type": "array", "items": one, "minItems": 1, "maxItems": field.values} if several else one


def _query(name: str, description: str, schema: dict[str, Any], *, several: bool = False) -> dict[str, Any]:
    style: dict[str, Any] = {"style": "form", "explode": False} if several else {}
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema, **style}
