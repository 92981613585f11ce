"""Publishing: the draft becomes the newest version, and what is in flight goes where the preview said."""

from typing import Any

from drippulse.enrollments.hold_locks import nothing_starts
from drippulse.enrollments.wake import Waker
from drippulse.events import listeners
from drippulse.events import service as events
from drippulse.kit.crypto import LinkSigner, Vault
from drippulse.kit.db import Record, Session
from drippulse.kit.json import dump_json
from drippulse.organizations.policy import Principal
from drippulse.workflows import queries as workflows
from drippulse.workflows.publishable import refuse_unavailable
from drippulse.workflows.publishing import confirm, history, moves, queries, state
from drippulse.workflows.publishing.drafts import (
    locked_workflow,
    read_draft,
    require_draft_row,
    status_once_live,
)
from drippulse.workflows.publishing.errors import (
    DraftNotFoundError,
    InvalidStepMapError,
    PreviewRequiredError,
    PreviewStaleError,
    StrategyMismatchError,
)
from drippulse.workflows.publishing.preview import make_plan
from drippulse.workflows.publishing.schemas import PublishIn
from drippulse.workflows.publishing.tables import Strategy
from drippulse.workflows.secrets import Step, reveal, seal
from drippulse.workflows.service import check_steps
from drippulse.workflows.settings import compile_settings, settings_json


async def publish(
    session: Session,
    principal: Principal,
    vault: Vault,
    signer: LinkSigner,
    waker: Waker,
    workflow_id: int,
    data: PublishIn,
) -> dict[str, Any]:
    """Make the draft the live version. A workflow that was a draft itself becomes active.

    Raises:
        NotFoundError, DraftNotFoundError
        ConfirmTokenError, ConfirmTokenExpiredError: the token.
        PreviewRequiredError: no token, and the strategy moves people or somebody is in flight.
        PreviewStaleError: draft or live version are not what the preview showed, or somebody stands on a step by now
            that has no place to go to, or would go another way than it showed.
        InvalidStepMapError: the map has gaps.
        InvalidStepGraphError, InvalidSettingsError: the draft is not complete.
    """
    organization = principal.organization_id
    live = await locked_workflow(session, principal, workflow_id)
    row = await require_draft_row(session, organization, workflow_id)
    draft = read_draft(row)
    if draft is None:
        # A second publisher with the same preview learns that the first was faster.
        raise PreviewStaleError("The draft was published or dropped") if data.confirm_token else DraftNotFoundError
    confirmed = await _confirmed(session, principal, signer, workflow_id, data, row)
    if confirmed.strategy is not Strategy.PIN:
        await nothing_starts(session, organization, workflow_id)
    _refuse_stale(confirmed, row)
    steps = await check_steps(session, organization, reveal(draft["steps"], vault, organization), [])
    settings = settings_json(compile_settings(draft["settings"]))
    status = status_once_live(row["status"])
    refuse_unavailable(steps, status)
    places = await _places(session, organization, live, confirmed, steps)
    version = int(row["live_version"]) + 1
    note = confirmed.note if data.note is None else data.note
    sealed = dump_json(seal(steps, vault, organization))
    await workflows.insert_version(
        session, organization, workflow_id, version, sealed, settings=dump_json(settings), note=note, actor=principal
    )
    await queries.publish(session, organization, workflow_id, version, status)
    await listeners.refresh(session, organization, workflow_id)
    in_flight = await _move(session, principal, workflow_id, version, confirmed.strategy, places)
    told = {"version": version, "strategy": confirmed.strategy, "note": note, "in_flight": in_flight}
    await events.append(session, "workflow.published", "workflow", workflow_id, principal, told)
    session.after_commit(waker.wake)
    return {
        "workflow_id": workflow_id,
        "version": version,
        "status": status,
        "strategy": confirmed.strategy,
        "in_flight": in_flight,
        "move": await history.move_to(session, organization, workflow_id, version),
    }


async def _confirmed(
    session: Session, principal: Principal, signer: LinkSigner, workflow_id: int, data: PublishIn, row: Record
) -> confirm.Confirmation:
    """What the caller agreed to; without a token that nobody is concerned."""
    organization = principal.organization_id
    if data.confirm_token is not None:
        confirmed = confirm.read(signer, data.confirm_token, organization, workflow_id, row["now"].timestamp())
        if "strategy" in data.model_fields_set and data.strategy is not confirmed.strategy:
            raise StrategyMismatchError(confirmed.strategy, data.strategy)
        return confirmed
    if data.strategy is not Strategy.PIN:
        raise PreviewRequiredError(f"The strategy {data.strategy} needs the confirm_token of a preview.")
    standing = await queries.standing(session, organization, workflow_id)
    if standing:
        people = sum(group["count"] for group in standing)
        raise PreviewRequiredError(
            f"{people} runs are in flight. POST /workflows/{workflow_id}/publish/preview and send its confirm_token."
        )
    return confirm.Confirmation(
        organization, workflow_id, row["revision"], row["live_version"], Strategy.PIN, {}, [], "", 0
    )


def _refuse_stale(confirmed: confirm.Confirmation, row: Record) -> None:
    if confirmed.draft_revision != row["revision"]:
        raise PreviewStaleError("The draft was changed")
    if confirmed.live_version != row["live_version"]:
        raise PreviewStaleError("Another version went live")


async def _places(
    session: Session, organization_id: int, live: Record, confirmed: confirm.Confirmation, steps: list[Step]
) -> state.Targets:
    strategy, step_map = confirmed.strategy, confirmed.step_map
    plan = await make_plan(session, organization_id, live, strategy, step_map, steps, confirmed=True)
    changed = state.unseen(plan.groups, plan.places, strategy, confirmed.occupied, confirmed.places)
    if changed is not None:
        raise PreviewStaleError(changed)
    if plan.findings:
        raise InvalidStepMapError(next(iter(plan.findings.values()))[0], errors=plan.findings)
    return plan.places


async def _move(
    session: Session,
    principal: Principal,
    workflow_id: int,
    version: int,
    strategy: Strategy,
    places: state.Targets,
) -> int:
    if strategy is Strategy.PIN:
        return await moves.left_on_older(session, principal.organization_id, workflow_id, version)
    return await moves.begin(session, principal, workflow_id, version, strategy, places)
