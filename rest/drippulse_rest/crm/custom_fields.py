"""`/crm/custom_fields`: the fields that an organization defines for its records."""

from collections.abc import Collection, Sequence
from typing import Annotated

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from drippulse.crm.custom_fields import service
from drippulse.crm.custom_fields.filtering import found
from drippulse.crm.custom_fields.listing import LISTING
from drippulse.crm.custom_fields.schemas import (
    FIXED,
    READ_ONLY,
    CustomFieldCreate,
    CustomFieldList,
    CustomFieldOut,
    CustomFieldUpdate,
)
from drippulse.crm.tables import RecordType
from drippulse.kit.pagination import Found, ListRequest
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer, list_answer, no_content
from drippulse_rest.kit.listing import Dynamic
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, list_route, route

TAG = "Custom fields"
WRAPPER = "custom_field"
EXAMPLE = {"record_type": "contact", "key": "renewal_month", "label": "Renewal month", "type": "integer"}
UNKNOWN = {404: ("custom_field_not_found",)}
FieldId = Annotated[int, PathParameter(description="Id of a custom field.")]


def filters_of(kind: RecordType) -> Dynamic:
    """`custom.<key>` as filters and sorts of a list of records."""

    async def resolve(request: ApiRequest, names: Collection[str]) -> Found:
        async with request.transaction() as session:
            definitions = await service.definitions_of(session, kind, request.principal.organization_id)
        return found(definitions, names)

    return Dynamic("custom.", resolve, "Custom fields: custom.<key>, compared by the field's type.")


@list_route(
    "/crm/custom_fields",
    operation_id="listCrmCustomFields",
    tag=TAG,
    summary="List custom fields",
    answer=CustomFieldList,
    listing=LISTING,
)
async def list_custom_fields(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """All definitions, newest first."""
    async with request.transaction() as session:
        answer = await service.list_custom_fields(session, request.principal, wanted)
    return list_answer(request, wanted, answer)


@route(
    "POST",
    "/crm/custom_fields",
    operation_id="createCrmCustomField",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Define a custom field",
    status=201,
    answer=CustomFieldOut,
    body=Body(CustomFieldCreate, WRAPPER, READ_ONLY, example=EXAMPLE),
    errors={409: ("custom_field_exists", "too_many_custom_fields"), 422: ("validation_failed",)},
)
async def create_custom_field(request: ApiRequest) -> Response[bytes]:
    """From now on records of the type take a value under this key in `custom_fields`, and no other than of this type.
    Lists filter by `custom.<key>`."""
    data = await request.read(CustomFieldCreate)
    async with request.transaction() as session:
        made = await service.create_custom_field(session, request.principal, data)
    return json_answer(made, status=201)


@route(
    "GET",
    "/crm/custom_fields/{field_id:int}",
    operation_id="getCrmCustomField",
    permission=Permission.READ,
    tag=TAG,
    summary="Show a custom field",
    answer=CustomFieldOut,
    errors=UNKNOWN,
)
async def get_custom_field(request: ApiRequest, field_id: FieldId) -> Response[bytes]:
    """One definition."""
    async with request.transaction() as session:
        shown = await service.get_custom_field(session, request.principal, field_id)
    return json_answer(shown)


@route(
    "PATCH",
    "/crm/custom_fields/{field_id:int}",
    operation_id="updateCrmCustomField",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Change a custom field",
    answer=CustomFieldOut,
    body=Body(CustomFieldUpdate, WRAPPER, READ_ONLY | FIXED, example={"label": "Renews in"}),
    errors=UNKNOWN | {422: ("validation_failed",)},
)
async def update_custom_field(request: ApiRequest, field_id: FieldId) -> Response[bytes]:
    """Fields left out stay as they are. Key, type and record type never change; values that records have stay."""
    data = await request.read(CustomFieldUpdate)
    async with request.transaction() as session:
        changed = await service.update_custom_field(session, request.principal, field_id, data)
    return json_answer(changed)


@route(
    "DELETE",
    "/crm/custom_fields/{field_id:int}",
    operation_id="deleteCrmCustomField",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Delete a custom field",
    status=204,
    answer_text="Deleted.",
    errors=UNKNOWN,
)
async def delete_custom_field(request: ApiRequest, field_id: FieldId) -> Response[None]:
    """The definition goes; values stay in the records, to be found again when the key is defined again."""
    async with request.transaction() as session:
        await service.delete_custom_field(session, request.principal, field_id)
    return no_content()


ROUTES: Sequence[HTTPRouteHandler] = (
    list_custom_fields,
    create_custom_field,
    get_custom_field,
    update_custom_field,
    delete_custom_field,
)
