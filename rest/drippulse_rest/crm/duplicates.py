"""`/crm/duplicates`: records that may be the same."""

from collections.abc import Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.crm.duplicates import service
from drippulse.crm.duplicates.listing import LISTING
from drippulse.crm.duplicates.schemas import Dismissal, DismissalOut, DuplicateGroupList, DuplicatesOfRecord
from drippulse.crm.duplicates.state import REASONS
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Permission
from drippulse_rest.crm.kinds import NAMES, Names, RecordRef
from drippulse_rest.kit.answers import json_answer, list_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, list_route, route

TAG = "CRM duplicates"


@list_route(
    "/crm/duplicates",
    operation_id="listCrmDuplicates",
    tag=TAG,
    summary="List groups of records that may be the same",
    answer=DuplicateGroupList,
    listing=LISTING,
)
async def list_duplicates(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """Groups of accounts, contacts or leads, the surest reason first; 50 without paging parameters. A group is listed
    once, with every reason that holds for all of its records. A call looks at a bounded number of records: go on while
    there is a `next_cursor`. Merge a group with `POST /crm/contacts/{id}/merge`, or put it away with
    `POST /crm/duplicates/dismiss`."""
    async with request.transaction() as session:
        answer = await service.groups(session, request.principal, wanted)
    return list_answer(request, wanted, answer)


@route(
    "POST",
    "/crm/duplicates/dismiss",
    operation_id="dismissCrmDuplicates",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Put a suggestion away",
    answer=DismissalOut,
    body=Body(Dismissal, example={"record_type": "contact", "record_ids": ["cnt_0", "cnt_1"]}),
    errors={
        404: tuple(f"{kind.value}_not_found" for kind in REASONS),
        422: ("validation_failed",),
    },
)
async def dismiss_duplicates(request: ApiRequest) -> Response[bytes]:
    """These records are different: none is suggested together with another of them any more, for whatever reason. With
    `"dismissed": false` they may be suggested again."""
    wanted = await request.read(Dismissal)
    async with request.transaction() as session:
        done = await service.dismiss(session, request.principal, wanted)
    return json_answer(done)


def _of_one(names: Names) -> HTTPRouteHandler:
    async def list_duplicates_of(request: ApiRequest, record_ref: RecordRef) -> Response[bytes]:
        async with request.transaction() as session:
            answer = await service.of_record(session, request.principal, names.kind, record_ref)
        return json_answer(answer)

    list_duplicates_of.__doc__ = f"""{names.plural} that may be the same as this one, the surest first; at most 50."""
    return route(
        "GET",
        f"{names.path_of_one}/duplicates",
        operation_id=f"listCrm{names.singular}Duplicates",
        permission=Permission.READ,
        tag=names.tag,
        summary=f"List what may be the same as {names.article} {names.word}",
        answer=DuplicatesOfRecord,
        errors=names.unknown,
    )(list_duplicates_of)


ROUTES: Sequence[HTTPRouteHandler] = (
    list_duplicates,
    dismiss_duplicates,
    *(_of_one(NAMES[kind]) for kind in REASONS),
)
