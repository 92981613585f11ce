"""The mutation `previewPublishing`."""

from typing import Any

from drippulse.kit.crypto import LinkSigner
from drippulse.organizations.policy import Permission
from drippulse.workflows.publishing import preview
from drippulse.workflows.publishing.schemas import PreviewIn, PreviewOut
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.workflows.answers import WORKFLOW


@mutation(Permission.WRITE, about=WORKFLOW, body=PreviewIn, answers=PreviewOut, called="preview")
async def preview_publishing(call: Call[PreviewIn]) -> Any:
    """Who is in flight, step by step, and where they would go; what would be missing; what differs. Nothing changes.
    `confirmToken` is good for 15 minutes."""
    services = call.services
    signer = LinkSigner(services.settings)
    return await preview.preview(call.session, call.principal, services.vault, signer, call.id, call.body)
