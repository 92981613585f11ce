"""Lists: what their filter and order mean in SQL, said once for resolvers and for planned operations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drippulse_graphql.kit.cursors import scope_of
from drippulse_graphql.kit.ids import Key
from drippulse_graphql.kit.nodes import NODE_TYPES
from drippulse_graphql.kit.pages import Condition, Listing, Order, PageArguments, page_arguments


@dataclass(frozen=True, eq=False, slots=True)
class Listed:
    """A list of the rows of the node type `node`.

    Args:
        filter: the input type of the argument `filter`; None: the list has none.
        order_by: that of the argument `orderBy`.
        conditions_of: what a filter, or None, means. Raises ValidationError.
        order_of: the same of an order.
        parent: for lists below a row: the column that names it.
    """

    name: str
    node: str
    order_of: Callable[[Any], Order]
    conditions_of: Callable[[Any], tuple[Condition, ...]] | None = None
    filter: type | None = None
    order_by: type | None = None
    parent: str | None = None

    def read(self, arguments: Mapping[str, Any], parent: Key | None = None) -> tuple[Listing, str, PageArguments]:
        """The listing, the scope of its cursors and the page. `parent` may stay open when no cursor was given.

        Raises:
            ValidationError, BadCursorError
        """
        node = NODE_TYPES[self.node]
        order = self.order_of(arguments.get("order_by"))
        conditions = () if self.conditions_of is None else self.conditions_of(arguments.get("filter"))
        scope = scope_below(scope_of(self.name, order, conditions), parent)
        page = page_arguments(
            scope,
            *(arguments.get(name) for name in ("first", "after", "last", "before")),
            cast=order.cast,
            key_type=node.table.key_type,
        )
        return Listing(node.table, node.selection, order, conditions, self.parent), scope, page


def scope_below(scope: str, parent: Key | None) -> str:
    """Of the cursors of a list below a row."""
    return scope if parent is None else f"{scope}.{parent}"
