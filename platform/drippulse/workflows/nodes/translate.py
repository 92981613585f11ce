"""Findings about steps, told about the nodes that they were compiled from. Pure."""

import re
from typing import Any

from pydantic.alias_generators import to_camel

from drippulse.workflows.nodes.layout import kind_of, owner_of
from drippulse.workflows.nodes.models import Definition, Node

FIELDS = {
    "wait": {"duration": "delayAmount", "unit": "delayUnit"},
    "webhook_callback": {"url": "webhookUrl", "body": "webhookBody", "headers": "webhookAuthHeader"},
    "wait_for_event": {"event": "eventType", "timeout": "timeoutAmount", "on_timeout": "timeoutNextNodeId"},
    "email": {"from": "inboxId", "senders": "inboxIds"},
    "goto": {"step": "nextNodeId"},
    "trigger": {"frequency": "type", "event": "eventType"},
}
ANYWHERE = {"goto": "nextNodeId", "default_goto": "nextNodeId", "response_branches": "webhookResponseBranches"}
NUMBERED = re.compile(r'(?:[Ss]tep )?\d+ \(("[^"]*")\)')


def translate(
    errors: dict[str, list[str]], steps: list[dict[str, Any]], definition: Definition
) -> dict[str, list[str]]:
    """`steps.4.config.duration` as `nodes.2.delayAmount`, and sentences that name nodes instead of step numbers."""
    translated: dict[str, list[str]] = {}
    for path, sentences in errors.items():
        place = _place(path, steps, definition)
        translated.setdefault(place, []).extend(_sentence(sentence) for sentence in sentences)
    return translated


def _place(path: str, steps: list[dict[str, Any]], definition: Definition) -> str:
    parts = path.split(".")
    if parts[0] != "steps" or len(parts) < 2 or int(parts[1]) >= len(steps):
        return "nodes"
    step = steps[int(parts[1])]
    rest = [part for part in parts[2:] if part != "config"]
    return ".".join([_owner_path(step["id"], definition), *_field(step["type"], rest)])


def _owner_path(step: str, definition: Definition) -> str:
    owner = owner_of(step)
    nodes: list[Node] = definition.nodes
    number = next((index for index, node in enumerate(nodes) if node.id == owner), None)
    if number is None:
        return "trigger"
    path = f"nodes.{number}"
    is_variant = kind_of(step) == "mail" and nodes[number].type == "ab_test"
    return f"{path}.variants.{step.split('~')[1].partition(':')[2]}" if is_variant else path


def _field(kind: str, rest: list[str]) -> list[str]:
    if kind == "webhook_callback" and rest[:2] == ["headers", "authorization"]:
        return ["webhookAuthHeader"]
    names = {**ANYWHERE, **FIELDS.get(kind, {})}
    return [names.get(part, to_camel(part)) for part in rest]


def _sentence(text: str) -> str:
    return NUMBERED.sub(r"\1", text).replace("a wait step", "a delay").replace("`max_visits`", "`maxVisits`")
