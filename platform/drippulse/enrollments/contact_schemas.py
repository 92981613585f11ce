"""What goes into and comes out of enrolling stored contacts."""

from typing import Any

from pydantic import BaseModel, Field

from drippulse.enrollments.contact_runs import MOST_AT_ONCE, Outcome
from drippulse.kit.errors import ConflictError
from drippulse.kit.validation import Input


class ContactEnrollment(Input):
    """Whom to enroll where."""

    workflow_id: int
    contact_ids: list[str] = Field(description=f"1 to {MOST_AT_ONCE} contacts.")
    variables: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="Template variables of these runs: {{ vars.<key> }}."
    )


class ContactEnrollmentOut(BaseModel):
    """What became of one contact."""

    contact_id: str = Field(description="As it was sent.")
    status: str = Field(description="enrolled, skipped or failed")
    enrollment_id: int | None
    code: str | None = Field(description="Why it was not enrolled, such as already_enrolled.")
    message: str | None


class ContactEnrollmentsOut(BaseModel):
    """One result for each contact, in their order."""

    results: list[ContactEnrollmentOut]


def present_outcome(outcome: Outcome, contact_id: str) -> dict[str, Any]:
    """As `ContactEnrollmentOut`."""
    error = outcome.error
    unhappy = "skipped" if isinstance(error, ConflictError) else "failed"
    return {
        "contact_id": contact_id,
        "status": "enrolled" if error is None else unhappy,
        "enrollment_id": outcome.enrollment_id,
        "code": None if error is None else error.error_code,
        "message": None if error is None else error.message,
    }
