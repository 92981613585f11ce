"""Workflows written as nodes: saved as the steps that they compile to, and what was sent beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import orjson

from drippulse.enrollments import hold_changes
from drippulse.enrollments.hold_changes import Change, ChangeKind
from drippulse.enrollments.tables import Hold
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Record, Session
from drippulse.organizations.policy import Principal
from drippulse.workflows import service as workflows
from drippulse.workflows.errors import InvalidStepGraphError
from drippulse.workflows.nodes import queries
from drippulse.workflows.nodes.compile import Compiled, compile_nodes
from drippulse.workflows.nodes.decompile import decompile
from drippulse.workflows.nodes.errors import InvalidNodesError
from drippulse.workflows.nodes.layout import owner_of
from drippulse.workflows.nodes.models import Definition
from drippulse.workflows.nodes.reading import read_definition
from drippulse.workflows.nodes.translate import translate
from drippulse.workflows.schemas import WorkflowCreate, WorkflowUpdate
from drippulse.workflows.secrets import MASK, redact
from drippulse.workflows.steps.url_secrets import hidden

Json: TypeAlias = dict[str, Any]
FIELDS = ("nodes", "startNodeId", "trigger", "eventType", "cron", "exitCriteria", "optOutMode", "pausedNodeIds")
"""What of a body is the definition."""
URL = "webhookUrl"
SECRET = "webhookAuthHeader"  # noqa: S105 - the name of a field


@dataclass(frozen=True, slots=True)
class Sent:
    """A body: the plain fields that were sent (name, description, status), and those of the definition."""

    plain: Mapping[str, Any] = field(default_factory=dict[str, Any])
    definition: Mapping[str, Any] = field(default_factory=dict[str, Any])


async def create_nodes(session: Session, principal: Principal, vault: Vault, sent: Sent) -> int:
    """Raises InvalidNodesError; the id of the new workflow."""
    definition = read_definition(sent.definition)
    compiled = compile_nodes(definition)
    data = WorkflowCreate.model_validate({**sent.plain, "steps": compiled.steps, "settings": compiled.settings})
    try:
        made = await workflows.create_workflow(session, principal, vault, data)
    except InvalidStepGraphError as error:
        raise InvalidNodesError(translate(error.errors, compiled.steps, definition)) from None
    await _save(session, principal, made["id"], made["version"], sent.definition)
    await _pause(session, principal, made["id"], compiled.paused_steps)
    return int(made["id"])


async def update_nodes(session: Session, principal: Principal, vault: Vault, workflow_id: int, sent: Sent) -> None:
    """Change what was sent; a changed definition makes a new version. Raises NotFoundError, InvalidNodesError."""
    row = await workflows.require_workflow(session, principal, workflow_id)
    changes = dict(sent.plain)
    if not sent.definition:
        data = WorkflowUpdate.model_validate(changes)
        await workflows.update_workflow(session, principal, vault, workflow_id, data)
        return
    [before] = await shown_definitions(session, principal, [row])
    merged = _merged(before, sent.definition)
    definition = read_definition(merged)
    compiled = compile_nodes(definition)
    if set(sent.definition) - {"pausedNodeIds"}:
        changes |= {"steps": compiled.steps, "settings": _settings(row, compiled)}
    version = await _update(session, principal, vault, workflow_id, changes, (definition, compiled))
    if "steps" in changes:
        await _save(session, principal, workflow_id, version, merged)
    await _pause(session, principal, workflow_id, compiled.paused_steps)


async def shown_definitions(session: Session, principal: Principal, rows: Sequence[Record]) -> list[Json]:
    """Of each workflow: the definition as it was sent, or its steps shown as nodes. Secrets stand as ********."""
    organization_id, ids = principal.organization_id, [row["id"] for row in rows]
    stored = await queries.definitions(session, organization_id, ids)
    paused = await queries.paused_steps(session, organization_id, ids)
    return [_shown(row, stored.get(row["id"]), paused.get(row["id"], [])) for row in rows]


def _shown(row: Record, stored: str | None, paused: list[str]) -> Json:
    if stored is None:
        return decompile(redact(orjson.loads(row["steps"])), orjson.loads(row["settings"]), paused)
    owners = dict.fromkeys(owner for step in paused if (owner := owner_of(step)) is not None)
    return {**_masked(orjson.loads(stored)), "pausedNodeIds": list(owners)}


def _merged(before: Json, sent: Mapping[str, Any]) -> Json:
    """A new trigger takes the place of the old one with all that belongs to it."""
    kept = {name: value for name, value in before.items() if value is not None}
    if "trigger" in sent:
        kept = {name: value for name, value in kept.items() if name not in ("trigger", "eventType", "cron")}
    if "nodes" in sent and "startNodeId" not in sent:
        kept.pop("startNodeId", None)
    if "nodes" in sent and "pausedNodeIds" not in sent:
        ids = {node.get("id") for node in _objects(sent["nodes"])}
        kept["pausedNodeIds"] = [node_id for node_id in kept.get("pausedNodeIds", []) if node_id in ids]
    return {**kept, **sent}


def _objects(nodes: Any) -> list[Json]:
    """Those members of a list that are objects; what else was sent is refused elsewhere."""
    members = cast("list[Any]", nodes) if isinstance(nodes, list) else []
    return [cast("Json", member) for member in members if isinstance(member, dict)]


def _settings(row: Record, compiled: Compiled) -> Json:
    """What the dialect has no words for (goals, a dedupe key) stays as it is."""
    kept: Json = orjson.loads(row["settings"])
    kept.pop("exit_criteria", None)
    return {**kept, **compiled.settings}


async def _update(
    session: Session,
    principal: Principal,
    vault: Vault,
    workflow_id: int,
    changes: Json,
    made: tuple[Definition, Compiled],
) -> int:
    definition, compiled = made
    data = WorkflowUpdate.model_validate(changes)
    try:
        changed = await workflows.update_workflow(session, principal, vault, workflow_id, data)
    except InvalidStepGraphError as error:
        raise InvalidNodesError(translate(error.errors, compiled.steps, definition)) from None
    return int(changed["version"])


async def _save(
    session: Session, principal: Principal, workflow_id: int, version: int, sent: Mapping[str, Any]
) -> None:
    definition = {name: sent[name] for name in FIELDS if name in sent and name != "pausedNodeIds"}
    text = orjson.dumps(_masked(definition)).decode()
    await queries.save(session, principal.organization_id, workflow_id, version, text)


def _masked(definition: Json) -> Json:
    if "nodes" not in definition:
        return definition
    return {**definition, "nodes": [_masked_node(node) for node in _objects(definition["nodes"])]}


def _masked_node(node: Json) -> Json:
    url = node.get(URL)
    shown = {URL: hidden(url)} if isinstance(url, str) else {}
    return {**node, **shown, **({SECRET: MASK} if node.get(SECRET) is not None else {})}


async def _pause(session: Session, principal: Principal, workflow_id: int, wanted: list[str]) -> None:
    """Whoever stands on a step that is paused is held, whoever stood on one that is not any more goes on."""
    organization_id = principal.organization_id
    found = await queries.paused_steps(session, organization_id, [workflow_id])
    before = found.get(workflow_id, [])
    if set(before) == set(wanted):
        return
    await queries.set_paused_steps(session, organization_id, workflow_id, wanted)
    for step_id in sorted(set(wanted) - set(before)):
        await hold_changes.begin(session, principal, Change(ChangeKind.HOLD, Hold.STEP, workflow_id, step_id))
    for step_id in sorted(set(before) - set(wanted)):
        await hold_changes.begin(session, principal, Change(ChangeKind.RELEASE, Hold.STEP, workflow_id, step_id))
