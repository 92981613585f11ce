"""Workflow definitions, contacts and moments for tests of the pure engine core."""

from datetime import UTC, datetime
from typing import Any

from drippulse.workflows.graph import Graph, compile_graph
from drippulse.workflows.steps.base import StepContext
from drippulse.workflows.templates import Templates
from drippulse.workflows.walk import Subject

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday
TEMPLATES = Templates(clock=lambda: NOW)


def step(kind: str, step_id: str | None = None, **config: Any) -> dict[str, Any]:
    return {"type": kind, "config": config, **({"id": step_id} if step_id else {})}


def condition(field: str, operator: str, *value: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, **({"value": value[0]} if value else {})}


def graph_of(*steps: dict[str, Any]) -> Graph:
    return compile_graph(list(steps))


def subject(timezone: str = "UTC") -> Subject:
    return Subject(organization_id=1, enrollment_id=7, workflow_id=3, timezone=timezone, templates=TEMPLATES)


def context(
    bag: dict[str, Any] | None = None, *, now: datetime = NOW, timezone: str = "UTC", visit: int = 1
) -> StepContext:
    return StepContext(
        now=now,
        entered_at=now,
        organization_id=1,
        enrollment_id=7,
        workflow_id=3,
        visit=visit,
        attempt=1,
        timezone=timezone,
        bag=bag or {},
        templates=TEMPLATES,
        step_id="here",
    )
