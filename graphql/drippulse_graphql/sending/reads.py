"""Reads of what may be sent, how it goes, and who gets no more mail."""

from typing import Any

from drippulse.organizations.policy import Permission
from drippulse.sending import service
from drippulse.sending import suppressions as suppressed
from drippulse.sending.bounce_endpoint import BounceEndpoint
from drippulse.sending.listing import LISTING
from drippulse.sending.schemas import BounceWebhookOut, SuppressionList
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.reads import Reading, read
from drippulse_graphql.sending.answers import POLICY, STATUS


@read(Permission.READ, answers=POLICY, covers=("getSending",))
async def sending(call: Reading) -> Any:
    """Caps, ramp-up, quiet hours and the breaker's limits of the organization; null means without limit."""
    return await service.get_policy(call.session, call.principal)


@read(Permission.READ, answers=STATUS, covers=("getSendingStatus",))
async def sending_status(call: Reading) -> Any:
    """The breaker and its rates, totals of today and of the breaker's window, how full the caps are, how many
    enrollments wait for them, and how many addresses are suppressed."""
    return await service.status(call.session, call.principal)


@read(Permission.ADMINISTER, answers=BounceWebhookOut, covers=("getBounceWebhook",))
async def bounce_webhook(call: Reading) -> Any:
    """The URL and secret for calls signed by Standard Webhooks, and a URL with a token for providers that cannot
    sign."""
    return await BounceEndpoint(call.services.settings).shown(call.session, call.principal.organization_id)


@read(Permission.READ, listing=LISTING, answers=SuppressionList, covers=("listSuppressions",))
async def suppressions(call: Reading) -> Any:
    """Addresses that get no more mail from the organization, newest first."""
    return await suppressed.list_suppressions(call.session, call.principal, call.wanted)


READS: tuple[Declared, ...] = (sending, sending_status, bounce_webhook, suppressions)
