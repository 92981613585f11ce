"""`POST /crm/leads/:id/convert`: a lead becomes an account, a contact and an opportunity."""

from collections.abc import Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.crm.conversion import service
from drippulse.crm.conversion.schemas import ConversionOut, LeadConversion
from drippulse.crm.tables import RecordType
from drippulse.organizations.policy import Permission
from drippulse_rest.crm.kinds import NAMES, RecordRef
from drippulse_rest.kit.answers import json_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, route

LEADS = NAMES[RecordType.LEAD]
UNKNOWN = (
    "account_not_found",
    "contact_not_found",
    "lead_not_found",
    "pipeline_not_found",
    "pipeline_stage_not_found",
    "user_not_found",
)


@route(
    "POST",
    f"{LEADS.path_of_one}/convert",
    operation_id="convertCrmLead",
    permission=Permission.WRITE,
    tag=LEADS.tag,
    summary="Convert a lead",
    answer=ConversionOut,
    body=Body(LeadConversion, required=False, example={"opportunity": {"name": "Acme, 20 seats", "amount": 4800}}),
    errors={
        400: ("invalid_email",),
        404: UNKNOWN,
        409: ("lead_already_converted", "record_exists"),
        422: ("validation_failed", "stage_of_another_pipeline"),
    },
)
async def convert_lead(request: ApiRequest, record_ref: RecordRef) -> Response[bytes]:
    """Makes an account, a contact and an opportunity of the lead, in one changeset. An account with the domain or the
    name of the lead's company is used instead of a new one, and so is a contact with its address: what they have stays,
    what is empty is filled. The lead's activities are shown on the contact too; its runs of workflows become the
    contact's. A lead is converted once; reverting the changeset undoes it."""
    wanted = await request.read(LeadConversion)
    async with request.transaction() as session:
        done = await service.convert_lead(session, request.principal, record_ref, wanted)
    return json_answer(done)


ROUTES: Sequence[HTTPRouteHandler] = (convert_lead,)
