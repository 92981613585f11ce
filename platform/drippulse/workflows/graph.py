"""Steps compiled into an immutable graph, or refused with every finding named."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from drippulse.kit.text import did_you_mean
from drippulse.workflows.config_errors import describe_errors
from drippulse.workflows.errors import InvalidStepGraphError
from drippulse.workflows.normalize import CanonicalStep, first_sentence, normalize_steps
from drippulse.workflows.settings import ExitCriterion, Goal
from drippulse.workflows.steps.base import EffectStep, LocalStep, StepConfig, StepType
from drippulse.workflows.steps.registry import all_types, find


@dataclass(frozen=True, slots=True)
class Node:
    """One step, ready to run. `effect` tells a step that prepares an effect from a pure one without asking the class;
    `local` that the effect is in our own database."""

    index: int
    id: str
    type: str
    name: str
    config: Any
    step: Any
    effect: bool
    local: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    """The steps in order, and their places by id. `exits` is what ends a run before any step."""

    nodes: tuple[Node, ...]
    index: dict[str, int]
    exits: tuple[ExitCriterion | Goal, ...] = ()

    def __len__(self) -> int:
        return len(self.nodes)


def only_to(graph: Graph, position: int) -> Graph:
    """The same, ending after the step at `position`, whose unknown outcome is final; nothing ends it before."""
    if position >= len(graph):
        return graph
    node = graph.nodes[position]
    if hasattr(node.config, "on_unknown"):
        node = replace(node, config=node.config.model_copy(update={"on_unknown": "skip"}))
    return replace(graph, nodes=(*graph.nodes[:position], node), exits=())


def compile_graph(steps: Any, *, check: bool = True) -> Graph:
    """Compile canonical or raw steps (they are normalized first); no steps make an empty graph.

    Args:
        check: False for steps that were accepted before, so that a rule added later never stops what is under way:
            configs are still parsed, but templates, URLs, providers, jumps, cycles and reachability are not judged
            again.

    Raises:
        InvalidStepGraphError: `errors` has every finding, the message names the first.
    """
    canonical = normalize_steps(steps)
    errors: dict[str, list[str]] = {}
    nodes = [_node(index, step, errors) for index, step in enumerate(canonical)]
    usable = [node for node in nodes if node is not None]
    index = {step["id"]: position for position, step in enumerate(canonical)}
    if check:
        for node in usable:
            _judge(node, index, errors)
        if not errors:
            _refuse_spinning(usable, index, errors)
            _refuse_unreachable(usable, index, errors)
    if errors:
        raise InvalidStepGraphError(first_sentence(errors, canonical), errors=errors)
    return Graph(nodes=tuple(usable), index=index)


def _node(index: int, step: CanonicalStep, errors: dict[str, list[str]]) -> Node | None:
    step_type: StepType[StepConfig] | None = find(step["type"])
    if step_type is None:
        known = all_types()
        errors[f"steps.{index}.type"] = [
            f'"{step["type"]}" is not a step type.{did_you_mean(step["type"], known)} Known are {", ".join(known)}'
        ]
        return None
    given = {key: value for key, value in step["config"].items() if value is not None}
    try:
        config = step_type.config_model.model_validate(given)
    except ValidationError as error:
        for path, message in describe_errors(step_type.config_model, error):
            errors.setdefault(f"steps.{index}.config{path}", []).append(message)
        return None
    return Node(
        index=index,
        id=step["id"],
        type=step["type"],
        name=step["name"],
        config=config,
        step=step_type,
        effect=isinstance(step_type, EffectStep | LocalStep),
        local=isinstance(step_type, LocalStep),
    )


def _judge(node: Node, index: dict[str, int], errors: dict[str, list[str]]) -> None:
    for problem in node.step.problems(node.config):
        errors.setdefault(f"steps.{node.index}.config.{problem.path}", []).append(problem.message)
    for path, target in node.step.targets(node.config):
        if target not in index:
            errors.setdefault(f"steps.{node.index}.config.{path}", []).append(
                f'jumps to the step "{target}", which does not exist.{did_you_mean(target, index)}'
            )


def _refuse_spinning(nodes: list[Node], index: dict[str, int], errors: dict[str, list[str]]) -> None:
    """A cycle must pass through a step that takes time, or over a jump that is taken a limited number of times, or an
    enrollment would run round it without end."""
    cycle = _cycle([list(_endless(node, nodes, index)) for node in nodes])
    if cycle:
        names = " -> ".join(f'{position + 1} ("{nodes[position].name}")' for position in [*cycle, cycle[0]])
        way_out = "Put a wait step into the cycle, or let a goto step with `max_visits` close it"
        errors[f"steps.{cycle[-1]}"] = [f"closes a cycle without a wait: {names}. {way_out}"]


def _refuse_unreachable(nodes: list[Node], index: dict[str, int], errors: dict[str, list[str]]) -> None:
    """Every step must be on some way from the first one; what no enrollment can come to is a mistake."""
    edges = [list(_successors(node, nodes, index)) for node in nodes]
    reached = _reachable(edges)
    for node in nodes:
        if node.index not in reached:
            before = nodes[node.index - 1]
            cause = "always goes elsewhere or ends" if before.index in reached else "is not reached either"
            why = f'step {before.index + 1} ("{before.name}") before it {cause}, and no step that is reached jumps here'
            errors[f"steps.{node.index}"] = [
                f'is never reached: {why}. Let one go to "{node.id}", or take the step out'
            ]


def _reachable(edges: list[list[int]]) -> set[int]:
    """The positions that can be come to from the first."""
    found = {0} if edges else set[int]()
    ahead = list(found)
    while ahead:
        following = set(edges[ahead.pop()]) - found
        found |= following
        ahead += following
    return found


def _endless(node: Node, nodes: list[Node], index: dict[str, int]) -> Iterator[int]:
    """Where a node can lead without time passing, any number of times."""
    if not _suspends(node):
        bounded = bool(node.step.jumps_are_bounded(node.config))
        yield from _successors(node, nodes, {node.id: node.index} if bounded else index)


def _suspends(node: Node) -> bool:
    return bool(node.step.suspends(node.config))


def _successors(node: Node, nodes: list[Node], index: dict[str, int]) -> Iterator[int]:
    for _, target in node.step.targets(node.config):
        if target in index:
            yield index[target]
    if node.step.falls_through(node.config) and node.index + 1 < len(nodes):
        yield node.index + 1
    if node.step.may_skip_next(node.config) and node.index + 2 < len(nodes):
        yield node.index + 2


def _cycle(edges: list[list[int]]) -> list[int]:
    """The positions of one cycle in order, or nothing. Depth first, without recursion."""
    done: set[int] = set()
    for root in range(len(edges)):
        path: list[int] = []
        on_path: dict[int, int] = {}
        stack: list[tuple[int, int]] = [(root, 0)]
        while stack:
            position, depth = stack.pop()
            while len(path) > depth:
                left = path.pop()
                del on_path[left]
                done.add(left)
            if position in on_path:
                return path[on_path[position] :]
            if position in done:
                continue
            on_path[position] = len(path)
            path.append(position)
            stack.extend((following, len(path)) for following in edges[position])
        done.update(path)
    return []
