"""`/crm/lead_forms`: forms that make leads."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from drippulse.kit.pagination import ListRequest
from drippulse.lead_forms import service
from drippulse.lead_forms.listing import LISTING, SUBMISSIONS
from drippulse.lead_forms.schemas import (
    READ_ONLY,
    LeadFormFields,
    LeadFormList,
    LeadFormOut,
    LeadFormUpdate,
    SubmissionList,
)
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer, list_answer, no_content
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, list_route, route

TAG = "Lead forms"
WRAPPER = "lead_form"
EXAMPLE = {
    "name": "Website contact",
    "title": "Talk to us",
    "fields": [
        {"name": "email", "label": "E-mail", "type": "email", "required": True},
        {"name": "description", "label": "What is it about?", "type": "textarea"},
    ],
}
UNKNOWN = {404: ("lead_form_not_found",)}
REFUSED = {404: ("lead_form_not_found", "workflow_not_found", "user_not_found"), 422: ("validation_failed",)}
FormId = Annotated[int, PathParameter(description="Id of a lead form.")]


def _base(request: ApiRequest) -> str:
    return request.services.settings.public_url


@list_route(
    "/crm/lead_forms",
    operation_id="listCrmLeadForms",
    tag=TAG,
    summary="List lead forms",
    answer=LeadFormList,
    listing=LISTING,
)
async def list_lead_forms(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """All forms, newest first."""
    async with request.transaction() as session:
        answer = await service.list_lead_forms(session, request.principal, wanted, _base(request))
    return list_answer(request, wanted, answer)


@route(
    "POST",
    "/crm/lead_forms",
    operation_id="createCrmLeadForm",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Create a lead form",
    status=201,
    answer=LeadFormOut,
    body=Body(LeadFormFields, WRAPPER, READ_ONLY, example=EXAMPLE),
    errors={404: ("workflow_not_found", "user_not_found"), 422: ("validation_failed",)},
)
async def create_lead_form(request: ApiRequest) -> Response[bytes]:
    """The form is online at once, at `url`. What is sent there makes a lead or changes the one with the same address,
    as one changeset of the source `lead_form`."""
    data = await request.read(LeadFormFields)
    async with request.transaction() as session:
        made = await service.create_lead_form(session, request.principal, data, _base(request))
    return json_answer(made, status=201)


@route(
    "GET",
    "/crm/lead_forms/{form_id:int}",
    operation_id="getCrmLeadForm",
    permission=Permission.READ,
    tag=TAG,
    summary="Show a lead form",
    answer=LeadFormOut,
    errors=UNKNOWN,
)
async def get_lead_form(request: ApiRequest, form_id: FormId) -> Response[bytes]:
    """One form, with its address and how often it was sent."""
    async with request.transaction() as session:
        shown = await service.get_lead_form(session, request.principal, form_id, _base(request))
    return json_answer(shown)


@route(
    "PATCH",
    "/crm/lead_forms/{form_id:int}",
    operation_id="updateCrmLeadForm",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Change a lead form",
    answer=LeadFormOut,
    body=Body(LeadFormUpdate, WRAPPER, READ_ONLY, example={"status": "paused"}),
    errors=REFUSED,
)
async def update_lead_form(request: ApiRequest, form_id: FormId) -> Response[bytes]:
    """Fields left out stay as they are; `fields` is replaced as a whole."""
    data = await request.read(LeadFormUpdate)
    async with request.transaction() as session:
        changed = await service.update_lead_form(session, request.principal, form_id, data, _base(request))
    return json_answer(changed)


@route(
    "DELETE",
    "/crm/lead_forms/{form_id:int}",
    operation_id="deleteCrmLeadForm",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Delete a lead form",
    status=204,
    answer_text="Deleted.",
    errors=UNKNOWN,
)
async def delete_lead_form(request: ApiRequest, form_id: FormId) -> Response[None]:
    """The form goes with its submissions; the leads stay. Pause it to keep them."""
    async with request.transaction() as session:
        await service.delete_lead_form(session, request.principal, form_id)
    return no_content()


@route(
    "POST",
    "/crm/lead_forms/{form_id:int}/rotate_token",
    operation_id="rotateCrmLeadFormToken",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Give a lead form a new address",
    answer=LeadFormOut,
    errors=UNKNOWN,
)
async def rotate_token(request: ApiRequest, form_id: FormId) -> Response[bytes]:
    """The old address stops working at once."""
    async with request.transaction() as session:
        changed = await service.rotate_token(session, request.principal, form_id, _base(request))
    return json_answer(changed)


@list_route(
    "/crm/lead_forms/{form_id:int}/submissions",
    operation_id="listCrmLeadFormSubmissions",
    tag=TAG,
    summary="List what was sent through a lead form",
    answer=SubmissionList,
    listing=SUBMISSIONS,
    errors=UNKNOWN,
)
async def list_submissions(request: ApiRequest, wanted: ListRequest, form_id: FormId) -> Response[bytes]:
    """Newest first, each with its lead, what was agreed to, and its enrollment or why there is none."""
    async with request.transaction() as session:
        answer = await service.list_submissions(session, request.principal, form_id, wanted)
    return list_answer(request, wanted, answer)


ROUTES: Sequence[HTTPRouteHandler] = (
    list_lead_forms,
    create_lead_form,
    get_lead_form,
    update_lead_form,
    delete_lead_form,
    rotate_token,
    list_submissions,
)
