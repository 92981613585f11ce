"""`/workflows/{id}/draft`, `/publish`, `/versions` and `/moves`."""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import HeaderParameter, PathParameter, QueryParameter

from drippulse.kit.crypto import LinkSigner
from drippulse.kit.errors import ValidationError
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Permission
from drippulse.workflows.publishing import drafts, history, preview, service
from drippulse.workflows.publishing.listing import MOVES, VERSIONS
from drippulse.workflows.publishing.schemas import (
    DraftIn,
    DraftOut,
    MoveList,
    PreviewIn,
    PreviewOut,
    PublishedOut,
    PublishIn,
    VersionDetailOut,
    VersionDiffOut,
    VersionList,
)
from drippulse_rest.kit.answers import json_answer, list_answer, no_content
from drippulse_rest.kit.ids import WorkflowId
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, list_route, route

TAG = "Workflows"
WRAPPER = "draft"
ECHOED = frozenset({"workflow_id", "live_version", "problems", "updated_at"})
PATH = "/workflows/{workflow_id:int}"
UNKNOWN = {404: ("workflow_not_found",)}
NO_DRAFT = {404: ("workflow_not_found", "draft_not_found")}
NO_VERSION = {404: ("workflow_not_found", "workflow_version_not_found")}
CHANGED = {409: ("draft_changed",)}

VersionNumber: TypeAlias = Annotated[int, PathParameter(description="Number of a version of that workflow.")]
REVISION = r'^(\*|(W/)?("[0-9]{1,9}"|[0-9]{1,9}))$'
IfMatch: TypeAlias = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        description='The revision of the draft that you read, such as "3"; * for any.',
        schema_extra={"pattern": REVISION},
    ),
]


def revision_of(if_match: str | None) -> int | None:
    """The revision that a caller has read; None when nothing is said.

    Raises:
        ValidationError: it is no revision.
    """
    if if_match is None:
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if text == "*":
        return drafts.ANY_REVISION
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        sentence = 'If-Match must be the revision of the draft, such as "3".'
        raise ValidationError(sentence, errors={"If-Match": [sentence]})
    return int(text)


@route(
    "GET",
    f"{PATH}/draft",
    operation_id="getWorkflowDraft",
    permission=Permission.READ,
    tag=TAG,
    summary="Show the draft",
    answer=DraftOut,
    errors=NO_DRAFT,
)
async def get_draft(request: ApiRequest, workflow_id: WorkflowId) -> Response[bytes]:
    """The changes that wait to be published, with everything that publishing would refuse. Secrets are ********."""
    async with request.transaction() as session:
        found = await drafts.get_draft(session, request.principal, request.services.vault, workflow_id)
    return json_answer(found, headers=_etag(found["revision"]))


@route(
    "PUT",
    f"{PATH}/draft",
    operation_id="saveWorkflowDraft",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Save the draft",
    answer=DraftOut,
    body=Body(DraftIn, WRAPPER, ECHOED, example={"steps": [{"type": "log", "config": {"message": "Hello"}}]}),
    errors={400: ("invalid_step_graph",), 422: ("validation_failed", "invalid_settings")} | UNKNOWN | CHANGED,
)
async def save_draft(request: ApiRequest, workflow_id: WorkflowId, if_match: IfMatch = None) -> Response[bytes]:
    """Saves changes beside the live version; nothing goes live. They may be incomplete. A draft that exists is only
    overwritten by who sends its present revision, in If-Match or in the body."""
    data = await request.read(DraftIn)
    revision = data.revision if if_match is None else revision_of(if_match)
    async with request.transaction() as session:
        saved = await drafts.save_draft(session, request.principal, request.services.vault, workflow_id, data, revision)
    return json_answer(saved, headers=_etag(saved["revision"]))


@route(
    "DELETE",
    f"{PATH}/draft",
    operation_id="dropWorkflowDraft",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Drop the draft",
    status=204,
    answer_text="Dropped; the live version is untouched.",
    errors={422: ("validation_failed",)} | NO_DRAFT | CHANGED,
)
async def drop_draft(request: ApiRequest, workflow_id: WorkflowId, if_match: IfMatch = None) -> Response[None]:
    """Drops the changes that wait. With If-Match only when nobody changed them since."""
    revision = revision_of(if_match)
    async with request.transaction() as session:
        await drafts.drop_draft(session, request.principal, workflow_id, revision)
    return no_content()


@route(
    "POST",
    f"{PATH}/publish/preview",
    operation_id="previewPublishing",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Preview publishing",
    answer=PreviewOut,
    body=Body(PreviewIn, required=False, example={"strategy": "migrate", "step_map": {"step_2": "step_3"}}),
    errors={400: ("invalid_step_map",)} | NO_DRAFT,
)
async def preview_publishing(request: ApiRequest, workflow_id: WorkflowId) -> Response[bytes]:
    """Who is in flight, step by step, and where they would go; steps that the map leaves out; variables that would be
    empty; waits that would not fit; what differs. Nothing changes. `confirm_token` is good for 15 minutes."""
    data = await request.read(PreviewIn)
    async with request.transaction() as session:
        seen = await preview.preview(
            session,
            request.principal,
            request.services.vault,
            LinkSigner(request.services.settings),
            workflow_id,
            data,
        )
    return json_answer(seen)


