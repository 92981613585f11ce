"""`/crm/<plural>/import_csv` and `/crm/imports`: files of rows into collections."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Annotated, Any, TypeAlias

import orjson
from litestar import Response
from litestar.datastructures import MultiDict
from litestar.handlers import HTTPRouteHandler
from litestar.params import HeaderParameter, PathParameter
from litestar.response import Stream

from drippulse.crm.changes.schemas import Revert, RevertOut
from drippulse.crm.importing import service
from drippulse.crm.importing.listing import LISTING
from drippulse.crm.importing.presentation import present
from drippulse.crm.importing.preview import FileHead, HeadReader, preview
from drippulse.crm.importing.schemas import (
    MOST_PREVIEWED,
    PREVIEW_ROWS,
    ImportList,
    ImportOut,
    ImportPreview,
    read_options,
)
from drippulse.crm.importing.tables import OPEN, ImportStatus
from drippulse.crm.importing.undoing import shown_import, undo_import
from drippulse.crm.importing.uploads import Upload
from drippulse.crm.tables import RecordType
from drippulse.kit.errors import DomainError, UnauthenticatedError, ValidationError
from drippulse.kit.pagination import ListRequest
from drippulse.kit.text import did_you_mean
from drippulse.organizations.audit import service as audit
from drippulse.organizations.audit.actions import AuditAction
from drippulse.organizations.policy import Permission
from drippulse_rest.crm.kinds import NAMES, Names
from drippulse_rest.crm.upload_form import receive
from drippulse_rest.crm.upload_operations import CSV, PLURALS, RECORD_TYPE, ROWS, PreviewOperation, UploadOperation
from drippulse_rest.kit.answers import json_answer, list_answer
from drippulse_rest.kit.authorization import bearer_token
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, Keyed, list_route, route

TAG = "Imports"
EVENTS = "text/event-stream"
UNLIMITED = 1 << 50
"""The upload itself counts its bytes."""
WATCH_SECONDS = 0.5
LONGEST_WATCH_SECONDS = 900.0
QUIET_SECONDS = 15.0
REFUSED = {
    400: ("no_file", "bad_request"),
    404: ("user_not_found",),
    413: ("payload_too_large",),
    415: ("unsupported_media_type",),
    422: ("validation_failed", "unreadable_file"),
}
UNKNOWN = {404: ("import_not_found",)}

ImportId: TypeAlias = Annotated[int, PathParameter(description="Id of an import.")]
LastEventId: TypeAlias = Annotated[
    str | None, HeaderParameter(name="Last-Event-ID", description="The last event that was seen.")
]


def _import(names: Names) -> HTTPRouteHandler:
    async def import_file(request: ApiRequest) -> Response[bytes]:
        services, principal = request.services, request.principal
        given = _query(request)
        if read_options(names.kind, given).dry_run:
            return json_answer(await _preview(request, names.kind, given))
        upload = Upload(services.database, principal, names.kind, services.settings.import_max_bytes)
        try:
            options = read_options(names.kind, {**given, **await receive(request, upload)})
            if options.dry_run:
                head = FileHead(upload.file_name, upload.head, upload.size, upload.utf8)
                await upload.abandon()
                return json_answer(await preview(services.database, principal, names.kind, head, options))
            row = await upload.finish(options)
        except BaseException:
            await asyncio.shield(upload.abandon())
            raise
        async with request.transaction() as session:
            details = {"record_type": names.kind.value, "file_name": row["file_name"], "bytes": row["bytes"]}
            await audit.record(session, principal, AuditAction.IMPORT_STARTED, ("import", row["id"]), details)
            session.after_commit(services.waker.wake)
        return json_answer(present(row), status=202)

    import_file.__doc__ = f"""Takes a CSV or XLSX file of {names.spec.plural}, in the form field `file` or as the body,
    and imports it in the background. Options are fields of the form, query parameters or one JSON object `options`.
    With `dry_run` the answer is a preview (200) and nothing is stored."""
    handler = route(
        "POST",
        f"{names.path}/import_csv",
        operation_id=f"import{names.plural}",
        permission=Permission.WRITE,
        tag=TAG,
        summary=f"Import {names.spec.plural} from a file",
        status=202,
        answer=ImportOut,
        answer_text="The import, which waits for a worker.",
        other_statuses={200: ImportPreview},
        errors=REFUSED,
        body_limit=UNLIMITED,
        keyed=Keyed.STREAMED,
    )(import_file)
    handler.operation_class = UploadOperation
    return handler


@route(
    "POST",
    "/crm/imports/preview",
    operation_id="previewImport",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Preview an import",
    answer=ImportPreview,
    errors=REFUSED,
    body_limit=UNLIMITED,
    keyed=Keyed.STREAMED,
)
async def preview_import(request: ApiRequest) -> Response[bytes]:
    """How a file would be read, and what would become of its first rows; nothing is stored. `record_type` says which
    records they are, `rows` how many are shown (20, at most 100). Of a CSV file the first megabyte is enough."""
    return json_answer(await _preview(request, None, _query(request)))


preview_import.operation_class = PreviewOperation


@list_route(
    "/crm/imports",
    operation_id="listImports",
    tag=TAG,
    summary="List imports",
    answer=ImportList,
    listing=LISTING,
)
async def list_imports(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """Newest first; the 500 newest without paging parameters."""
    async with request.transaction() as session:
        answer = await service.list_imports(session, request.principal, wanted)
    return list_answer(request, wanted, answer)


@route(
    "GET",
    "/crm/imports/{import_id:int}",
    operation_id="getImport",
    permission=Permission.READ,
    tag=TAG,
    summary="Show an import",
    answer=ImportOut,
    errors=UNKNOWN,
)
async def get_import(request: ApiRequest, import_id: ImportId) -> Response[bytes]:
    """Its status, its progress and what became of its rows so far."""
    async with request.transaction() as session:
        shown = await shown_import(session, request.principal, import_id)
    return json_answer(shown)


@route(
    "GET",
    "/crm/imports/{import_id:int}/events",
    operation_id="watchImport",
    permission=Permission.READ,
    tag=TAG,
    summary="Watch an import",
    answer=ImportOut,
    answer_text="Server-sent events; the data of each is the import.",
    errors=UNKNOWN,
    texts=(EVENTS,),
)
async def watch_import(request: ApiRequest, import_id: ImportId, last_event_id: LastEventId = None) -> Stream:
    """Server-sent events: `progress` whenever something changed, at last one with the name of the final status. After a
    break a client goes on where it was by itself (Last-Event-ID)."""
    async with request.transaction() as session:
        await service.get_import(session, request.principal, import_id)
    return Stream(
        _watch(request, import_id, last_event_id or ""),
        headers={"content-type": EVENTS, "cache-control": "no-store", "x-accel-buffering": "no"},
    )


@route(
    "GET",
    "/crm/imports/{import_id:int}/errors.csv",
    operation_id="getImportErrors",
    permission=Permission.READ,
    tag=TAG,
    summary="Download what was wrong",
    answer_text="CSV: row, column, value, message, and the row as it stands in the file.",
    texts=(CSV,),
    errors=UNKNOWN,
)
async def get_errors(request: ApiRequest, import_id: ImportId) -> Stream:
    """Which rows were not imported and why. The header is row 1. Cells that a spreadsheet would calculate begin with an
    apostrophe. At most 100,000 problems are kept."""
    async with request.transaction() as session:
        row = await service.get_import(session, request.principal, import_id)
    return Stream(
        service.error_file(request.services.database, request.principal, row),
        headers={
            "content-type": f"{CSV}; charset=utf-8",
            "content-disposition": f'attachment; filename="import-{import_id}-errors.csv"',
        },
    )


@route(
    "POST",
    "/crm/imports/{import_id:int}/cancel",
    operation_id="cancelImport",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Cancel an import",
    answer=ImportOut,
    errors=UNKNOWN | {409: ("import_over",)},
)
async def cancel_import(request: ApiRequest, import_id: ImportId) -> Response[bytes]:
    """It stops at once. What is imported already stays, and can be undone."""
    async with request.transaction() as session:
        row = await service.cancel_import(session, request.principal, import_id)
    return json_answer(present(row))


@route(
    "POST",
    "/crm/imports/{import_id:int}/undo",
    operation_id="undoImport",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Undo an import",
    answer=RevertOut,
    body=Body(Revert, required=False, example={"dry_run": True}),
    errors=UNKNOWN
    | {
        409: ("import_not_undoable", "changeset_already_reverted", "changeset_conflicts"),
        422: ("validation_failed",),
    },
)
async def undo_one(request: ApiRequest, import_id: ImportId) -> Response[bytes]:
    """Deletes what the import created and sets back what it changed, by reverting its changeset. What somebody changed
    since is left alone and reported. More than 1,000 changes are undone in the background."""
    wanted = await request.read(Revert)
    async with request.transaction() as session:
        done = await undo_import(
            session, request.principal, import_id, on_conflict=wanted.on_conflict, dry_run=wanted.dry_run
        )
    return json_answer(done)


def _query(request: ApiRequest) -> dict[str, str]:
    parameters: MultiDict[str] = request.query_params
    given: dict[str, str] = {}
    for name, value in parameters.multi_items():
        if name in given:
            sentence = f"{name[:100]} is given twice; send it once."
            raise ValidationError(sentence, errors={name[:100]: [sentence]})
        given[name] = value
    return given


async def _preview(request: ApiRequest, kind: RecordType | None, given: Mapping[str, str]) -> dict[str, Any]:
    reader = HeadReader()
    try:
        fields = {**given, **await receive(request, reader)}
        rows = _rows(fields.pop(ROWS, None))
        wanted = kind or _kind(fields.pop(RECORD_TYPE, ""))
        options = read_options(wanted, fields)
        return await preview(request.services.database, request.principal, wanted, reader.finish(), options, rows)
    finally:
        reader.close()


def _rows(given: str | None) -> int:
    if given is None:
        return PREVIEW_ROWS
    if not (given.isascii() and given.isdigit() and 0 < int(given[:9]) <= MOST_PREVIEWED):
        sentence = f"{ROWS} must be a whole number from 1 to {MOST_PREVIEWED}."
        raise ValidationError(sentence, errors={ROWS: [sentence]})
    return int(given)


def _kind(given: str) -> RecordType:
    if given in PLURALS:
        return PLURALS[given]
    known = [kind.value for kind in RecordType]
    if given not in known:
        sentence = (
            f'"{given[:100]}" is not a record type.{did_you_mean(given[:100], known)} It is one of {", ".join(known)}.'
        )
        raise ValidationError(sentence, errors={RECORD_TYPE: [sentence]})
    return RecordType(given)


async def _watch(request: ApiRequest, import_id: int, last_seen: str) -> AsyncGenerator[bytes]:
    """Asks the table: it works without Redis, and a change that is missed is seen the next time."""
    token = bearer_token(request.headers.get("authorization"))
    database, principal = request.services.database, request.principal
    clock = asyncio.get_running_loop().time
    ends, spoken = clock() + LONGEST_WATCH_SECONDS, clock()
    yield b"retry: 1000\n\n"
    while clock() < ends:
        try:
            await request.services.authenticator.principal(token)  # a key may be revoked meanwhile
            async with database.tenant(principal.organization_id) as session:
                row = await service.get_import(session, principal, import_id)
        except (UnauthenticatedError, DomainError):
            return
        status, revision = ImportStatus(row["status"]), str(row["revision"])
        over = status not in OPEN
        if revision != last_seen or over:
            name = status.value if over else "progress"
            yield f"id: {revision}\nevent: {name}\ndata: {orjson.dumps(present(row)).decode()}\n\n".encode()
            last_seen, spoken = revision, clock()
        elif clock() - spoken > QUIET_SECONDS:
            yield b": still here\n\n"
            spoken = clock()
        if over:
            return
        await asyncio.sleep(WATCH_SECONDS)


ROUTES: Sequence[HTTPRouteHandler] = (
    *(_import(names) for names in NAMES.values()),
    preview_import,
    list_imports,
    get_import,
    watch_import,
    get_errors,
    cancel_import,
    undo_one,
)
