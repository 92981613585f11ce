"""Reads below one workflow: its draft, its versions, what is paused about it."""

from typing import Annotated, Any

import strawberry

from drippulse.enrollments import unknown_sends as unknown
from drippulse.enrollments.control_schemas import WorkflowHoldsOut
from drippulse.enrollments.unknown_listing import LISTING as UNKNOWN
from drippulse.enrollments.unknown_schemas import UnknownSendList
from drippulse.organizations.policy import Permission
from drippulse.workflows import pausing
from drippulse.workflows.publishing import drafts, history
from drippulse.workflows.publishing.listing import MOVES, VERSIONS
from drippulse.workflows.publishing.schemas import DraftOut, MoveList, VersionDetailOut, VersionDiffOut, VersionList
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.reads import Reading, read
from drippulse_graphql.workflows.answers import WORKFLOW

FROM = Annotated[
    int | None, strawberry.argument(name="from", description="A version; the one before `to` when left out.")
]
TO = Annotated[int | None, strawberry.argument(name="to", description="A version; the live one when left out.")]


@read(Permission.READ, about=WORKFLOW, by="workflow_id", answers=DraftOut, covers=("getWorkflowDraft",))
async def workflow_draft(call: Reading) -> Any:
    """The changes that wait to be published, with everything that publishing would refuse; null when there is none.
    Secrets are ********."""
    return await drafts.get_draft(call.session, call.principal, call.services.vault, call.id)


@read(
    Permission.READ,
    about=WORKFLOW,
    by="workflow_id",
    listing=VERSIONS,
    answers=VersionList,
    covers=("listWorkflowVersions",),
)
async def workflow_versions(call: Reading) -> Any:
    """Every version with who made it, its note and how many runs are in flight on it; newest first."""
    return await history.list_versions(call.session, call.principal, call.id, call.wanted.page)


@read(Permission.READ, about=WORKFLOW, by="workflow_id", answers=VersionDetailOut, covers=("getWorkflowVersion",))
async def workflow_version(call: Reading, version: int) -> Any:
    """One version with its steps and settings; null for unknown ones. Versions never change."""
    return await history.get_version(call.session, call.principal, call.id, version)


@read(Permission.READ, about=WORKFLOW, by="workflow_id", answers=VersionDiffOut, covers=("diffWorkflowVersions",))
async def workflow_diff(call: Reading, old: FROM = None, new: TO = None) -> Any:
    """Steps added, removed, moved and changed field by field between two versions, and settings. Secrets are compared,
    never shown."""
    return await history.diff(call.session, call.principal, call.services.vault, call.id, old, new)


@read(Permission.READ, about=WORKFLOW, by="workflow_id", listing=MOVES, answers=MoveList, covers=("listVersionMoves",))
async def version_moves(call: Reading) -> Any:
    """How far those in flight have come to the versions that were published with migrate, restart or exit."""
    return await history.list_moves(call.session, call.principal, call.id, call.wanted.page)


@read(Permission.READ, about=WORKFLOW, by="workflow_id", answers=WorkflowHoldsOut, covers=("getWorkflowHolds",))
async def workflow_holds(call: Reading) -> Any:
    """Paused steps, and how many runs are held by what."""
    return await pausing.show_holds(call.session, call.principal, call.id)


@read(
    Permission.READ,
    about=WORKFLOW,
    by="workflow_id",
    listing=UNKNOWN,
    answers=UnknownSendList,
    covers=("listUnknownSends",),
)
async def unknown_sends(call: Reading) -> Any:
    """Mails that were begun and whose result nobody learned, as far as somebody has to decide about them;
    newest first."""
    return await unknown.list_unknown_sends(call.session, call.principal, call.id, call.wanted.page)


READS: tuple[Declared, ...] = (
    workflow_draft,
    workflow_versions,
    workflow_version,
    workflow_diff,
    version_moves,
    workflow_holds,
    unknown_sends,
)
