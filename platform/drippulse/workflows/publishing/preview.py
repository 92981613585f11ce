"""A look before publishing: who is in flight, where everybody goes, what would be empty or badly timed."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from drippulse.kit.clock import isoformat
from drippulse.kit.crypto import LinkSigner, Vault
from drippulse.kit.db import Record, Session
from drippulse.kit.ids import MAX_ID
from drippulse.organizations.policy import Principal
from drippulse.workflows.errors import InvalidStepGraphError
from drippulse.workflows.graph import Graph, compile_graph
from drippulse.workflows.publishing import confirm, queries, state
from drippulse.workflows.publishing.conflicts import Conflicts, Traveller
from drippulse.workflows.publishing.diff import diff_versions
from drippulse.workflows.publishing.drafts import problems, read_draft, require_draft_row
from drippulse.workflows.publishing.errors import DraftNotFoundError, InvalidStepMapError
from drippulse.workflows.publishing.schemas import PreviewIn
from drippulse.workflows.publishing.state import Findings, Group, Targets
from drippulse.workflows.publishing.tables import Strategy
from drippulse.workflows.publishing.variables import EmptyVariables
from drippulse.workflows.secrets import Step, reveal
from drippulse.workflows.service import require_workflow, stored_steps
from drippulse.workflows.templates import Templates

SAMPLE, SLICE = 10_000, 1_000
LARGEST_BAG = 65_536


@dataclass(frozen=True, slots=True)
class Plan:
    """Where everybody goes. `step_types` has every step of the versions in flight with its types."""

    groups: list[Group]
    step_types: dict[str, set[str]]
    places: Targets
    findings: Findings


async def preview(
    session: Session, principal: Principal, vault: Vault, signer: LinkSigner, workflow_id: int, data: PreviewIn
) -> dict[str, Any]:
    """The documented answer; nothing changes.

    Raises:
        NotFoundError, DraftNotFoundError
        InvalidStepMapError: the map names steps that are not there.
    """
    organization = principal.organization_id
    live = await require_workflow(session, principal, workflow_id)
    row = await require_draft_row(session, organization, workflow_id)
    draft = read_draft(row)
    if draft is None:
        raise DraftNotFoundError
    steps = reveal(draft["steps"], vault, organization)
    plan = await make_plan(session, organization, live, data.strategy, data.step_map, steps)
    found = await problems(session, organization, row["status"], steps, draft["settings"])
    sampled = await _sample(session, organization, workflow_id, steps, plan, data.strategy)
    expires = row["now"].timestamp() + confirm.VALID_SECONDS
    token = confirm.Confirmation(
        organization,
        workflow_id,
        row["revision"],
        row["live_version"],
        data.strategy,
        data.step_map,
        state.occupied_key((group.version, group.step_index) for group in plan.groups),
        data.note,
        expires,
        state.shown_places(plan.groups, plan.places),
    )
    return {
        "workflow_id": workflow_id,
        "draft_revision": row["revision"],
        "live_version": row["live_version"],
        "new_version": row["live_version"] + 1,
        "strategy": data.strategy,
        "in_flight": sum(group.count for group in plan.groups),
        "groups": state.movements(plan.groups, plan.places, data.strategy),
        "gaps": plan.findings,
        "problems": found,
        "publishable": not (found or plan.findings),
        "diff": diff_versions(
            stored_steps(live, vault, organization), steps, orjson.loads(live["settings"]), draft["settings"]
        ),
        **sampled,
        "warnings": _warnings(draft["base_version"], row["live_version"]),
        "confirm_token": confirm.sign(signer, token),
        "expires_at": isoformat(datetime.fromtimestamp(expires, UTC)),
    }


async def make_plan(
    session: Session,
    organization_id: int,
    live: Record,
    strategy: Strategy,
    step_map: Mapping[str, str | None],
    steps: Sequence[Step],
    *,
    confirmed: bool = False,
) -> Plan:
    """Who is in flight and where they go. Raises InvalidStepMapError when the map itself is wrong.

    Args:
        confirmed: a preview has found nothing wrong with the map; it may name steps that nobody is on any more.
    """
    rows = await queries.groups(session, organization_id, live["id"])
    versions = await _outlines(session, organization_id, live, rows)
    groups = [_group(row, versions.get(row["version"], [])) for row in rows]
    step_types: dict[str, set[str]] = {}
    for outline in versions.values():
        for step in outline:
            step_types.setdefault(step["id"], set()).add(step["type"])
    for group in groups:
        step_types.setdefault(group.step_id, set()).add(group.type)
    wrong = {} if confirmed else state.check_map(step_map, step_types, steps)
    if wrong:
        raise InvalidStepMapError(next(iter(wrong.values()))[0], errors=wrong)
    places = state.targets(strategy, step_map, step_types, steps)
    return Plan(groups, step_types, places, state.gaps(groups, places, strategy))


async def _outlines(
    session: Session, organization_id: int, live: Record, rows: Sequence[Record]
) -> dict[int, list[dict[str, Any]]]:
    """The steps of the live version and of every other that somebody is on."""
    older = {row["version"] for row in rows} - {live["version"]}
    texts = await queries.step_texts(session, organization_id, live["id"], sorted(older)) if older else {}
    return {version: orjson.loads(text) for version, text in ({live["version"]: live["steps"]} | texts).items()}


def _group(row: Record, outline: Sequence[Mapping[str, Any]]) -> Group:
    index: int = row["step_index"]
    step = outline[index] if 0 <= index < len(outline) else {"name": row["step_id"], "type": ""}
    return Group(
        row["version"],
        row["step_id"],
        index,
        step["name"],
        step["type"],
        row["count"],
        row["waiting"],
        row["in_call"],
        row["held"],
    )


async def _sample(
    session: Session, organization_id: int, workflow_id: int, steps: list[Step], plan: Plan, strategy: Strategy
) -> dict[str, Any]:
    """What the newest people in flight would find empty or badly timed."""
    look = _Look(steps, plan.places, strategy, organization_id, workflow_id)
    before = MAX_ID
    for _ in range(SAMPLE // SLICE):
        rows = await queries.sample(session, organization_id, workflow_id, before, SLICE, LARGEST_BAG)
        await asyncio.to_thread(look.add, rows)
        if len(rows) < SLICE:
            break
        before = rows[-1]["id"]
    return await asyncio.to_thread(look.answer)


class _Look:
    """Goes over the sample, a slice at a time."""

    def __init__(
        self, steps: list[Step], places: Targets, strategy: Strategy, organization_id: int, workflow_id: int
    ) -> None:
        templates = Templates()
        self._places = places
        self._restarts = strategy is Strategy.RESTART
        self._variables = EmptyVariables(steps, templates)
        graph = _compiled(steps)
        self._conflicts = Conflicts(graph, templates, organization_id, workflow_id) if graph else None

    def add(self, rows: Sequence[Record]) -> None:
        for row in rows:
            bag: dict[str, Any] = orjson.loads(row["bag"])
            self._variables.add(bag)
            target = self._places.get(row["step_id"])
            if target is not None and self._conflicts is not None:
                traveller = Traveller(
                    row["id"],
                    row["visit"] if target.stay else row["visit"] + 1,
                    row["timezone"],
                    row["organization_timezone"],
                    row["now"] if self._restarts else row["step_entered_at"],
                    row["next_run_at"],
                    bag,
                    target,
                )
                self._conflicts.add(traveller, row["now"])

    def answer(self) -> dict[str, Any]:
        conflicts = self._conflicts.answer() if self._conflicts else []
        return {"empty_variables": self._variables.answer(), "schedule_conflicts": conflicts}


def _compiled(steps: list[Step]) -> Graph | None:
    try:
        return compile_graph(steps, check=False)
    except InvalidStepGraphError:
        return None


def _warnings(base_version: int, live_version: int) -> list[str]:
    if base_version == live_version:
        return []
    sentence = (
        f"The draft was made from version {base_version}, and version {live_version} is live: what was changed "
        "between them is undone unless the draft has it too; see the diff."
    )
    return [sentence]
