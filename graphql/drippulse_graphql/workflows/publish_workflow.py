"""The mutation `publishWorkflow`."""

from typing import Any

from drippulse.kit.crypto import LinkSigner
from drippulse.organizations.policy import Permission
from drippulse.workflows.publishing import service
from drippulse.workflows.publishing.schemas import PublishedOut, PublishIn
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.workflows.answers import WORKFLOW


@mutation(Permission.WRITE, about=WORKFLOW, body=PublishIn, answers=PublishedOut, called="publication")
async def publish_workflow(call: Call[PublishIn]) -> Any:
    """The draft becomes the newest version, which new runs start on; a workflow that was a draft becomes active.
    Runs in flight go where the confirmed preview said."""
    services = call.services
    signer = LinkSigner(services.settings)
    return await service.publish(
        call.session, call.principal, services.vault, signer, services.waker, call.id, call.body
    )
