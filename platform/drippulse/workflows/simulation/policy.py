"""Whether what was asked fits together: the horizon, and models that name steps and events which exist. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from drippulse.kit.errors import ValidationError
from drippulse.kit.text import did_you_mean
from drippulse.workflows.graph import Graph, Node
from drippulse.workflows.simulation.schemas import LONGEST, MAX_YEARS, Models
from drippulse.workflows.steps.approval import ApprovalStep
from drippulse.workflows.steps.webhook_callback import WebhookCallbackStep

WAITS_FOR_EVENT = "wait_for_event"


def check_span(start_at: datetime, until: datetime) -> None:
    """Raises ValidationError."""
    if until <= start_at:
        _refuse({"until": ["Must be after `start_at`."]})
    if until - start_at > LONGEST:
        _refuse({"until": [f"Must be at most {MAX_YEARS} years after `start_at`."]})


def check_models(models: Models, graphs: Sequence[Graph], listened: Iterable[str]) -> None:
    """Raises ValidationError for models of steps and events that none of the graphs has.

    Args:
        listened: event types that goals and exit criteria listen to.
    """
    nodes = [node for graph in graphs for node in graph.nodes]
    errors: dict[str, list[str]] = {}
    waits = [node for node in nodes if node.type == WAITS_FOR_EVENT]
    events = {node.id for node in waits} | {str(node.config.event) for node in waits} | set(listened)
    _unknown(errors, "events", models.events, events, "wait_for_event step and no event that anything waits for")
    approvals = {node.id for node in nodes if isinstance(node.step, ApprovalStep)}
    _unknown(errors, "approvals", models.approvals, approvals, "approval step")
    calls = {node.id for node in nodes if node.effect and not node.local}
    _unknown(errors, "calls", models.calls, calls, "step that calls somebody (a mail, a webhook, an integration)")
    errors |= {place: [sentence] for place, sentence in _misplaced(models, nodes)}
    if errors:
        _refuse(errors)


def _unknown(errors: dict[str, list[str]], kind: str, given: Iterable[str], known: set[str], what: str) -> None:
    for key in given:
        if key not in known:
            errors[f"models.{kind}.{key}"] = [f"Is no {what}.{did_you_mean(key, known)}"]


def _misplaced(models: Models, nodes: Sequence[Node]) -> Iterator[tuple[str, str]]:
    """Answers with an HTTP status, for steps that get none."""
    webhooks = {node.id for node in nodes if isinstance(node.step, WebhookCallbackStep)}
    for key, outcomes in models.calls.items():
        for index, outcome in enumerate(outcomes):
            if outcome.status is not None and key not in webhooks:
                yield f"models.calls.{key}.{index}.status", "Only a webhook_callback step has an HTTP status."


def _refuse(errors: dict[str, list[str]]) -> None:
    place, sentences = next(iter(errors.items()))
    raise ValidationError(f"{place}: {sentences[0]}", errors=errors)
