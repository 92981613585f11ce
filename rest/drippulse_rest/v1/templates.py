"""`/v1/templates`."""

from collections.abc import Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.mail_templates import queries, service
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer, no_content
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body
from drippulse_rest.v1 import presentation
from drippulse_rest.v1.ids import TEMPLATE, TemplateRef, number_of
from drippulse_rest.v1.paging import Limit, Offset, items, window
from drippulse_rest.v1.routing import v1_route
from drippulse_rest.v1.schemas import READ_ONLY, V1Template, V1TemplateList, V1TemplateOut, V1TemplateUpdate

EXAMPLE = {
    "name": "Introduction",
    "subject": "Hi {{ contact.first_name }}",
    "body": "I saw {{ vars.hook }} and thought of you.",
}
UNKNOWN = {404: ("template_not_found",)}


@v1_route(
    "GET",
    "/templates",
    operation_id="v1ListTemplates",
    permission=Permission.READ,
    summary="List templates",
    answer=V1TemplateList,
    errors={400: ("invalid_page",), 422: ("validation_failed",)},
)
async def list_templates(request: ApiRequest, limit: Limit = None, offset: Offset = None) -> Response[bytes]:
    """Newest first."""
    page, organization_id = window(limit, offset), request.principal.organization_id
    async with request.transaction() as session:
        rows = await queries.page(session, organization_id, page.limit, page.offset)
        total = await queries.count(session, organization_id)
    return json_answer(items([presentation.template(row) for row in rows], total, page))


@v1_route(
    "POST",
    "/templates",
    operation_id="v1CreateTemplate",
    permission=Permission.WRITE,
    summary="Create a template",
    status=201,
    answer=V1TemplateOut,
    body=Body(V1Template, None, READ_ONLY, example=EXAMPLE),
)
async def create_template(request: ApiRequest) -> Response[bytes]:
    """Texts are Liquid and see the contact's fields, `contact.attributes` and `vars`."""
    data = await request.read(V1Template)
    async with request.transaction() as session:
        row = await service.create_template(session, request.principal, data.texts)
    return json_answer(presentation.template(row), status=201)


@v1_route(
    "GET",
    "/templates/{template_ref:str}",
    operation_id="v1GetTemplate",
    permission=Permission.READ,
    summary="Show a template",
    answer=V1TemplateOut,
    errors=UNKNOWN,
)
async def get_template(request: ApiRequest, template_ref: TemplateRef) -> Response[bytes]:
    """One template."""
    async with request.transaction() as session:
        row = await service.get_template(session, request.principal, number_of(TEMPLATE, template_ref))
    return json_answer(presentation.template(row))


@v1_route(
    "PATCH",
    "/templates/{template_ref:str}",
    operation_id="v1UpdateTemplate",
    permission=Permission.WRITE,
    summary="Update a template",
    answer=V1TemplateOut,
    body=Body(V1TemplateUpdate, None, READ_ONLY, example={"subject": "Hello {{ contact.first_name }}"}),
    errors=UNKNOWN,
)
async def update_template(request: ApiRequest, template_ref: TemplateRef) -> Response[bytes]:
    """Workflows that use it keep the texts they have until they are saved or published again."""
    data = await request.read(V1TemplateUpdate)
    changes = data.model_dump(exclude_unset=True)
    async with request.transaction() as session:
        row = await service.update_template(session, request.principal, number_of(TEMPLATE, template_ref), changes)
    return json_answer(presentation.template(row))


@v1_route(
    "DELETE",
    "/templates/{template_ref:str}",
    operation_id="v1DeleteTemplate",
    permission=Permission.WRITE,
    summary="Delete a template",
    status=204,
    answer_text="Deleted; workflows that use it keep its texts.",
    errors=UNKNOWN,
)
async def delete_template(request: ApiRequest, template_ref: TemplateRef) -> Response[None]:
    """A workflow that names it can be saved again once it names another."""
    async with request.transaction() as session:
        await service.delete_template(session, request.principal, number_of(TEMPLATE, template_ref))
    return no_content()


ROUTES: Sequence[HTTPRouteHandler] = (list_templates, create_template, get_template, update_template, delete_template)
