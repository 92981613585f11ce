"""`/v1/contacts`."""

from collections.abc import Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.crm import service
from drippulse.crm.tables import RecordType
from drippulse.enrollments import contact_runs
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer, no_content
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body
from drippulse_rest.v1 import presentation
from drippulse_rest.v1.ids import ContactRef, contact_public_id
from drippulse_rest.v1.paging import Limit, Offset, Search, items, window
from drippulse_rest.v1.routing import v1_route
from drippulse_rest.v1.schemas import READ_ONLY, V1Contact, V1ContactList, V1ContactOut

CONTACT = RecordType.CONTACT
EXAMPLE = {"email": "ada@example.com", "firstName": "Ada", "attributes": {"plan": "pro"}}
UNKNOWN = {404: ("contact_not_found",)}
REFUSED = {400: ("invalid_email",), 404: ("user_not_found",), 409: ("record_exists",)}


@v1_route(
    "GET",
    "/contacts",
    operation_id="v1ListContacts",
    permission=Permission.READ,
    summary="List contacts",
    answer=V1ContactList,
    errors={400: ("invalid_page",), 422: ("validation_failed",)},
)
async def list_contacts(
    request: ApiRequest, limit: Limit = None, offset: Offset = None, q: Search = None
) -> Response[bytes]:
    """Newest first; `q` finds text in address, name and company."""
    page = window(limit, offset)
    async with request.transaction() as session:
        rows, total = await service.list_records(
            session, request.principal, CONTACT, q=q, limit=page.limit, offset=page.offset
        )
    return json_answer(items([presentation.contact(row) for row in rows], total, page))


@v1_route(
    "POST",
    "/contacts",
    operation_id="v1CreateContact",
    permission=Permission.WRITE,
    summary="Create a contact",
    status=201,
    answer=V1ContactOut,
    body=Body(V1Contact, None, READ_ONLY, example=EXAMPLE),
    errors=REFUSED,
)
async def create_contact(request: ApiRequest) -> Response[bytes]:
    """An address belongs to one contact."""
    data = await request.read(V1Contact)
    async with request.transaction() as session:
        row = await service.create_record(session, request.principal, CONTACT, data)
    return json_answer(presentation.contact(row), status=201)


@v1_route(
    "GET",
    "/contacts/{contact_ref:str}",
    operation_id="v1GetContact",
    permission=Permission.READ,
    summary="Show a contact",
    answer=V1ContactOut,
    errors=UNKNOWN,
)
async def get_contact(request: ApiRequest, contact_ref: ContactRef) -> Response[bytes]:
    """One contact with its attributes."""
    async with request.transaction() as session:
        row = await service.get_record(session, request.principal, CONTACT, contact_public_id(contact_ref))
    return json_answer(presentation.contact(row))


@v1_route(
    "PATCH",
    "/contacts/{contact_ref:str}",
    operation_id="v1UpdateContact",
    permission=Permission.WRITE,
    summary="Update a contact",
    answer=V1ContactOut,
    body=Body(V1Contact, None, READ_ONLY, example={"firstName": "Ada"}),
    errors=REFUSED | {404: ("contact_not_found", "user_not_found")},
)
async def update_contact(request: ApiRequest, contact_ref: ContactRef) -> Response[bytes]:
    """Fields left out stay as they are; `attributes` are replaced as a whole. Runs under way keep what they began
    with."""
    data = await request.read(V1Contact)
    async with request.transaction() as session:
        row = await service.update_record(session, request.principal, CONTACT, contact_public_id(contact_ref), data)
    return json_answer(presentation.contact(row))


@v1_route(
    "DELETE",
    "/contacts/{contact_ref:str}",
    operation_id="v1DeleteContact",
    permission=Permission.WRITE,
    summary="Delete a contact",
    status=204,
    answer_text="Deleted; its runs under way are cancelled.",
    errors=UNKNOWN,
)
async def delete_contact(request: ApiRequest, contact_ref: ContactRef) -> Response[None]:
    """Nothing further is sent to it, and its address may be used again."""
    async with request.transaction() as session:
        await contact_runs.delete_person(session, request.principal, CONTACT, contact_public_id(contact_ref))
    return no_content()


ROUTES: Sequence[HTTPRouteHandler] = (list_contacts, create_contact, get_contact, update_contact, delete_contact)
