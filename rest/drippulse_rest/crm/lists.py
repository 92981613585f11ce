"""`GET /crm/<plural>`: lists of records, with the same paging, order and filters for each type."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.crm import lists
from drippulse.crm.listing import fields_of, sorts_of
from drippulse.crm.tables import RecordType
from drippulse.kit.pagination import ListRequest
from drippulse_rest.crm.custom_fields import filters_of
from drippulse_rest.crm.kinds import NAMES, Names
from drippulse_rest.kit.answers import list_answer
from drippulse_rest.kit.listing import DynamicListing
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import list_route

LIST_LIMIT = 500
PERSON = "Words of the name, e-mail address, company, title, phone number or an id; the last may be unfinished."
SEARCHED = {
    RecordType.ACCOUNT: "Words of the name, domain, industry, city or an id; the last may be unfinished.",
    RecordType.CONTACT: PERSON,
    RecordType.LEAD: PERSON,
    RecordType.OPPORTUNITY: "Words of the name, source or an id; the last may be unfinished.",
    RecordType.ACTIVITY: "Words of the subject, outcome, body or an id; the last may be unfinished.",
}


LISTINGS: Mapping[RecordType, DynamicListing] = {
    kind: DynamicListing(
        sorts_of(kind),
        fields_of(kind),
        search=SEARCHED[kind],
        full_limit=LIST_LIMIT,
        key=UUID,
        dynamic=filters_of(kind),
    )
    for kind in NAMES
}


def _list(names: Names) -> HTTPRouteHandler:
    async def list_records(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
        async with request.transaction() as session:
            answer = await lists.page_of_records(session, request.principal, names.kind, wanted)
        return list_answer(request, wanted, answer)

    list_records.__doc__ = f"""{names.plural}, newest first; at most {LIST_LIMIT} without paging parameters. Every
    column filters; `q` searches. What finds more than 10,000, and words that very many records have, answer
    `total_count_is_lower_bound`."""
    return list_route(
        names.path,
        operation_id=f"listCrm{names.plural}",
        tag=names.tag,
        summary=f"List {names.spec.plural}",
        answer=names.spec.list_answer,
        listing=LISTINGS[names.kind],
    )(list_records)


ROUTES: Sequence[HTTPRouteHandler] = tuple(_list(names) for names in NAMES.values())
