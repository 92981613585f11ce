"""Enums of workflows, registered before any type names them."""

import strawberry

from drippulse.workflows.tables import WorkflowStatus

__all__ = ["WorkflowStatus"]

strawberry.enum(WorkflowStatus, description="Only an archived workflow refuses enrollments; a paused one holds them.")
