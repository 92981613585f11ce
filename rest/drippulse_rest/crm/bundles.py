"""`/crm/export` and `/crm/import`."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Stream

from drippulse.crm.bundles.errors import OneRecordTypeError
from drippulse.crm.bundles.exporting import ExportOptions, bundle, csv_file
from drippulse.crm.bundles.loading import load_bundle
from drippulse.crm.bundles.pumping import pumped
from drippulse.crm.bundles.rows import KINDS
from drippulse.crm.bundles.schemas import PARTS, BundleIn, BundleOut, ImportReport
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.errors import ValidationError
from drippulse.kit.filters import Kind, read_value
from drippulse.kit.text import did_you_mean
from drippulse.organizations.audit import service as audit
from drippulse.organizations.audit.actions import AuditAction
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import BULK_BODY_LIMIT, Body, route

TAG = "Portability"
CSV = "text/csv"
BY_PLURAL = {spec.plural: kind for kind, spec in SPECS.items()}


class ExportFormat(StrEnum):
    JSON = "json"
    CSV = "csv"


Types: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        description=f"Only these, with commas: {', '.join(PARTS)}.",
        schema_extra={"pattern": f"^({'|'.join(PARTS)})(,({'|'.join(PARTS)}))*$"},
    ),
]
Since: TypeAlias = Annotated[
    str | None,
    QueryParameter(description="Only records changed then or later.", schema_extra={"format": "date-time"}),
]
Deleted: TypeAlias = Annotated[bool, QueryParameter(description="Deleted records too, with deleted_at.")]
Format: TypeAlias = Annotated[ExportFormat, QueryParameter(description="json; csv takes one record type.")]
Safe: TypeAlias = Annotated[
    bool,
    QueryParameter(
        description="Of csv: an apostrophe before texts that a spreadsheet would calculate. false: exactly as they are."
    ),
]


@route(
    "GET",
    "/crm/export",
    operation_id="exportCrm",
    permission=Permission.READ,
    tag=TAG,
    summary="Export the CRM",
    answer=BundleOut,
    texts=(CSV,),
    errors={409: ("export_in_progress",), 422: ("validation_failed",)},
)
async def export_crm(
    request: ApiRequest,
    record_types: Types = None,
    since: Since = None,
    include_deleted: Deleted = False,
    format: Format = ExportFormat.JSON,  # noqa: A002 - the parameter's name
    formula_safe: Safe = True,
) -> Stream:
    """A JSON bundle that `POST /crm/import` takes, or the CSV of one record type: all of it as of one moment, sent as
    it is read. A reader who takes nothing for a minute loses the connection. Answers that end early are no JSON."""
    kinds = _kinds(record_types)
    changed = None if since is None else _moment(since)
    options = ExportOptions(kinds, changed, include_deleted, formula_safe)
    if format is ExportFormat.CSV and len(kinds) != 1:
        raise OneRecordTypeError
    services, organization_id = request.services, request.principal.organization_id

    def source() -> AsyncGenerator[bytes]:
        if format is ExportFormat.CSV:
            return csv_file(services.database, organization_id, kinds[0], options)
        return bundle(services.database, organization_id, options, services.clock())

    pieces = pumped(source)
    first = await anext(pieces)  # what goes wrong at the start is an error like any other
    async with request.transaction() as session:
        names = [SPECS[kind].plural for kind in kinds]
        details = {"record_types": names, "format": format.value, "include_deleted": include_deleted}
        await audit.record(session, request.principal, AuditAction.EXPORT_STARTED, ("crm", "export"), details)
    name = f"crm-{services.clock():%Y-%m-%d}.json"
    if format is ExportFormat.CSV:
        name = f"{SPECS[kinds[0]].plural}-{services.clock():%Y-%m-%d}.csv"
    return Stream(
        _chained(first, pieces),
        headers={
            "content-type": f"{CSV}; charset=utf-8" if format is ExportFormat.CSV else "application/json",
            "content-disposition": f'attachment; filename="{name}"',
            "cache-control": "no-store",
        },
    )


async def _chained(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    try:
        yield first
        async for piece in rest:
            yield piece
    finally:
        await rest.aclose()


def _kinds(text: str | None) -> tuple[RecordType, ...]:
    if text is None:
        return KINDS
    wanted = {name.strip() for name in text.split(",")}
    for name in sorted(wanted - BY_PLURAL.keys()):
        meant = did_you_mean(name[:100], PARTS)
        sentence = f'"{name[:100]}" is not a record type.{meant} They are {", ".join(PARTS)}.'
        raise ValidationError(sentence, errors={"record_types": [sentence]})
    return tuple(kind for kind in KINDS if SPECS[kind].plural in wanted)


def _moment(text: str) -> datetime:
    try:
        return read_value(Kind.TIMESTAMP, text)
    except ValueError as error:
        sentence = f"since {error}"
        raise ValidationError(sentence, errors={"since": [sentence]}) from None


class _TakeBackError(Exception):
    """Ends the transaction of a dry run."""


@route(
    "POST",
    "/crm/import",
    operation_id="importCrm",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Import a bundle",
    answer=ImportReport,
    body=Body(
        BundleIn, "bundle", example={"accounts": [{"name": "Acme"}], "contacts": [{"email": "ada@acme.example"}]}
    ),
    body_limit=BULK_BODY_LIMIT,
    errors={409: ("import_in_progress",)},
)
async def import_crm(request: ApiRequest) -> Response[bytes]:
    """What `GET /crm/export` gives, or part of it. A row is the record with its public id, else with its external id,
    else (contacts, leads) with its e-mail address; else a new one. Fields left out stay as they are. A row that cannot
    be taken is reported, and the others go in; all of it is one changeset. More than 32 MB: send it type by type, in
    the order accounts, contacts, opportunities, leads, activities."""
    data = await request.read(BundleIn)
    services, report = request.services, dict[str, Any]()
    with suppress(_TakeBackError):
        async with request.transaction() as session:
            report = await load_bundle(session, request.principal, data, services.clock())
            if data.dry_run:
                raise _TakeBackError
            details = {"counts": report["counts"], "changeset_id": report["changeset_id"]}
            await audit.record(session, request.principal, AuditAction.IMPORT_STARTED, ("crm", "bundle"), details)
    return json_answer({**report, "changeset_id": None} if data.dry_run else report)


ROUTES: Sequence[HTTPRouteHandler] = (export_crm, import_crm)
