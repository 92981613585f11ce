"""The mutation `saveWorkflowDraft`."""

from typing import Any

from drippulse.organizations.policy import Permission
from drippulse.workflows.publishing import drafts
from drippulse.workflows.publishing.schemas import DraftIn, DraftOut
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.workflows.answers import WORKFLOW


@mutation(Permission.WRITE, about=WORKFLOW, body=DraftIn, answers=DraftOut)
async def save_workflow_draft(call: Call[DraftIn]) -> Any:
    """Saves changes beside the live version; nothing goes live. They may be incomplete. A draft that exists is only
    overwritten by who sends its present `revision`."""
    data, vault = call.body, call.services.vault
    return await drafts.save_draft(call.session, call.principal, vault, call.id, data, data.revision)
