"""What only shows beside the steps themselves: whether they may go live, and whether what they name exists."""

from collections.abc import Iterator, Sequence
from typing import Any

from drippulse.kit.db import Session
from drippulse.workflows.errors import InvalidStepGraphError
from drippulse.workflows.normalize import CanonicalStep, first_sentence
from drippulse.workflows.steps.registry import find
from drippulse.workflows.tables import WorkflowStatus

LIVE = frozenset({WorkflowStatus.ACTIVE, WorkflowStatus.PAUSED})

TARGETS = """SELECT w.id, w.status FROM workflow w
WHERE w.organization_id = $1 AND w.id = ANY ($2::bigint[]) AND w.deleted_at IS NULL"""


def refuse_unavailable(steps: Sequence[CanonicalStep], status: str) -> None:
    """Raises InvalidStepGraphError for a step type that cannot run yet, when the workflow goes live with `status`."""
    if status not in LIVE:
        return
    errors: dict[str, list[str]] = {}
    for index, step in enumerate(steps):
        step_type = find(step["type"])
        if step_type is not None and step_type.unavailable:
            errors[f"steps.{index}.type"] = [step_type.unavailable]
    if errors:
        raise InvalidStepGraphError(first_sentence(errors, list(steps)), errors=errors)


async def refuse_unknown_workflows(session: Session, organization_id: int, steps: Sequence[CanonicalStep]) -> None:
    """Raises InvalidStepGraphError for a step that enrolls in a workflow that does not exist or is archived."""
    wanted = dict(_enrolls(steps))
    if not wanted:
        return
    rows = await session.fetch(TARGETS, organization_id, sorted(set(wanted.values())))
    statuses = {row["id"]: row["status"] for row in rows}
    errors: dict[str, list[str]] = {}
    for index, workflow_id in wanted.items():
        status = statuses.get(workflow_id)
        if status is None:
            problem = f"names the workflow {workflow_id}, which does not exist in your organization"
        elif status == WorkflowStatus.ARCHIVED:
            problem = f"names the workflow {workflow_id}, which is archived and takes no enrollments"
        else:
            continue
        errors[f"steps.{index}.config.workflow_id"] = [problem]
    if errors:
        raise InvalidStepGraphError(first_sentence(errors, list(steps)), errors=errors)


def _enrolls(steps: Sequence[CanonicalStep]) -> Iterator[tuple[int, int]]:
    """(place, workflow id) of every enroll step."""
    for index, step in enumerate(steps):
        workflow_id: Any = step["config"].get("workflow_id")
        if step["type"] == "enroll" and isinstance(workflow_id, int | str):
            yield index, int(workflow_id)
