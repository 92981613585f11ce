"""`/crm/…/:id/merge` and `/crm/…/:id/unmerge`: several records become one, and it can be taken back."""

from collections.abc import Mapping, Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.crm.changes.schemas import Revert, RevertOut
from drippulse.crm.merging import service
from drippulse.crm.merging.presentation import present_merge
from drippulse.crm.merging.schemas import Merge, merge_answer
from drippulse.crm.tables import RecordType
from drippulse.organizations.policy import Permission
from drippulse_rest.crm.kinds import NAMES, Names, RecordRef
from drippulse_rest.kit.answers import json_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, route

MERGED = [names for kind, names in NAMES.items() if kind is not RecordType.ACTIVITY]
CHOICES: Mapping[RecordType, str] = {
    RecordType.ACCOUNT: "phone",
    RecordType.CONTACT: "email",
    RecordType.LEAD: "email",
    RecordType.OPPORTUNITY: "amount",
}
EXAMPLE_ID = "0192f0c1-7a3e-7cc3-98c4-dc0c0c07398f"


def _merge(names: Names) -> HTTPRouteHandler:
    async def merge(request: ApiRequest, record_ref: RecordRef) -> Response[bytes]:
        wanted = await request.read(Merge)
        async with request.transaction() as session:
            done = await service.merge_records(session, request.principal, names.kind, record_ref, wanted)
        return json_answer(present_merge(names.kind, done))

    merge.__doc__ = f"""The records of `merge` become part of this {names.word}. What it has stays, what it lacks is
    filled, tags are united; `fields` names the record whose value counts instead. What referred to the others refers to
    this one, and enrollments follow. The others are gone: they answer 404 with `merged_into`, and their addresses and
    external ids find this {names.word}."""
    return route(
        "POST",
        f"{names.path_of_one}/merge",
        operation_id=f"mergeCrm{names.singular}",
        permission=Permission.WRITE,
        tag=names.tag,
        summary=f"Merge {names.spec.plural} into one",
        answer=merge_answer(names.kind),
        body=Body(Merge, example={"merge": [EXAMPLE_ID], "fields": {CHOICES[names.kind]: EXAMPLE_ID}}),
        errors=names.unknown | {409: ("record_exists",), 422: ("validation_failed",)},
    )(merge)


def _unmerge(names: Names) -> HTTPRouteHandler:
    async def unmerge(request: ApiRequest, record_ref: RecordRef) -> Response[bytes]:
        wanted = await request.read(Revert)
        async with request.transaction() as session:
            done = await service.unmerge(
                session,
                request.principal,
                names.kind,
                record_ref,
                on_conflict=wanted.on_conflict,
                dry_run=wanted.dry_run,
            )
        return json_answer(done)

    unmerge.__doc__ = f"""Takes back the merge that this {names.word} went into, or the last one into it, as a whole.
    All is as before but what somebody changed since, which is left alone and reported. 409 when one of them cannot come
    back, because another {names.word} has its address or external id by now. Runs that the merge cancelled stay
    cancelled. More than 1,000 changes are undone in the background: look at the changeset's `revert`."""
    return route(
        "POST",
        f"{names.path_of_one}/unmerge",
        operation_id=f"unmergeCrm{names.singular}",
        permission=Permission.WRITE,
        tag=names.tag,
        summary=f"Take back a merge of {names.spec.plural}",
        answer=RevertOut,
        body=Body(Revert, required=False, example={"dry_run": True}),
        errors=names.unknown
        | {409: ("not_merged", "changeset_already_reverted", "changeset_conflicts"), 422: ("validation_failed",)},
    )(unmerge)


ROUTES: Sequence[HTTPRouteHandler] = tuple(make(names) for names in MERGED for make in (_merge, _unmerge))
