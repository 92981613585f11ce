"""Reading the query string of a list by its declaration."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from drippulse.kit.conditions import names_with
from drippulse.kit.errors import ValidationError
from drippulse.kit.listing import Listing
from drippulse.kit.pagination import Found, ListRequest
from drippulse_rest.kit.request import ApiRequest

__all__ = ["Dynamic", "DynamicListing", "Listing", "dynamic_of", "read_listing"]

Resolver: TypeAlias = Callable[[ApiRequest, Collection[str]], Awaitable[Found]]


@dataclass(frozen=True, slots=True)
class Dynamic:
    """Names that begin with `prefix`, such as `custom.`: `resolve` is asked about those that a request uses."""

    prefix: str
    resolve: Resolver
    description: str


@dataclass(frozen=True, slots=True)
class DynamicListing(Listing):
    """A list with further filters and sorts."""

    dynamic: Dynamic | None = None

    @property
    def sortable(self) -> bool:
        return True


def dynamic_of(listing: Listing) -> Dynamic | None:
    return listing.dynamic if isinstance(listing, DynamicListing) else None


async def read_listing(listing: Listing, request: ApiRequest) -> ListRequest:
    """Raises ValidationError, which names each parameter that is unknown, given twice or not acceptable."""
    given = _given(request)
    dynamic = dynamic_of(listing)
    asked = set[str]() if dynamic is None else names_with(given, dynamic.prefix)
    found = await dynamic.resolve(request, asked) if dynamic is not None and asked else None
    return listing.read(given, found)


def _given(request: ApiRequest) -> Mapping[str, str]:
    given: dict[str, str] = {}
    for name, text in request.query_params.items():
        if name in given:
            sentence = f"{name[:100]} is given twice; send it once, several values with commas."
            raise ValidationError(sentence, errors={name: [sentence]})
        given[name] = text
    return given
