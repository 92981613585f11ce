"""`/crm/accounts`, `/crm/contacts`, `/crm/leads`, `/crm/opportunities`, `/crm/activities`: the same routes for each."""

from collections.abc import Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.crm import service
from drippulse.crm.presentation import present
from drippulse.crm.tables import RecordType
from drippulse.enrollments import contact_runs
from drippulse.organizations.policy import Permission
from drippulse_rest.crm.kinds import EXAMPLES, NAMES, Names, RecordRef
from drippulse_rest.kit.answers import json_answer, no_content
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, route

TAKEN = {409: ("record_exists",)}


def referred(names: Names) -> dict[int, tuple[str, ...]]:
    """Codes for what a body may refer to."""
    targets = {f"{target.value}_not_found" for target in names.spec.references.values()}
    places = {"pipeline_not_found", "pipeline_stage_not_found"} if names.kind is RecordType.OPPORTUNITY else set[str]()
    return {404: tuple(sorted(targets | places | {"user_not_found", f"{names.word}_not_found"}))}


def _refused(names: Names) -> dict[int, tuple[str, ...]]:
    address = {400: ("invalid_email",)} if names.spec.unique_by_email else {}
    stage = ("stage_of_another_pipeline",) if names.kind is RecordType.OPPORTUNITY else ()
    return address | TAKEN | {422: ("validation_failed", *stage)}


def _create(names: Names) -> HTTPRouteHandler:
    async def create(request: ApiRequest) -> Response[bytes]:
        data = await request.read(names.spec.fields)
        async with request.transaction() as session:
            row = await service.create_record(session, request.principal, names.kind, data)
        return json_answer(present(names.kind, row), status=201)

    create.__doc__ = f"""Creates {names.article} {names.word}. Ids of other records are UUIDs or public ids."""
    return route(
        "POST",
        names.path,
        operation_id=f"createCrm{names.singular}",
        permission=Permission.WRITE,
        tag=names.tag,
        summary=f"Create {names.article} {names.word}",
        status=201,
        answer=names.spec.answer,
        body=Body(names.spec.fields, names.word, names.spec.read_only, example=EXAMPLES[names.kind]),
        errors=referred(names) | _refused(names),
    )(create)


def _get(names: Names) -> HTTPRouteHandler:
    async def get(request: ApiRequest, record_ref: RecordRef) -> Response[bytes]:
        async with request.transaction() as session:
            row = await service.get_record(session, request.principal, names.kind, record_ref)
        return json_answer(present(names.kind, row))

    get.__doc__ = f"""One {names.word}, by its UUID or public id. A deleted one is not found."""
    return route(
        "GET",
        names.path_of_one,
        operation_id=f"getCrm{names.singular}",
        permission=Permission.READ,
        tag=names.tag,
        summary=f"Show {names.article} {names.word}",
        answer=names.spec.answer,
        errors=names.unknown,
    )(get)


def _update(names: Names) -> HTTPRouteHandler:
    async def update(request: ApiRequest, record_ref: RecordRef) -> Response[bytes]:
        data = await request.read(names.spec.changes)
        async with request.transaction() as session:
            row = await service.update_record(session, request.principal, names.kind, record_ref, data)
        return json_answer(present(names.kind, row))

    update.__doc__ = """Fields left out stay as they are. `attributes` are replaced as a whole; `custom_fields` are
    merged by key, and null removes one."""
    return route(
        "PATCH",
        names.path_of_one,
        operation_id=f"updateCrm{names.singular}",
        permission=Permission.WRITE,
        tag=names.tag,
        summary=f"Update {names.article} {names.word}",
        answer=names.spec.answer,
        body=Body(names.spec.changes, names.word, names.spec.read_only, example=EXAMPLES[names.kind]),
        errors=referred(names) | _refused(names),
    )(update)


def _delete(names: Names) -> HTTPRouteHandler:
    async def delete(request: ApiRequest, record_ref: RecordRef) -> Response[None]:
        async with request.transaction() as session:
            await contact_runs.delete_record(session, request.principal, names.kind, record_ref)
        return no_content()

    ends = " What is under way for it in workflows ends." if names.kind in contact_runs.PEOPLE else ""
    delete.__doc__ = f"""Hides the {names.word}; its row stays for export and audit, and its unique values are free
    again.{ends}"""
    return route(
        "DELETE",
        names.path_of_one,
        operation_id=f"deleteCrm{names.singular}",
        permission=Permission.WRITE,
        tag=names.tag,
        summary=f"Delete {names.article} {names.word}",
        status=204,
        answer_text="Deleted.",
        errors=names.unknown,
    )(delete)


def _restore(names: Names) -> HTTPRouteHandler:
    async def restore(request: ApiRequest, record_ref: RecordRef) -> Response[bytes]:
        async with request.transaction() as session:
            row = await service.restore_record(session, request.principal, names.kind, record_ref)
        return json_answer(present(names.kind, row))

    restore.__doc__ = f"""Brings a deleted {names.word} back as it was. 409 when another one has its unique values by
    now."""
    return route(
        "POST",
        f"{names.path_of_one}/restore",
        operation_id=f"restoreCrm{names.singular}",
        permission=Permission.WRITE,
        tag=names.tag,
        summary=f"Restore a deleted {names.word}",
        answer=names.spec.answer,
        errors=names.unknown | {409: ("record_exists", "record_merged")},
    )(restore)


ROUTES: Sequence[HTTPRouteHandler] = tuple(
    make(names) for names in NAMES.values() for make in (_create, _get, _update, _delete, _restore)
)
