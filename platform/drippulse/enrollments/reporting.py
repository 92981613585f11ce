"""What operators get to see of what was committed: counters, and a log line for every enrollment that failed."""

from collections import Counter
from collections.abc import Sequence

import structlog

from drippulse.enrollments import metrics
from drippulse.enrollments.commit import Progress
from drippulse.enrollments.tables import EnrollmentStatus

log = structlog.get_logger(__name__)


def report(written: Sequence[Progress]) -> None:
    """One increment for each kind: a batch has thousands of steps and few kinds."""
    steps = Counter(step for item in written for step in item.finished_steps)
    for (kind, status), times in steps.items():
        metrics.STEPS.labels(kind, status).inc(times)
    for status, times in Counter(item.status.value for item in written if item.finished).items():
        metrics.ENDED.labels(status).inc(times)
    for item in written:
        if item.status is EnrollmentStatus.FAILED:
            log.warning(
                "enrollment_failed",
                enrollment_id=item.id,
                workflow_id=item.workflow_id,
                organization_id=item.organization_id,
                step_id=item.step_id,
                error=item.last_error,
            )
