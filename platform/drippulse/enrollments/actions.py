"""What an operator may do to a run, and why not. Pure."""

from enum import StrEnum

from drippulse.enrollments.presentation import Row
from drippulse.enrollments.tables import OUTCOME_UNKNOWN, EnrollmentStatus, Hold

LIVE = (EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED)


class Action(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    RESEND = "resend"
    SKIP = "skip"


class Refusal(StrEnum):
    """Why an action changes nothing. The first three say that the run is as wanted already."""

    ALREADY_PAUSED = "already_paused"
    NOT_PAUSED = "not_paused"
    ALREADY_CANCELLED = "already_cancelled"
    FINISHED = "enrollment_finished"
    NOT_FAILED = "enrollment_not_failed"
    NOTHING_TO_DECIDE = "outcome_not_open"
    UNDER_WAY = "another_run_under_way"
    GONE = "enrollment_not_found"


HARMLESS = frozenset({Refusal.ALREADY_PAUSED, Refusal.NOT_PAUSED, Refusal.ALREADY_CANCELLED})

SENTENCES = {
    Refusal.FINISHED: "This run has ended, so there is nothing to stop or to resume. Enroll the contact again instead.",
    Refusal.NOT_FAILED: "Only a failed run can be retried; this one has not failed.",
    Refusal.UNDER_WAY: "This contact has another run under way, and the workflow takes everybody once at a time. Let "
    "that one end, or cancel it, and retry then.",
    Refusal.NOTHING_TO_DECIDE: "This run does not wait for a decision about a send whose outcome is unknown.",
}


def refusal(action: Action, row: Row) -> Refusal | None:
    """Why `action` does not fit a run, given its status, holds and wait_reason."""
    status = EnrollmentStatus(row["status"])
    match action:
        case Action.RETRY:
            return None if status is EnrollmentStatus.FAILED else Refusal.NOT_FAILED
        case Action.RESEND | Action.SKIP:
            open_question = status in LIVE and row["wait_reason"] == OUTCOME_UNKNOWN
            return None if open_question else Refusal.NOTHING_TO_DECIDE
        case Action.CANCEL if status is EnrollmentStatus.CANCELLED:
            return Refusal.ALREADY_CANCELLED
        case _ if status not in LIVE:
            return Refusal.FINISHED
        case Action.PAUSE if row["holds"] & Hold.ENROLLMENT:
            return Refusal.ALREADY_PAUSED
        case Action.RESUME if not row["holds"] & Hold.ENROLLMENT:
            return Refusal.NOT_PAUSED
        case _:
            return None
