"""`/account/billing`: who bills are written to, and what was used this month."""

from collections.abc import Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.organizations.billing import service
from drippulse.organizations.billing.schemas import READ_ONLY, BillingOut, BillingUpdate
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, route

TAG = "Account"
EXAMPLE = {
    "company_name": "Acme GmbH",
    "email": "bills@acme.example",
    "tax_id": "DE 123 456 789",
    "address": {"line1": "Hauptstrasse 1", "postal_code": "10115", "city": "Berlin", "country": "DE"},
}


@route(
    "GET",
    "/account/billing",
    operation_id="getAccountBilling",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Show billing",
    answer=BillingOut,
)
async def get_billing(request: ApiRequest) -> Response[bytes]:
    """Who bills are written to, and what the organization used since the first of the month."""
    async with request.transaction() as session:
        found = await service.get_billing(session, request.principal)
    return json_answer(found)


@route(
    "PATCH",
    "/account/billing",
    operation_id="updateAccountBilling",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Change billing",
    answer=BillingOut,
    body=Body(BillingUpdate, "billing", READ_ONLY, example=EXAMPLE),
    errors={422: ("validation_failed",)},
)
async def update_billing(request: ApiRequest) -> Response[bytes]:
    """Fields left out stay as they are, members of `address` too; null takes one away."""
    data = await request.read(BillingUpdate)
    async with request.transaction() as session:
        changed = await service.update_billing(session, request.principal, data)
    return json_answer(changed)


ROUTES: Sequence[HTTPRouteHandler] = (get_billing, update_billing)
