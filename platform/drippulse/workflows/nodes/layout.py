"""In which order nodes become steps, and what the steps between them are called. Pure."""

import re
from collections.abc import Iterator

from drippulse.workflows.nodes.models import RESERVED, Definition, Node
from drippulse.workflows.nodes.reading import absorbed_by, onward, start_of

TRIGGER_ID = f"{RESERVED}trigger"
_OWNED = re.compile(rf"{RESERVED}(?P<kind>[a-z]+)(?::(?P<number>\d+))?{RESERVED}(?P<owner>.*)", re.DOTALL)


def step_id(kind: str, owner: str, number: int | None = None) -> str:
    """The id of a step that stands beside a node's own: `~goto~n3`, `~mail:1~n3`. No node's id begins like this."""
    return f"{RESERVED}{kind}{'' if number is None else f':{number}'}{RESERVED}{owner}"


def owner_of(step: str) -> str | None:
    """The id of the node that a step belongs to; None for the trigger, which belongs to none."""
    if not step.startswith(RESERVED):
        return step
    found = _OWNED.fullmatch(step)
    return found["owner"] if found else None


def kind_of(step: str) -> str | None:
    """goto, exit or mail for a step that stands beside a node's own."""
    found = _OWNED.fullmatch(step)
    return found["kind"] if found else None


def is_shown(step: str) -> bool:
    """Whether what happens on a step is a node's doing and not the wiring between nodes."""
    return not step.startswith(RESERVED) or kind_of(step) == "mail"


def placed(definition: Definition) -> list[Node]:
    """The nodes in the order of their steps: from the start along `nextNodeId`, then each next one that is left.

    A mail whose text an A/B test chooses comes right after it.
    """
    nodes: list[Node] = definition.nodes
    by_id = {node.id: node for node in nodes}
    absorbed = {mail.id for node in nodes if (mail := absorbed_by(node, by_id)) is not None}
    start = start_of(definition)
    heads = [start] if start is not None else []
    done: dict[str, Node] = {}
    for head in [*heads, *(node.id for node in nodes if node.id not in absorbed)]:
        for node in _chain(head, by_id, done):
            done[node.id] = node
    return list(done.values())


def _chain(head: str | None, by_id: dict[str, Node], done: dict[str, Node]) -> Iterator[Node]:
    current = head
    while current is not None and current not in done:
        node = by_id[current]
        yield node
        current = onward(node) if node.type != "goto" else None