@route(
    "POST",
    f"{PATH}/publish",
    operation_id="publishWorkflow",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Publish the draft",
    answer=PublishedOut,
    body=Body(PublishIn, required=False, example={"strategy": "pin", "note": "Shorter waits"}),
    errors={
        400: ("invalid_step_graph", "invalid_step_map"),
        409: ("preview_required", "preview_stale"),
        410: ("confirm_token_expired",),
        422: ("validation_failed", "invalid_settings", "invalid_confirm_token", "strategy_mismatch"),
    }
    | NO_DRAFT,
)
async def publish_workflow(request: ApiRequest, workflow_id: WorkflowId) -> Response[bytes]:
    """The draft becomes the newest version, which new runs start on; a workflow that was a draft becomes active. Runs
    in flight go where the confirmed preview said: those in a call as soon as it is settled."""
    data = await request.read(PublishIn)
    services = request.services
    async with request.transaction() as session:
        published = await service.publish(
            session,
            request.principal,
            services.vault,
            LinkSigner(services.settings),
            services.waker,
            workflow_id,
            data,
        )
    return json_answer(published)


@list_route(
    f"{PATH}/moves",
    operation_id="listVersionMoves",
    tag=TAG,
    summary="List moves to other versions",
    answer=MoveList,
    errors=UNKNOWN,
    listing=MOVES,
)
async def list_moves(request: ApiRequest, workflow_id: WorkflowId, wanted: ListRequest) -> Response[bytes]:
    """How far those in flight have come to the versions that were published with migrate, restart or exit."""
    async with request.transaction() as session:
        answer = await history.list_moves(session, request.principal, workflow_id, wanted.page)
    return list_answer(request, wanted, answer)


@list_route(
    f"{PATH}/versions",
    operation_id="listWorkflowVersions",
    tag=TAG,
    summary="List versions",
    answer=VersionList,
    errors=UNKNOWN,
    listing=VERSIONS,
)
async def list_versions(request: ApiRequest, workflow_id: WorkflowId, wanted: ListRequest) -> Response[bytes]:
    """Every version with who made it, its note and how many runs are in flight on it; newest first."""
    async with request.transaction() as session:
        answer = await history.list_versions(session, request.principal, workflow_id, wanted.page)
    return list_answer(request, wanted, answer)


@route(
    "GET",
    f"{PATH}/versions/diff",
    operation_id="diffWorkflowVersions",
    permission=Permission.READ,
    tag=TAG,
    summary="Compare two versions",
    answer=VersionDiffOut,
    errors={422: ("validation_failed",)} | NO_VERSION,
)
async def diff_versions(
    request: ApiRequest,
    workflow_id: WorkflowId,
    old: Annotated[
        int | None, QueryParameter(name="from", ge=1, description="A version; the one before `to` when left out.")
    ] = None,
    new: Annotated[
        int | None, QueryParameter(name="to", ge=1, description="A version; the live one when left out.")
    ] = None,
) -> Response[bytes]:
    """Steps added, removed, moved and changed field by field, and settings. Secrets are compared, never shown."""
    async with request.transaction() as session:
        found = await history.diff(session, request.principal, request.services.vault, workflow_id, old, new)
    return json_answer(found)


@route(
    "GET",
    f"{PATH}/versions/{{version:int}}",
    operation_id="getWorkflowVersion",
    permission=Permission.READ,
    tag=TAG,
    summary="Show a version",
    answer=VersionDetailOut,
    errors=NO_VERSION,
)
async def get_version(request: ApiRequest, workflow_id: WorkflowId, version: VersionNumber) -> Response[bytes]:
    """One version with its steps and settings. Versions never change."""
    async with request.transaction() as session:
        found = await history.get_version(session, request.principal, workflow_id, version)
    return json_answer(found)


@route(
    "POST",
    f"{PATH}/versions/{{version:int}}/restore",
    operation_id="restoreWorkflowVersion",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Make a draft of a version",
    answer=DraftOut,
    errors={422: ("validation_failed",)} | NO_VERSION | CHANGED,
)
async def restore_version(
    request: ApiRequest, workflow_id: WorkflowId, version: VersionNumber, if_match: IfMatch = None
) -> Response[bytes]:
    """An older version becomes the draft; nothing goes live. A draft that exists needs its revision as If-Match."""
    revision = revision_of(if_match)
    async with request.transaction() as session:
        draft = await drafts.restore(session, request.principal, request.services.vault, workflow_id, version, revision)
    return json_answer(draft, headers=_etag(draft["revision"]))


def _etag(revision: int) -> dict[str, str]:
    return {"etag": f'"{revision}"'}


ROUTES: Sequence[HTTPRouteHandler] = (
    get_draft,
    save_draft,
    drop_draft,
    preview_publishing,
    publish_workflow,
    list_moves,
    list_versions,
    diff_versions,
    get_version,
    restore_version,
)
