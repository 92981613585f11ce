"""Conditions of a list, given as an object instead of a query string. Pure."""

from collections.abc import Collection, Mapping
from typing import Any, Final

import orjson

from drippulse.kit.errors import ValidationError
from drippulse.kit.filters import Field, read_filters, split_name
from drippulse.kit.pagination import Found, ListRequest, PageRequest
from drippulse.kit.text import did_you_mean

MEANT: Final = {
    "page_size": "per_page",
    "limit": "per_page",
    "offset": "page",
    "search": "q",
    "order": "sort",
    "order_by": "sort",
}
"""Names that other APIs have for the same."""
SEARCH: Final = "q"


def texts_of(given: Mapping[str, Any]) -> dict[str, str]:
    """The values as query parameters have them."""
    return {name: query_text(value) for name, value in given.items()}


def names_with(given: Mapping[str, str], prefix: str) -> set[str]:
    """The names of conditions (and of what is sorted by) that begin so."""
    names = {split_name(name)[0] for name in given} | {given.get("sort", "").removeprefix("-")}
    return {name for name in names if name.startswith(prefix)}


def read_conditions(texts: Mapping[str, str], filters: Mapping[str, Field], found: Found) -> ListRequest:
    """What `texts` ask for, with `q` as the search; no paging.

    Raises:
        ValidationError: names each condition that is unknown or not acceptable as `filter.<name>`.
    """
    known = {**filters, **found.filters}
    try:
        refuse_unknown(texts, (SEARCH,), known, "a condition of this list")
        read = read_filters({name: text for name, text in texts.items() if name != SEARCH}, known)
    except ValidationError as error:
        errors = {f"filter.{name}": sentences for name, sentences in error.errors.items()}
        raise ValidationError(error.message, errors=errors) from None
    return ListRequest(PageRequest(limit=None), texts.get(SEARCH), read, found)


def query_text(value: object) -> str:
    """A JSON value as a query parameter has it; several with commas between them."""
    if isinstance(value, list):
        members: list[object] = [*value]
        return ",".join(query_text(member).replace(",", "\\,") for member in members)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def refuse_unknown(
    given: Mapping[str, str],
    plain: Collection[str],
    filters: Mapping[str, Field],
    thing: str = "a parameter of this list",
) -> None:
    """Raises ValidationError for names that are neither plain nor filters, with what is probably meant."""
    errors: dict[str, list[str]] = {}
    known = (*plain, *filters)
    for parameter in given:
        name = split_name(parameter)[0]
        if parameter not in plain and name not in filters:
            meant = MEANT.get(name, "")
            hint = f' Did you mean "{meant}"?' if meant in known else did_you_mean(name[:100], known)
            errors[parameter] = [f'"{parameter[:100]}" is not {thing}.{hint} It takes {", ".join(known)}.']
    if errors:
        raise ValidationError(next(iter(errors.values()))[0], errors=errors)
