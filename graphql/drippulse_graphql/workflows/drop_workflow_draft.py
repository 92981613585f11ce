"""The mutation `dropWorkflowDraft`."""

from typing import Any

from pydantic import Field

from drippulse.kit.validation import Input
from drippulse.organizations.policy import Permission
from drippulse.workflows.publishing import drafts
from drippulse.workflows.schemas import WorkflowOut
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.workflows.answers import WORKFLOW


class DropDraft(Input):
    """Which draft."""

    revision: int | None = Field(default=None, ge=0, description="The revision that was read; any when left out.")


@mutation(Permission.WRITE, about=WORKFLOW, body=DropDraft, answers=WorkflowOut)
async def drop_workflow_draft(call: Call[DropDraft]) -> Any:
    """Drops the changes that wait; the live version is untouched."""
    await drafts.drop_draft(call.session, call.principal, call.id, call.body.revision)
    return {"id": call.id}
