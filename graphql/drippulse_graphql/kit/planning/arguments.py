"""From the arguments of one execution to what decides the statement's text (its shape) and its parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from graphql import GraphQLError
from graphql.execution.values import VariableValues, get_argument_values
from strawberry.schema.config import StrawberryConfig
from strawberry.types.arguments import convert_arguments

from drippulse.kit.errors import DomainError
from drippulse_graphql.kit.context import MAX_ROWS
from drippulse_graphql.kit.ids import Key, key_of
from drippulse_graphql.kit.lists import Listed, scope_below
from drippulse_graphql.kit.nodes import NODE_TYPES, fits
from drippulse_graphql.kit.pages import Listing, PageArguments
from drippulse_graphql.kit.planning.tree import NotPlannedError, Place
from drippulse_graphql.kit.relations import DEFAULT_LAST
from drippulse_graphql.kit.rows import Children, checked_last


@dataclass(frozen=True, slots=True)
class ListCall:
    """A page of a list: what its text depends on is `shape`."""

    listing: Listing
    scope: str
    page: PageArguments

    @property
    def shape(self) -> tuple[object, ...]:
        order, bound = self.listing.order, self.page.bound is not None
        return (order, tuple(one.sql for one in self.listing.conditions), self.page.backward, bound, self.size)

    @property
    def size(self) -> int:
        return self.page.limit


@dataclass(frozen=True, slots=True)
class LastCall:
    size: int

    @property
    def shape(self) -> tuple[object, ...]:
        return (self.size,)


@dataclass(frozen=True, slots=True)
class KeyCall:
    key: Key
    size: int = 1
    shape: tuple[object, ...] = field(default=())


Call: TypeAlias = ListCall | LastCall | KeyCall


class Arguments:
    """Reads arguments as the resolvers get them.

    Args:
        config, scalars: of the Strawberry schema.
    """

    def __init__(self, config: StrawberryConfig, scalars: Mapping[object, Any]) -> None:
        self._config = config
        self._scalars = scalars

    def read(self, places: Sequence[Place], variables: VariableValues) -> list[Call]:
        """Raises NotPlannedError where the resolvers have an error to answer, or a cursor is of an unknown parent."""
        calls: list[Call] = []
        try:
            for place in places:
                calls.append(self._call(place, self._given(place, variables), calls))
        except (DomainError, GraphQLError):
            raise NotPlannedError from None
        _check_rows(places, calls)
        return calls

    def _given(self, place: Place, variables: VariableValues) -> dict[str, Any]:
        values = get_argument_values(place.field, place.node, variables)
        declared = place.field.extensions["strawberry-definition"]
        return convert_arguments(values, declared.arguments, cast("Any", self._scalars), self._config)

    def _call(self, place: Place, given: dict[str, Any], calls: Sequence[Call]) -> Call:
        if isinstance(place.of, Listed):
            return _list_call(place.of, place.below, given, calls)
        if isinstance(place.of, Children):
            return LastCall(checked_last(given.get("last", DEFAULT_LAST)))
        key = key_of(given["id"], place.of)
        if not fits(NODE_TYPES[place.of].table, key):
            raise NotPlannedError
        return KeyCall(key)


def _list_call(listed: Listed, below: int | None, given: dict[str, Any], calls: Sequence[Call]) -> ListCall:
    if listed.parent is None:
        return ListCall(*listed.read(given))
    if below is not None:
        above = calls[below]
        parent = above.key if isinstance(above, KeyCall) else None
        listing, scope, page = listed.read(given, parent)
        return ListCall(listing, scope.removesuffix(scope_below("", parent)), page)
    if given.get("after") is not None or given.get("before") is not None:
        raise NotPlannedError  # of one of many parents: the resolvers refuse it for all the others
    return ListCall(*listed.read(given))


def _check_rows(places: Sequence[Place], calls: Sequence[Call]) -> None:
    """Where the resolvers would count rows, there may not be too many for sure."""
    total = 0
    for place, call in zip(places, calls, strict=True):
        if isinstance(call, LastCall):
            rows = call.size
            for above in place.under:
                rows *= calls[above].size
            total += rows
    if total > MAX_ROWS:
        raise NotPlannedError
