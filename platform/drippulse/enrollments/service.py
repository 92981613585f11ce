"""What enrollments do: start runs in bulk, show them, remove one."""

from typing import Any

from drippulse.enrollments import cancellation, presentation, queries, unknown_queries
from drippulse.enrollments.contacts import Batch, invalid_results
from drippulse.enrollments.errors import NoEnrollmentsCreatedError
from drippulse.enrollments.presentation import StepOutline, outline
from drippulse.enrollments.queries import Filters
from drippulse.enrollments.starting import Started, StartStatus, start_enrollments
from drippulse.enrollments.tables import EnrollmentStatus
from drippulse.enrollments.wake import Waker
from drippulse.events import service as events
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import ValidationError, not_found
from drippulse.kit.ids import is_id
from drippulse.kit.pagination import PageRequest, encode_cursor
from drippulse.kit.validation import refuse_unknown_status
from drippulse.organizations.policy import Principal
from drippulse.workflows.service import require_workflow

LIST_LIMIT = 500
"""The most rows a list without paging parameters has, as documented."""
MAX_STEP_INDEX = 10_000


async def bulk_enroll(
    session: Session, principal: Principal, waker: Waker, workflow_id: int, batch: Batch
) -> dict[str, Any]:
    """Start one run for each contact, as `start_enrollments` does.

    Raises:
        NotFoundError: no such workflow.
        WorkflowArchivedError: it is archived.
        NoEnrollmentsCreatedError: the workflow's re-entry rules let none of the rows in.
    """
    started = await start_enrollments(session, principal, workflow_id, batch.rows)
    answer = _bulk_answer(started, batch)
    if not started.ids:
        sentence = "No enrollments were created: every row was skipped or invalid; `results` has the reasons."
        raise NoEnrollmentsCreatedError(sentence, extra=answer)
    session.after_commit(waker.wake)
    return answer


def _bulk_answer(started: Started, batch: Batch) -> dict[str, Any]:
    results: list[dict[str, Any]] = [
        {"index": row.index, "status": row.status, "enrollment_id": row.enrollment_id, "reason": row.reason}
        for row in started.rows
    ]
    answer: dict[str, Any] = {
        "created_count": len(started.ids),
        "enrollment_ids": started.ids,
        "workflow_id": started.workflow_id,
        "workflow_version": started.workflow_version,
    }
    invalid = len(batch.invalid) + sum(row.status is StartStatus.INVALID for row in started.rows)
    skipped = sum(row.status is StartStatus.SKIPPED for row in started.rows)
    if batch.invalid:
        results = sorted(results + invalid_results(batch.invalid), key=lambda result: result["index"])
    if invalid:
        answer["skipped_invalid_rows"] = invalid
    if skipped:
        answer["skipped_rows"] = skipped
    return {**answer, "results": results}


async def list_enrollments(
    session: Session, principal: Principal, workflow_id: int, filters: Filters, request: PageRequest
) -> dict[str, Any]:
    """`{enrollments, total, total_count, unknown_sends, step_funnel}`. The filters decide about `total_count` alone."""
    check_filters(filters)
    workflow = await require_workflow(session, principal, workflow_id)
    organization = principal.organization_id
    rows = await queries.page(session, organization, workflow_id, filters, request)
    more = request.limit is not None and len(rows) > request.limit
    rows = rows[: request.limit]
    outlines = await _outlines(session, organization, workflow, rows)
    funnel = presentation.step_funnel(
        outlines[workflow["version"]], await queries.counts(session, organization, workflow_id)
    )
    total = funnel["totals"]["total_enrollments"]
    answer: dict[str, Any] = {
        "enrollments": [presentation.enrollment(row, outlines[row["workflow_version"]]) for row in rows],
        "total": total,
        "total_count": await queries.count(session, organization, workflow_id, filters) if filters.any else total,
        "unknown_sends": int(await session.fetchval(unknown_queries.COUNT, organization, workflow_id)),
        "step_funnel": funnel,
    }
    if request.paginated:
        answer["next_cursor"] = encode_cursor(rows[-1]["id"]) if more else None
    return answer


async def get_enrollment(
    session: Session, principal: Principal, workflow_id: int, enrollment_id: int
) -> dict[str, Any]:
    """One run with its timeline, deliveries, engagement and runtime state. Raises NotFoundError."""
    workflow = await require_workflow(session, principal, workflow_id)
    organization = principal.organization_id
    row = await queries.detail(session, organization, workflow_id, enrollment_id) if is_id(enrollment_id) else None
    if row is None:
        raise not_found("enrollment")
    steps = (await _outlines(session, organization, workflow, [row]))[row["workflow_version"]]
    timeline = await queries.timeline(session, organization, row["id"])
    deliveries = await queries.deliveries(session, organization, row["id"])
    nurture_events = await queries.nurture_events(session, organization, row["id"])
    return {
        **presentation.enrollment(row, steps),
        "timeline": [presentation.timeline_entry(entry) for entry in timeline],
        "deliveries": [presentation.delivery(entry) for entry in deliveries],
        "nurture_events": [presentation.nurture_event(entry) for entry in nurture_events],
        "runtime_state": presentation.runtime_state(row),
    }


async def delete_enrollment(session: Session, principal: Principal, workflow_id: int, enrollment_id: int) -> None:
    """Remove one run: it disappears, and nothing further happens for it. Raises NotFoundError."""
    await require_workflow(session, principal, workflow_id)
    known = is_id(enrollment_id)
    row = await cancellation.remove(session, principal.organization_id, workflow_id, enrollment_id) if known else None
    if row is None:
        raise not_found("enrollment")
    data = {"workflow_id": workflow_id, "lead_ref": row["lead_ref"], "reason": "deleted"}
    await events.append(session, "enrollment.cancelled", "enrollment", enrollment_id, principal, data)


async def _outlines(
    session: Session, organization_id: int, workflow: Record, rows: list[Record]
) -> dict[int, list[StepOutline]]:
    """Version -> steps, for the newest one and those that `rows` are pinned to."""
    known = {int(workflow["version"]): outline(workflow["steps"])}
    older = {row["workflow_version"] for row in rows} - known.keys()
    if older:
        found = await queries.versions(session, organization_id, workflow["id"], sorted(older))
        known.update({version: outline(steps) for version, steps in found.items()})
    return known


def check_filters(filters: Filters) -> None:
    """Raises ValidationError for a step_index or a status that cannot be."""
    if filters.step_index is not None and not 0 <= filters.step_index <= MAX_STEP_INDEX:
        sentence = f"step_index must be a whole number from 0 to {MAX_STEP_INDEX}."
        raise ValidationError(sentence, errors={"step_index": [sentence]})
    refuse_unknown_status(filters.status, EnrollmentStatus)
