"""`/crm/change_events` and `/crm/changesets`: what happened to records, and undoing it."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from drippulse.crm.changes import history, reverting
from drippulse.crm.changes.queries import EVENT_SORTS
from drippulse.crm.changes.schemas import ChangeEventList, ChangesetDetailOut, ChangesetList, Revert, RevertOut
from drippulse.crm.changes.tables import ChangeAction, Source
from drippulse.crm.tables import PUBLIC_PREFIX, RecordType
from drippulse.kit.filters import Field, Kind, Operator, choice, integer, text, timestamp
from drippulse.kit.pagination import ListRequest
from drippulse.kit.public_ids import decode_id
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer, list_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, Listing, list_route, route

TAG = "CRM history"
UNKNOWN = {404: ("changeset_not_found",)}
ChangesetId = Annotated[int, PathParameter(description="Id of a changeset.")]


def _record(given: str) -> UUID:
    """A UUID or a public id, which is the UUID in other letters. Raises ValueError."""
    try:
        return UUID(given)
    except ValueError:
        pass
    for prefix in PUBLIC_PREFIX.values():
        number = decode_id(prefix, given)
        if number is not None and number < 1 << 128:
            return UUID(int=number)
    raise ValueError("must be the UUID or the public id of a record.")


EVENTS = Listing(
    EVENT_SORTS,
    {
        "record_type": choice(RecordType, "Only changes of records of this type."),
        "record_id": Field(Kind.UUID, "Only changes of this record: UUID or public id.", read=_record),
        "action": choice(ChangeAction, "Only changes of this kind."),
        "actor_type": text("user, api_key, lead_form, workflow, agent, import or system."),
        "actor_id": integer("Id of who did it."),
        "changeset_id": integer("Only changes of this changeset."),
        "created_at": timestamp("When it happened."),
        "since": Field(
            Kind.TIMESTAMP, "Only what happened at this time or later.", operators=(Operator.EQ,), single=True
        ),
    },
    full_limit=500,
)
CHANGESETS = Listing(
    EVENT_SORTS,
    {
        "source": choice(Source, "Only changesets that come from this."),
        "actor_type": text("Who did it."),
        "actor_id": integer("Id of who did it."),
        "created_at": timestamp("When it happened."),
    },
    full_limit=500,
)


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
