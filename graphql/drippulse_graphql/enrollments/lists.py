"""Lists of enrollments: of the organization and of one workflow."""

from typing import TypeAlias

from drippulse_graphql.enrollments.inputs import EnrollmentFilter, EnrollmentOrder, conditions_of, order_of
from drippulse_graphql.enrollments.types import ENROLLMENT
from drippulse_graphql.kit.connections import connect, connect_child
from drippulse_graphql.kit.context import Context
from drippulse_graphql.kit.cursors import scope_of
from drippulse_graphql.kit.pages import Listing, page_arguments
from drippulse_graphql.kit.selection import Row

Paging: TypeAlias = tuple[int | None, str | None, int | None, str | None]
"""first, after, last, before."""


async def enrollments_of(
    context: Context,
    workflow_id: int,
    chosen: EnrollmentFilter | None,
    order_by: EnrollmentOrder | None,
    paging: Paging,
) -> Row:
    listing = _listing(chosen, order_by, parent="e.workflow_id")
    scope = scope_of("enrollments", workflow_id, listing.order, listing.conditions)
    page = page_arguments(scope, *paging, cast=listing.order.cast)
    return await connect_child(context, listing, scope, page, workflow_id)


async def all_enrollments(
    context: Context, chosen: EnrollmentFilter | None, order_by: EnrollmentOrder | None, paging: Paging
) -> Row:
    listing = _listing(chosen, order_by)
    scope = scope_of("enrollments", listing.order, listing.conditions)
    return await connect(context, listing, scope, page_arguments(scope, *paging, cast=listing.order.cast))


def _listing(chosen: EnrollmentFilter | None, order_by: EnrollmentOrder | None, parent: str | None = None) -> Listing:
    return Listing(ENROLLMENT.table, ENROLLMENT.selection, order_of(order_by), conditions_of(chosen), parent)
