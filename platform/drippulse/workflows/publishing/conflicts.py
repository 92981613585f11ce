"""Waits that do not fit: what the new version's timing steps would say to those who land on them. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drippulse.workflows.graph import Graph
from drippulse.workflows.publishing.state import Target
from drippulse.workflows.steps.base import Category
from drippulse.workflows.templates import Templates
from drippulse.workflows.walk import StepRecord, StepStatus, Subject, WalkState, advance

SENTENCES = {
    "passed": "land on it although its date has passed; they go on at once",
    "due_in_the_past": "are waiting now and would go on at once, since the new wait is already over for them",
    "skipped": "would skip it",
    "fails": "would fail on it",
}


@dataclass(frozen=True, slots=True)
class Traveller:
    """Somebody in flight, and where the publication takes them. `entered_at` is what the new step counts from."""

    enrollment_id: int
    visit: int
    timezone: str
    organization_timezone: str
    entered_at: datetime
    due_at: datetime | None
    bag: Mapping[str, Any]
    target: Target


class Conflicts:
    """Add traveller after traveller, then ask for the answer."""

    def __init__(self, graph: Graph, templates: Templates, organization_id: int, workflow_id: int) -> None:
        self._graph = graph
        self._templates = templates
        self._organization_id = organization_id
        self._workflow_id = workflow_id
        self._found: Counter[tuple[str, str, str]] = Counter()

    def add(self, one: Traveller, now: datetime) -> None:
        node = self._graph.nodes[one.target.index]
        if node.effect or node.step.category is not Category.TIMING:
            return
        state = WalkState(one.target.index, one.visit, 1, one.entered_at, dict(one.bag), {node.id: 1})
        subject = Subject(
            self._organization_id,
            one.enrollment_id,
            self._workflow_id,
            one.timezone,
            self._templates,
            organization_timezone=one.organization_timezone,
        )
        records = advance(self._graph, state, subject, now, max_steps=1).records
        kind = _kind(records[0], one.due_at is not None and one.due_at > now) if records else None
        if kind is not None:
            self._found[(node.id, kind, _reason(records[0], kind))] += 1

    def answer(self) -> list[dict[str, Any]]:
        return [
            {
                "step_id": step,
                "kind": kind,
                "count": count,
                "message": f'On step "{step}": {count} {SENTENCES[kind]}{reason}.',
            }
            for (step, kind, reason), count in self._found.most_common()
        ]


def _kind(record: StepRecord, waits_now: bool) -> str | None:
    if record.status is StepStatus.FAILED:
        return "fails"
    if record.status is StepStatus.SKIPPED:
        return "skipped"
    if record.status is StepStatus.WAITING:
        return None
    waited: Mapping[str, Any] = record.output.get("wait_until") or {}
    if waited.get("already_past"):
        return "passed"
    return "due_in_the_past" if waits_now else None


def _reason(record: StepRecord, kind: str) -> str:
    if kind == "fails" and record.error:
        return f": {str(record.error['message']).rstrip('.')}"
    return f" ({record.logs[-1]})" if kind == "skipped" and record.logs else ""
