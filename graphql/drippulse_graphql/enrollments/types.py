"""The type `Enrollment`: the facts of REST's rows, each declared as SQL over the same row."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from drippulse.enrollments.expressions import TIMED, WAIT_REASON, WAITING
from drippulse_graphql.enrollments.enums import EnrollmentStatus
from drippulse_graphql.enrollments.history import (
    DELIVERIES,
    NURTURE_EVENTS,
    TIMELINES,
    Delivery,
    NurtureEvent,
    RuntimeState,
    TimelineEntry,
)
from drippulse_graphql.kit.fields import Table, column, embedded, global_id
from drippulse_graphql.kit.node import Node
from drippulse_graphql.kit.nodes import node_type
from drippulse_graphql.kit.relations import newest, to_one

if TYPE_CHECKING:
    from drippulse_graphql.workflows.types import Workflow

TABLE = Table(
    # One version each, and said so: a join whose rows PostgreSQL has to guess sorts the whole list for one page of it.
    "enrollment e CROSS JOIN LATERAL (SELECT o.steps FROM workflow_version o"
    " WHERE o.organization_id = e.organization_id AND o.workflow_id = e.workflow_id AND o.version = e.workflow_version"
    " LIMIT 1) AS v",
    organization="e.organization_id",
    key="e.id",
    # CASE, for PostgreSQL guesses of "none of these" alone that it leaves no row.
    live="e.deleted_at IS NULL AND CASE WHEN e.workflow_id = ANY (ARRAY ("
    "SELECT w.id FROM workflow w WHERE w.organization_id = $1 AND w.deleted_at IS NOT NULL)) THEN false ELSE true END",
    counted="enrollment e",
)
NAME = r"coalesce(nullif(btrim(e.first_name || ' ' || e.last_name, E' \t\n\r\f\x0b'), ''), e.bag ->> 'name', '')"
TOTAL = "jsonb_array_length(v.steps)"
DONE = f"CASE WHEN e.status = 'completed' THEN {TOTAL} ELSE least(e.current_step_index, {TOTAL}) END"
PERCENT = f"CASE WHEN ({DONE}) = {TOTAL} THEN 100 ELSE ({DONE}) * 100 / {TOTAL} END"
OFF_STEPS = f"e.current_step_index NOT BETWEEN 0 AND {TOTAL} - 1"
SECONDS = f"CASE WHEN {TIMED} THEN least(ceil(extract(epoch FROM e.next_run_at - now())), 2147483647)::int ELSE 0 END"


@strawberry.type(description="Who is enrolled.")
class EnrolledContact:
    email: str = column("e.email")
    first_name: str = column("e.first_name")
    last_name: str = column("e.last_name")
    name: str = column(NAME, description="First and last name, else the field name that was sent.")


@strawberry.type(description="The step that a run stands on.")
class CurrentStep:
    index: int = column("e.current_step_index")
    number: int = column("e.current_step_index + 1")
    name: str = column("v.steps -> e.current_step_index ->> 'name'")
    type: str = column("v.steps -> e.current_step_index ->> 'type'")


@strawberry.type
class Progress:
    completed_steps: int = column(DONE)
    total_steps: int = column(TOTAL)
    percent: int = column(PERCENT)


@strawberry.type(description="Whether an active run is held by a wait, a schedule or a retry, and until when.")
class Wait:
    waiting: bool = column(WAITING)
    until: datetime | None = column(f"CASE WHEN {TIMED} THEN e.next_run_at END")
    seconds_remaining: int = column(SECONDS)
    reason: str | None = column(WAIT_REASON)


@strawberry.type
class LastError:
    code: str = column("e.last_error ->> 'code'")
    message: str = column("e.last_error ->> 'message'")
    step_index: int | None = column("(e.last_error ->> 'step_index')::int")
    at: datetime | None = column("(e.last_error ->> 'at')::timestamptz")


@strawberry.type(description="One contact's run through one version of a workflow.")
class Enrollment(Node):
    id: strawberry.ID = global_id("e.id")
    database_id: strawberry.ID = column("e.id::text", description="The integer id that REST uses.")
    workflow: Annotated["Workflow", strawberry.lazy("drippulse_graphql.workflows.types")] = to_one(
        "Workflow", key="e.workflow_id"
    )
    workflow_version: int = column("e.workflow_version", description="The version that this run is pinned to.")
    agent_id: strawberry.ID | None = column("e.agent_id::text")
    lead_ref: str | None = column("e.lead_ref")
    status: EnrollmentStatus = column("e.status", decode=EnrollmentStatus)
    contact: EnrolledContact = embedded()
    current_step_index: int = column("e.current_step_index")
    current_step: CurrentStep | None = embedded(absent=OFF_STEPS, description="Null past the last step.")
    progress: Progress = embedded()
    wait: Wait = embedded()
    last_error: LastError | None = embedded(absent="e.last_error IS NULL OR e.last_error = 'null'")
    attempt: int = column("e.attempt", description="Executions begun of the current step visit.")
    timezone: str = column("e.timezone")
    next_run_at: datetime | None = column("e.next_run_at")
    created_at: datetime = column("e.created_at")
    updated_at: datetime = column("e.updated_at")
    finished_at: datetime | None = column("e.finished_at")
    timeline: list[TimelineEntry] = newest(
        TIMELINES, key="e.id", description="The newest `last` entries, oldest first."
    )
    deliveries: list[Delivery] = newest(DELIVERIES, key="e.id", description="The newest `last` mails, oldest first.")
    nurture_events: list[NurtureEvent] = newest(
        NURTURE_EVENTS, key="e.id", description="The newest `last` events, oldest first."
    )
    runtime_state: RuntimeState = embedded()


ENROLLMENT = node_type(Enrollment, TABLE)
