"""`/crm/change_events` and `/crm/changesets`: what happened to records, and undoing it."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from drippulse.crm.changes import history, reverting
from drippulse.crm.changes.listing import CHANGESETS, EVENTS
from drippulse.crm.changes.schemas import ChangeEventList, ChangesetDetailOut, ChangesetList, Revert, RevertOut
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer, list_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, list_route, route

TAG = "CRM history"
UNKNOWN = {404: ("changeset_not_found",)}
ChangesetId = Annotated[int, PathParameter(description="Id of a changeset.")]


@list_route(
    "/crm/change_events",
    operation_id="listCrmChangeEvents",
    tag=TAG,
    summary="List changes of records",
    answer=ChangeEventList,
    listing=EVENTS,
)
async def list_change_events(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """The audit: every change of every record, newest first, with who did it and the fields before and after; at most
    500 without paging parameters."""
    async with request.transaction() as session:
        answer = await history.change_events(session, request.principal, wanted)
    return list_answer(request, wanted, answer)


@list_route(
    "/crm/changesets",
    operation_id="listCrmChangesets",
    tag=TAG,
    summary="List changesets",
    answer=ChangesetList,
    listing=CHANGESETS,
)
async def list_changesets(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """What changed together: one changeset per API call, import, workflow step or agent run; newest first."""
    async with request.transaction() as session:
        answer = await history.changesets(session, request.principal, wanted)
    return list_answer(request, wanted, answer)


@route(
    "GET",
    "/crm/changesets/{changeset_id:int}",
    operation_id="getCrmChangeset",
    permission=Permission.READ,
    tag=TAG,
    summary="Show a changeset",
    answer=ChangesetDetailOut,
    errors=UNKNOWN,
)
async def get_changeset(request: ApiRequest, changeset_id: ChangesetId) -> Response[bytes]:
    """Who made it, what it changed in numbers, and how far its undoing is."""
    async with request.transaction() as session:
        found = await history.changeset(session, request.principal, changeset_id)
    return json_answer(found)


@route(
    "POST",
    "/crm/changesets/{changeset_id:int}/revert",
    operation_id="revertCrmChangeset",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Undo a changeset",
    answer=RevertOut,
    body=Body(Revert, required=False, example={"dry_run": True}),
    errors=UNKNOWN | {409: ("changeset_already_reverted", "changeset_conflicts"), 422: ("validation_failed",)},
)
async def revert_changeset(request: ApiRequest, changeset_id: ChangesetId) -> Response[bytes]:
    """Deletes what it created, restores what it deleted, sets fields back to what they were. A field that somebody
    changed since is left alone and reported. More than 1,000 changes are undone in the background: look at the
    changeset's `revert`. The undoing is a changeset too and can be undone."""
    wanted = await request.read(Revert)
    async with request.transaction() as session:
        done = await reverting.revert(
            session, request.principal, changeset_id, on_conflict=wanted.on_conflict, dry_run=wanted.dry_run
        )
    return json_answer(done)


ROUTES: Sequence[HTTPRouteHandler] = (list_change_events, list_changesets, get_changeset, revert_changeset)
