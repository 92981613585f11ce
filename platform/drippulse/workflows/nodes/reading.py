"""From JSON to nodes, or a refusal that names every place."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic import ValidationError

from drippulse.kit.addresses import parse_mailbox
from drippulse.kit.text import did_you_mean
from drippulse.workflows.config_errors import describe_errors
from drippulse.workflows.nodes.errors import InvalidNodesError
from drippulse.workflows.nodes.models import (
    MAX_NODES,
    NODE_TYPES,
    AbTestNode,
    BranchNode,
    Definition,
    ExitNode,
    GotoNode,
    Node,
    SendEmailNode,
    SendWebhookNode,
    WaitForEventNode,
)
from drippulse.workflows.normalize import MAX_JSON_DEPTH, too_deep
from drippulse.workflows.steps.timeouts import CONTINUE, EXIT

Errors = dict[str, list[str]]
FLAT_TRIGGER = ("eventType", "cron")


def read_definition(raw: Mapping[str, Any]) -> Definition:
    """Check everything that can be seen without compiling: fields, ids, jumps, reachability.

    `trigger` is an object or its type as a text with `eventType` and `cron` beside it.

    Raises:
        InvalidNodesError: every finding at its place.
    """
    errors: Errors = {}
    definition = _frame({key: value for key, value in raw.items() if key != "nodes"}, errors)
    nodes = list(_nodes(raw.get("nodes", []), errors))
    if errors:
        raise InvalidNodesError(errors)
    definition.nodes = nodes
    _check_ids(definition, errors)
    if not errors:
        _check_reach(definition, errors)
    if errors:
        raise InvalidNodesError(errors)
    return definition


def node_targets(node: Node) -> Iterator[tuple[str, str]]:
    """(path below the node, node id) of everywhere it can lead."""
    if node.next_node_id is not None:
        yield "nextNodeId", node.next_node_id
    if isinstance(node, BranchNode):
        yield from ((f"branches.{i}.nextNodeId", rule.next_node_id) for i, rule in enumerate(node.branches))
    if isinstance(node, SendWebhookNode):
        rules = enumerate(node.webhook_response_branches)
        yield from ((f"webhookResponseBranches.{i}.nextNodeId", rule.next_node_id) for i, rule in rules)
    if isinstance(node, WaitForEventNode) and node.timeout_next_node_id is not None:
        yield "timeoutNextNodeId", node.timeout_next_node_id
    if isinstance(node, GotoNode) and node.fallback_next_node_id is not None:
        yield "fallbackNextNodeId", node.fallback_next_node_id
    if isinstance(node, AbTestNode):
        variants = [(i, variant.next_node_id) for i, variant in enumerate(node.variants)]
        yield from ((f"variants.{i}.nextNodeId", target) for i, target in variants if target is not None)


def onward(node: Node) -> str | None:
    """`nextNodeId` where a run can really take it: not behind an exit, nor where every variant has its own way."""
    if isinstance(node, ExitNode):
        return None
    if isinstance(node, AbTestNode) and all(variant.next_node_id is not None for variant in node.variants):
        return None
    return node.next_node_id


def ways_on(node: Node) -> Iterator[str]:
    """The ids of the nodes that a run can go on to."""
    for path, target in node_targets(node):
        if path != "nextNodeId" or onward(node) is not None:
            yield target


def absorbed_by(node: Node, by_id: Mapping[str, Node]) -> SendEmailNode | None:
    """The mail that an A/B test chooses the template of: the one that follows and has none of its own."""
    if not isinstance(node, AbTestNode) or not node.chooses_templates:
        return None
    following = by_id.get(node.next_node_id or "")
    return following if isinstance(following, SendEmailNode) and not following.has_text else None


def _frame(given: dict[str, Any], errors: Errors) -> Definition:
    flat = {key: given.pop(key) for key in FLAT_TRIGGER if key in given}
    trigger: Any = given.get("trigger")
    if trigger is None or isinstance(trigger, str | dict):  # anything else is refused by the model
        kind = {"type": trigger} if isinstance(trigger, str) else cast("dict[str, Any]", trigger or {})
        given["trigger"] = {**kind, **{key: value for key, value in flat.items() if value is not None}}
    try:
        return Definition.model_validate({key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        _note(errors, "", Definition, error)
        return Definition()


def _nodes(raw: Any, errors: Errors) -> Iterator[Node]:
    if not isinstance(raw, list):
        errors["nodes"] = ["must be a list of nodes"]
        return
    given = cast("list[Any]", raw)
    if len(given) > MAX_NODES:
        errors["nodes"] = [f"has {len(given)} nodes; at most {MAX_NODES} are accepted"]
        return
    for index, value in enumerate(given):
        node = _node(index, value, errors)
        if node is not None:
            yield node


def _node(index: int, value: Any, errors: Errors) -> Node | None:
    path = f"nodes.{index}"
    if not isinstance(value, dict) or too_deep(value):
        errors[path] = [f"must be an object with `id` and `type`, nested at most {MAX_JSON_DEPTH} levels deep"]
        return None
    fields = cast("dict[str, Any]", value)
    kind: Any = fields.get("type")
    model = NODE_TYPES.get(kind) if isinstance(kind, str) else None
    if model is None:
        shown = f'"{kind[:100]}"' if isinstance(kind, str) else "this"
        meant = did_you_mean(kind, NODE_TYPES) if isinstance(kind, str) else ""
        errors[f"{path}.type"] = [f"{shown} is not a node type.{meant} Known are {', '.join(NODE_TYPES)}"]
        return None
    try:
        return model.model_validate({key: item for key, item in fields.items() if item is not None})
    except ValidationError as error:
        _note(errors, f"{path}.", model, error)
        return None


def _note(errors: Errors, prefix: str, model: Any, error: ValidationError) -> None:
    for path, sentence in describe_errors(model, error):
        place = f"{prefix}{path.removeprefix('.')}".rstrip(".")
        errors.setdefault(place, []).append(sentence.replace("a field of this step", "a field here"))


def _check_ids(definition: Definition, errors: Errors) -> None:
    nodes: list[Node] = definition.nodes
    first: dict[str, int] = {}
    for index, node in enumerate(nodes):
        if first.setdefault(node.id, index) != index:
            errors[f"nodes.{index}.id"] = [f'"{node.id}" is also the id of node {first[node.id]}']
    for index, node in enumerate(nodes):
        for path, target in node_targets(node):
            if target not in first:
                errors[f"nodes.{index}.{path}"] = [_unknown(target, first)]
        if isinstance(node, WaitForEventNode) and node.timeout_next_node_id in (CONTINUE, EXIT):
            errors[f"nodes.{index}.timeoutNextNodeId"] = [
                "names a node called continue or exit; give that one another id"
            ]
        if isinstance(node, SendEmailNode | AbTestNode):
            _check_inboxes(index, node, errors)
    named = [("startNodeId", definition.start_node_id)] if definition.start_node_id is not None else []
    named += [(f"pausedNodeIds.{i}", node_id) for i, node_id in enumerate(definition.paused_node_ids)]
    errors.update({path: [_unknown(target, first)] for path, target in named if target not in first})
    _check_mail_texts(definition, errors)


def _unknown(target: str, known: Mapping[str, int]) -> str:
    return f'names the node "{target[:100]}", which does not exist.{did_you_mean(target, known)}'


def _check_inboxes(index: int, node: SendEmailNode | AbTestNode, errors: Errors) -> None:
    inboxes = [("inboxId", node.inbox_id)] if node.inbox_id is not None else []
    inboxes += [(f"inboxIds.{i}", inbox) for i, inbox in enumerate(node.inbox_ids)]
    for path, inbox in inboxes:
        if parse_mailbox(inbox) is None:
            errors[f"nodes.{index}.{path}"] = [
                "is not an e-mail address: an inbox is the address that sends, such as ana@example.com"
            ]


def _check_mail_texts(definition: Definition, errors: Errors) -> None:
    """A mail without a text of its own gets one from exactly one A/B test, and is reached through it alone."""
    nodes: list[Node] = definition.nodes
    by_id = {node.id: node for node in nodes}
    entries: dict[str, list[str]] = {}
    for node in nodes:
        for target in ways_on(node):
            entries.setdefault(target, []).append(node.id)
    start = start_of(definition)
    absorbed = {found.id for node in nodes if (found := absorbed_by(node, by_id)) is not None}
    for index, node in enumerate(nodes):
        if not isinstance(node, SendEmailNode) or node.has_text:
            continue
        if node.id not in absorbed:
            errors[f"nodes.{index}.templateId"] = ["is missing"]
        elif len(entries[node.id]) > 1 or node.id == start:
            errors[f"nodes.{index}.templateId"] = ["is missing: not every way to this node leads through the A/B test"]


def start_of(definition: Definition) -> str | None:
    """The id of the node that a run begins with; None without nodes."""
    nodes: list[Node] = definition.nodes
    return definition.start_node_id or (nodes[0].id if nodes else None)


def _check_reach(definition: Definition, errors: Errors) -> None:
    nodes: list[Node] = definition.nodes
    by_id = {node.id: node for node in nodes}
    start = start_of(definition)
    reached, ahead = set[str](), [start] if start is not None else []
    while ahead:
        current = ahead.pop()
        if current not in reached:
            reached.add(current)
            ahead += ways_on(by_id[current])
    for index, node in enumerate(nodes):
        if node.id not in reached:
            errors[f"nodes.{index}"] = [f'"{node.id}" is never reached from "{start}": no node on the way names it']
