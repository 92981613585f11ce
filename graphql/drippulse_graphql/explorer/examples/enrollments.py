"""People in workflows: enrolled, watched, explained, held and let go on."""

from drippulse_graphql.explorer.example import Example, Section
from drippulse_graphql.explorer.examples.workflows import WORKFLOW_ID

ENROLL = Example(
    "Enroll contacts",
    """\
mutation Enroll($input: EnrollContactsInput!) {
  enrollContacts(input: $input) {
    createdCount
    results { index status enrollmentId reason }
    userErrors { field code message }
  }
}
""",
    {
        "input": {
            "workflowId": WORKFLOW_ID,
            "contacts": [
                {"email": "ada@example.com", "first_name": "Ada"},
                {"email": "grace@example.com", "first_name": "Grace"},
            ],
        }
    },
)
ENROLLMENT_ID = ENROLL.answer("enrollContacts.results.0.enrollmentId")
ENROLLMENTS = Example(
    "Enrollments and their timelines",
    """\
query Enrollments($filter: EnrollmentFilter) {
  enrollments(first: 10, filter: $filter) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes {
      id
      status
      contact { email firstName }
      workflow { name }
      currentStep { number name type }
      timeline { name type status startedAt }
      deliveries { to status sentAt }
    }
  }
}
""",
    {"filter": {"status": "ACTIVE", "q": "example.com"}},
)
EXPLAIN = Example(
    "Why is this run where it is?",
    """\
query Explain($id: ID!) {
  enrollmentExplanation(id: $id) {
    summary
    here { name type since sentence }
    waiting { reason until sentence holds { sentence liftedBy } }
    next { name what at sure }
    nextSend { name at sentence }
  }
}
""",
    {"id": ENROLLMENT_ID},
)
PAUSE = Example(
    "Pause a run",
    """\
mutation PauseRun($input: PauseEnrollmentInput!) {
  pauseEnrollment(input: $input) {
    enrollment { id status nextRunAt }
    userErrors { field code message }
  }
}
""",
    {"input": {"id": ENROLLMENT_ID}},
)
HOLDS = Example(
    "What is paused",
    """\
query Holds($workflowId: ID!) {
  workflowHolds(workflowId: $workflowId) {
    status
    pausedSteps
    held { paused stepPaused workflowPaused organizationPaused }
  }
  organizationHolds { paused pausedAt held { paused workflowPaused } }
}
""",
    {"workflowId": WORKFLOW_ID},
)
RESUME = Example(
    "Resume a run",
    """\
mutation ResumeRun($input: ResumeEnrollmentInput!) {
  resumeEnrollment(input: $input) {
    enrollment { id status wait { until reason } }
    userErrors { field code message }
  }
}
""",
    {"input": {"id": PAUSE.answer("pauseEnrollment.enrollment.id"), "clock": "FREEZE"}},
)
ACT_ON_MANY = Example(
    "Act on many runs by a filter",
    """\
mutation CancelMany($input: ActOnEnrollmentsInput!) {
  actOnEnrollments(input: $input) {
    result { action dryRun matched changed skipped { reason count } }
    userErrors { field code message }
  }
}
""",
    {"input": {"id": WORKFLOW_ID, "action": "CANCEL", "filter": {"q": "grace@example.com"}, "dryRun": True}},
)

SECTION = Section("Enrollments", (ENROLL, ENROLLMENTS, EXPLAIN, PAUSE, HOLDS, RESUME, ACT_ON_MANY))
