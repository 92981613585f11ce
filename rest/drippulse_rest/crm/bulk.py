"""`/crm/<plural>/bulk_update`, `/crm/<plural>/bulk_delete`, `/crm/<plural>/assign`: many records with one call."""

from collections.abc import Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.crm.bulk import service
from drippulse.crm.bulk.schemas import Assign, BulkDeleted, BulkUpdated, Selection, bulk_update_of
from drippulse.crm.bulk.selecting import selected
from drippulse.enrollments.contact_runs import ending
from drippulse.organizations.policy import Permission
from drippulse_rest.crm.kinds import NAMES, Names
from drippulse_rest.crm.records import referred
from drippulse_rest.kit.answers import json_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, route

WHICH = """At most 10,000 `ids`, or a `filter` with the names and operators of the list that finds no more. One
changeset, which can be reverted. Records that cannot be changed are listed under `failed`, the others are changed."""
REFUSED = {422: ("validation_failed", "empty_filter", "too_many_records")}
FILTER = {"filter": {"tags": ["vip"], "created_at[gte]": "2026-01-01"}}


def _bulk_update(names: Names) -> HTTPRouteHandler:
    model = bulk_update_of(names.kind)

    async def bulk_update(request: ApiRequest) -> Response[bytes]:
        data = await request.read(model)
        async with request.transaction() as session:
            which = await selected(session, request.principal, names.kind, data)
            done = await service.update_records(session, request.principal, names.kind, which, data.changes)
        return json_answer(done)

    stage = ("stage_of_another_pipeline",) if "pipeline_id" in names.spec.columns else ()
    bulk_update.__doc__ = f"""Changes many {names.spec.plural}. {WHICH} `changes` are those of a single update; beside
    `tags` there are `add_tags` and `remove_tags`."""
    return route(
        "POST",
        f"{names.path}/bulk_update",
        operation_id=f"bulkUpdateCrm{names.plural}",
        permission=Permission.WRITE,
        tag=names.tag,
        summary=f"Update many {names.spec.plural}",
        answer=BulkUpdated,
        body=Body(model, example={**FILTER, "changes": {"add_tags": ["2026"]}}),
        errors=referred(names) | {422: (*REFUSED[422], *stage)},
    )(bulk_update)


def _bulk_delete(names: Names) -> HTTPRouteHandler:
    async def bulk_delete(request: ApiRequest) -> Response[bytes]:
        data = await request.read(Selection)
        async with request.transaction() as session:
            which = await selected(session, request.principal, names.kind, data)
            done = await service.delete_records(session, request.principal, names.kind, which, ending(names.kind))
        return json_answer(done)

    bulk_delete.__doc__ = f"""Deletes many {names.spec.plural}, each as a single delete does. {WHICH}"""
    return route(
        "POST",
        f"{names.path}/bulk_delete",
        operation_id=f"bulkDeleteCrm{names.plural}",
        permission=Permission.WRITE,
        tag=names.tag,
        summary=f"Delete many {names.spec.plural}",
        answer=BulkDeleted,
        body=Body(Selection, example=FILTER),
        errors=REFUSED,
    )(bulk_delete)


def _assign(names: Names) -> HTTPRouteHandler:
    async def assign(request: ApiRequest) -> Response[bytes]:
        data = await request.read(Assign)
        async with request.transaction() as session:
            which = await selected(session, request.principal, names.kind, data)
            done = await service.assign_records(session, request.principal, names.kind, which, data.owner_id)
        return json_answer(done)

    assign.__doc__ = f"""Gives many {names.spec.plural} to a member of the organization, or to nobody. {WHICH}"""
    return route(
        "POST",
        f"{names.path}/assign",
        operation_id=f"assignCrm{names.plural}",
        permission=Permission.WRITE,
        tag=names.tag,
        summary=f"Assign many {names.spec.plural}",
        answer=BulkUpdated,
        body=Body(Assign, example={**FILTER, "owner_id": 1}),
        errors={404: ("user_not_found",)} | REFUSED,
    )(assign)


ROUTES: Sequence[HTTPRouteHandler] = tuple(
    make(names) for names in NAMES.values() for make in (_bulk_update, _bulk_delete, _assign)
)
