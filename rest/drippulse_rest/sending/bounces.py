"""`/webhooks/nurture/bounce`: mail providers report what became of mails."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from drippulse.kit import strict_json
from drippulse.kit.errors import ValidationError
from drippulse.sending import bounces
from drippulse.sending.bounce_endpoint import BounceEndpoint
from drippulse.sending.schemas import BounceRow, BouncesOut
from drippulse_rest.kit.answers import json_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, route

BODY_LIMIT = 8 * 1_048_576


@route(
    "POST",
    "/webhooks/nurture/bounce",
    operation_id="reportBounces",
    permission=None,
    tag="Sending",
    summary="Report bounces and complaints",
    answer=BouncesOut,
    answer_text="Everything that counts is stored.",
    body=Body(BounceRow, example={"type": "bounce", "email": "ada@example.com", "hard": True, "id": "evt_1"}),
    errors={401: ("invalid_bounce_credential",), 422: ("unknown_bounce_format",)},
    body_limit=BODY_LIMIT,
)
async def report_bounces(
    request: ApiRequest,
    organization: Annotated[
        str | None, QueryParameter(description="Id of the organization, for calls signed with its bounce secret.")
    ] = None,
    token: Annotated[str | None, QueryParameter(description="For providers that cannot sign.")] = None,
) -> Response[bytes]:
    """Takes Amazon SES through SNS, SendGrid's event webhook, Postmark's bounce and spam complaint webhooks, and the
    plain format shown here, one or an array. Prove who you are with Standard Webhooks headers and `organization`, or
    with `token`. Each event of a provider counts once, however often it is sent. Hard bounces and complaints put the
    address on the suppression list."""
    raw = await request.body()
    services = request.services
    organization_id = await BounceEndpoint(services.settings).organization(
        services.database, request.headers, raw, services.clock(), organization, token
    )
    body = strict_json.loads(raw)
    if strict_json.may_hold_nul(raw) and strict_json.holds_nul(body):
        raise ValidationError("A text holds the character U+0000, which cannot be stored; remove it.")
    call_id = None if token else request.headers.get("webhook-id")
    async with services.database.tenant(organization_id) as session:
        answer = await bounces.take(session, organization_id, body, call_id)
        session.after_commit(services.waker.wake)
    return json_answer(answer)


ROUTES: Sequence[HTTPRouteHandler] = (report_bounces,)
