"""`/data_sources`: tables elsewhere that are read into the CRM."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import PathParameter

from drippulse.data_sources import service
from drippulse.data_sources.listing import LISTING
from drippulse.data_sources.preview import preview_source
from drippulse.data_sources.schemas import (
    READ_ONLY,
    DataSourceFields,
    DataSourceList,
    DataSourceOut,
    DataSourceUpdate,
    PreviewInput,
    SourcePreview,
)
from drippulse.data_sources.service import DataSources
from drippulse.data_sources.uploads import SourceUpload
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Permission
from drippulse_rest.crm.upload_form import receive
from drippulse_rest.data_sources.runs import ROUTES as RUNS
from drippulse_rest.kit.answers import json_answer, list_answer, no_content
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, Keyed, list_route, route

TAG = "Data sources"
WRAPPER = "data_source"
EXAMPLE = {
    "name": "Partner contacts",
    "type": "http_json",
    "record_type": "contact",
    "config": {
        "url": "https://api.example.com/v1/people",
        "auth": {"type": "bearer"},
        "items_path": "data",
        "paging": {"type": "cursor", "parameter": "after", "path": "meta.next"},
    },
    "secrets": {"token": "..."},
    "mapping": {"mail": "email", "name.first": "first_name", "name.last": "last_name"},
    "schedule": {"every_minutes": 60},
}
UNLIMITED = 1 << 50
"""The upload itself counts its bytes."""
SourceId = Annotated[int, PathParameter(description="Id of a data source.")]
UNKNOWN = {404: ("data_source_not_found",)}
REFUSED = {404: ("user_not_found", "integration_connection_not_found"), 422: ("validation_failed",)}


class UploadOperation(Operation):
    """The description of the route that takes a file."""

    def __post_init__(self) -> None:
        file = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY, description="CSV or XLSX, by its contents.")
        form = Schema(type=OpenAPIType.OBJECT, required=["file"], properties={"file": file})
        content = {"multipart/form-data": OpenAPIMediaType(schema=form), "text/csv": OpenAPIMediaType(schema=file)}
        self.request_body = RequestBody(required=True, content=content)


def _service(request: ApiRequest) -> DataSources:
    services = request.services
    return DataSources(services.vault, services.settings, services.clock)


@list_route(
    "/data_sources",
    operation_id="listDataSources",
    tag=TAG,
    summary="List data sources",
    answer=DataSourceList,
    listing=LISTING,
)
async def list_data_sources(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """All sources, newest first, each with its last run. Of their secrets only the names are answered."""
    async with request.transaction() as session:
        answer = await service.list_data_sources(session, request.principal, wanted)
    return list_answer(request, wanted, answer)


@route(
    "POST",
    "/data_sources",
    operation_id="createDataSource",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Create a data source",
    status=201,
    answer=DataSourceOut,
    body=Body(DataSourceFields, WRAPPER, READ_ONLY, example=EXAMPLE),
    errors=REFUSED,
)
async def create_data_source(request: ApiRequest) -> Response[bytes]:
    """Says where rows are and how they become records. Nothing is read before a preview, a run, or the first time of
    the schedule."""
    data = await request.read(DataSourceFields)
    async with request.transaction() as session:
        made = await _service(request).create(session, request.principal, data)
    return json_answer(made, status=201)


@route(
    "GET",
    "/data_sources/{source_id:int}",
    operation_id="getDataSource",
    permission=Permission.READ,
    tag=TAG,
    summary="Show a data source",
    answer=DataSourceOut,
    errors=UNKNOWN,
)
async def get_data_source(request: ApiRequest, source_id: SourceId) -> Response[bytes]:
    """One source with its cursor, its next run and its last one."""
    async with request.transaction() as session:
        shown = await service.get_data_source(session, request.principal, source_id)
    return json_answer(shown)


@route(
    "PATCH",
    "/data_sources/{source_id:int}",
    operation_id="updateDataSource",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Change a data source",
    answer=DataSourceOut,
    body=Body(DataSourceUpdate, WRAPPER, READ_ONLY, example={"status": "paused"}),
    errors={404: (*UNKNOWN[404], *REFUSED[404]), 422: ("validation_failed", "data_source_unreadable")},
)
async def update_data_source(request: ApiRequest, source_id: SourceId) -> Response[bytes]:
    """Fields left out stay as they are; `config`, `mapping` and `templates` are replaced as a whole. Secrets are merged
    into those that are stored; when `config.url` goes to another host they must be sent again. Another cursor column
    begins anew."""
    data = await request.read(DataSourceUpdate)
    async with request.transaction() as session:
        changed = await _service(request).update(session, request.principal, source_id, data)
    return json_answer(changed)


@route(
    "DELETE",
    "/data_sources/{source_id:int}",
    operation_id="deleteDataSource",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Delete a data source",
    status=204,
    answer_text="Deleted.",
    errors=UNKNOWN,
)
async def delete_data_source(request: ApiRequest, source_id: SourceId) -> Response[None]:
    """The source goes with its runs, its file and its secrets; the records stay. A run that is under way stops."""
    async with request.transaction() as session:
        await service.delete_data_source(session, request.principal, source_id)
    return no_content()


@route(
    "PUT",
    "/data_sources/{source_id:int}/file",
    operation_id="uploadDataSourceFile",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Upload the file of a data source",
    answer=DataSourceOut,
    errors={
        400: ("no_file", "bad_request"),
        404: UNKNOWN[404],
        413: ("payload_too_large",),
        415: ("unsupported_media_type",),
        422: ("validation_failed", "unreadable_file"),
    },
    body_limit=UNLIMITED,
    keyed=Keyed.STREAMED,
)
async def upload_file(request: ApiRequest, source_id: SourceId) -> Response[bytes]:
    """Takes a CSV or XLSX file for a csv_upload source, in the form field `file` or as the body, in the place of the
    one before. Start a run to read it."""
    services = request.services
    most = services.settings.import_max_bytes
    upload = await SourceUpload.begin(services.database, request.principal, source_id, most)
    try:
        await receive(request, upload)
        return json_answer(await upload.finish())
    except BaseException:
        await asyncio.shield(upload.abandon())
        raise


upload_file.operation_class = UploadOperation


@route(
    "POST",
    "/data_sources/{source_id:int}/preview",
    operation_id="previewDataSource",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Preview a data source",
    answer=SourcePreview,
    body=Body(PreviewInput, required=False, example={"rows": 20}),
    errors={404: UNKNOWN[404], 409: ("data_source_has_no_file",), 422: ("validation_failed", "data_source_unreadable")},
    keyed=Keyed.APART,
)
async def preview_data_source(request: ApiRequest, source_id: SourceId) -> Response[bytes]:
    """Reads the first rows (20, at most 100) and shows what would become of them, with what is wrong; nothing is
    stored. It takes 30 seconds at most."""
    wanted = await request.read(PreviewInput)
    services = request.services
    shown = await preview_source(
        services.settings, services.database, services.vault, request.principal, source_id, wanted.rows
    )
    return json_answer(shown)


ROUTES: Sequence[HTTPRouteHandler] = (
    list_data_sources,
    create_data_source,
    get_data_source,
    update_data_source,
    delete_data_source,
    upload_file,
    preview_data_source,
    *RUNS,
)
