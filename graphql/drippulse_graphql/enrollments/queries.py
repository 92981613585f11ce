"""Root fields of enrollments."""

import strawberry

from drippulse_graphql.enrollments.inputs import EnrollmentFilter, EnrollmentOrder
from drippulse_graphql.enrollments.lists import all_enrollments
from drippulse_graphql.enrollments.types import ENROLLMENT
from drippulse_graphql.kit.context import Info
from drippulse_graphql.kit.ids import id_of
from drippulse_graphql.kit.nodes import load_nodes
from drippulse_graphql.kit.selection import Row


async def enrollment(info: Info, id: strawberry.ID) -> Row | None:  # noqa: A002 - the argument's name in the schema
    return await info.context.loader(load_nodes).load((ENROLLMENT.name, id_of(id, ENROLLMENT.name)))


async def enrollments(
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: EnrollmentFilter | None = None,  # noqa: A002 - the argument's name in the schema
    order_by: EnrollmentOrder | None = None,
) -> Row:
    return await all_enrollments(info.context, filter, order_by, (first, after, last, before))
