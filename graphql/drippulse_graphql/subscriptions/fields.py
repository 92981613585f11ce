"""The root type Subscription."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

import strawberry

from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.permissions import Requires
from drippulse_graphql.subscriptions.approval_requested import ApprovalRequested, approval_requested
from drippulse_graphql.subscriptions.enrollment_advanced import EnrollmentAdvance, enrollment_advanced
from drippulse_graphql.subscriptions.record_changed import RecordChange, record_changed
from drippulse_graphql.subscriptions.workflow_funnel import FunnelChange, workflow_funnel


def _live(resolver: Callable[..., Any], permission: Permission, description: str) -> Any:
    return strawberry.subscription(resolver=resolver, extensions=[Requires(permission)], description=description)


@strawberry.type(description="What happens, as it happens. Every event carries a cursor to go on from.")
class Subscription:
    record_changed: AsyncGenerator[RecordChange, None] = _live(
        record_changed,
        Permission.READ,
        "Everything that the event log says, of these record types (`contact`, `workflow`, ...) and ids.",
    )
    enrollment_advanced: AsyncGenerator[EnrollmentAdvance, None] = _live(
        enrollment_advanced,
        Permission.READ,
        "Runs that start, go on, are held or end: of one workflow, one run, or all.",
    )
    workflow_funnel: AsyncGenerator[FunnelChange, None] = _live(
        workflow_funnel,
        Permission.READ,
        "A workflow's funnel at once, and after changes; many changes at once are one.",
    )
    approval_requested: AsyncGenerator[ApprovalRequested, None] = _live(
        approval_requested, Permission.READ, "Runs that have come to an approval step."
    )
