"""The mutation `restoreWorkflowVersion`."""

from typing import Any

from pydantic import Field

from drippulse.kit.validation import Input
from drippulse.organizations.policy import Permission
from drippulse.workflows.publishing import drafts
from drippulse.workflows.publishing.schemas import DraftOut
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.workflows.answers import WORKFLOW


class RestoreVersion(Input):
    """Which version."""

    version: int = Field(description="Number of a version of that workflow.")
    revision: int | None = Field(default=None, ge=0, description="Of the draft that is overwritten.")


@mutation(Permission.WRITE, about=WORKFLOW, body=RestoreVersion, answers=DraftOut)
async def restore_workflow_version(call: Call[RestoreVersion]) -> Any:
    """An older version becomes the draft; nothing goes live. A draft that exists needs its `revision`."""
    version, revision = call.body.version, call.body.revision
    return await drafts.restore(call.session, call.principal, call.services.vault, call.id, version, revision)
