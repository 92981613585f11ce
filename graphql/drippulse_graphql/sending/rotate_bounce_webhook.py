"""The mutation `rotateBounceWebhook`."""

from typing import Any

from drippulse.organizations.policy import Permission
from drippulse.sending import service
from drippulse.sending.bounce_endpoint import BounceEndpoint
from drippulse.sending.schemas import BounceWebhookOut
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.ADMINISTER, answers=BounceWebhookOut)
async def rotate_bounce_webhook(call: Call[None]) -> Any:
    """Ends the present secret and token at once and answers new ones."""
    await service.rotate_bounce_webhook(call.session, call.principal)
    endpoint = BounceEndpoint(call.services.settings)
    return await endpoint.shown(call.session, call.principal.organization_id)
