"""What happened to an enrollment: timeline, deliveries, engagement; and the state that the engine keeps of it."""

from datetime import datetime

import orjson
import strawberry
from strawberry.scalars import JSON

from drippulse.enrollments.expressions import DURATION_MS, LEASED_UNTIL, TIMELINE, TIMELINE_NEWEST_FIRST
from drippulse_graphql.kit.fields import Table, column, embedded
from drippulse_graphql.kit.rows import Children
from drippulse_graphql.kit.selection import Selection


@strawberry.type(
    description="One attempt of one visit of a step; the last one of an unfinished run is the step it is on."
)
class TimelineEntry:
    id: strawberry.ID | None = column("s.id::text", description="Null while the step is not finished.")
    visit: int = column("s.visit", description="Number of the step visit, from 1.")
    step_index: int = column("s.step_index")
    step_id: strawberry.ID = column("s.step_id")
    name: str = column("s.name")
    type: str = column("s.type")
    status: str = column(
        "s.status", description="completed, skipped, failed, retrying, unknown; now: due, running, waiting, paused."
    )
    attempt: int = column("s.attempt")
    started_at: datetime = column("s.started_at")
    finished_at: datetime | None = column("s.finished_at")
    duration_ms: float | None = column(DURATION_MS, description="Whole milliseconds.")
    input: JSON | None = column("s.input", decode=orjson.loads)
    output: JSON | None = column("s.output", decode=orjson.loads)
    error: JSON | None = column("s.error", decode=orjson.loads)


@strawberry.type(description="One mail of one step visit.")
class Delivery:
    id: strawberry.ID = column("d.id::text")
    visit: int = column("d.visit")
    step_index: int = column("d.step_index")
    step_id: strawberry.ID = column("d.step_id")
    to: str = column("d.recipient")
    subject: str = column("d.subject")
    message_id: str = column("d.message_id")
    status: str = column("d.status", description="intent, sent, retrying, unknown, failed or suppressed.")
    attempts: int = column("d.attempts")
    response: str | None = column("d.response", description="What the mail server answered.")
    created_at: datetime = column("d.created_at")
    updated_at: datetime = column("d.updated_at")
    sent_at: datetime | None = column("d.sent_at")
    feedback: str | None = column(
        "d.feedback", description="Reported later: delivered, soft_bounced, bounced, complained, replied."
    )
    feedback_at: datetime | None = column("d.feedback_at")


@strawberry.type(description="What a recipient, or a machine before it, did with a mail.")
class NurtureEvent:
    id: strawberry.ID = column("n.id::text")
    delivery_id: strawberry.ID = column("n.delivery_id::text")
    type: str = column("n.type", description="open, click, unsubscribe, bounce or complaint.")
    at: datetime = column("n.at")
    url: str | None = column("n.url")
    human: bool = column("n.human", description="False for scanners and prefetchers.")


@strawberry.type(description="Whether a worker holds the run.")
class Lease:
    held: bool = column(f"({LEASED_UNTIL}) IS NOT NULL")
    until: datetime | None = column(LEASED_UNTIL)
    fence: int = column("e.fence::int", description="Rises with every claim.")


@strawberry.type(description="What the engine keeps of a run.")
class RuntimeState:
    bag: JSON = column("e.bag", decode=orjson.loads, description="The contact's fields with step outputs merged in.")
    visits: JSON = column("e.visits", decode=orjson.loads, description="Step id -> how often it was visited.")
    next_run_at: datetime | None = column("e.next_run_at")
    lease: Lease = embedded()


TIMELINES = Children(
    Table(TIMELINE, organization="s.organization_id", key="s.id"),
    Selection(TimelineEntry),
    parent="s.enrollment_id",
    newest_first=TIMELINE_NEWEST_FIRST,
)
DELIVERIES = Children(
    Table("delivery d", organization="d.organization_id", key="d.id"),
    Selection(Delivery),
    parent="d.enrollment_id",
    newest_first="d.id DESC",
)
NURTURE_EVENTS = Children(
    Table("nurture_event n", organization="n.organization_id", key="n.id"),
    Selection(NurtureEvent),
    parent="n.enrollment_id",
    newest_first="n.id DESC",
)
