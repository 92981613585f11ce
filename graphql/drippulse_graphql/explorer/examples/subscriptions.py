"""What happens, as it happens."""

from drippulse_graphql.explorer.example import Example, Section
from drippulse_graphql.explorer.examples.workflows import WORKFLOW_ID

RECORD_CHANGED = Example(
    "Records as they change",
    """\
subscription RecordChanged($types: [String!], $after: String) {
  recordChanged(recordTypes: $types, after: $after) {
    cursor
    type
    at
    recordId
    record {
      id
      ... on Contact { email tags }
      ... on Enrollment { status contact { email } }
    }
  }
}
""",
    {"types": ["contact", "account", "enrollment", "workflow"]},
)
ENROLLMENT_ADVANCED = Example(
    "Runs as they go on",
    """\
subscription EnrollmentAdvanced($workflowId: ID, $after: String) {
  enrollmentAdvanced(workflowId: $workflowId, after: $after) {
    cursor
    type
    enrollment { id status contact { email } currentStep { number name } }
  }
}
""",
    {"workflowId": None},
)
WORKFLOW_FUNNEL = Example(
    "A workflow's funnel as it moves",
    """\
subscription WorkflowFunnel($workflowId: ID!, $after: String) {
  workflowFunnel(workflowId: $workflowId, after: $after) {
    cursor
    funnel {
      totals { active completed failed }
      steps { stepNumber name activeLeads waitingLeads }
    }
  }
}
""",
    {"workflowId": WORKFLOW_ID},
)
APPROVAL_REQUESTED = Example(
    "Approvals as they are asked for",
    """\
subscription ApprovalRequested($after: String) {
  approvalRequested(after: $after) {
    cursor
    request { id message role dueAt enrollment { contact { email } } }
  }
}
""",
)

SECTION = Section("Subscriptions", (RECORD_CHANGED, ENROLLMENT_ADVANCED, WORKFLOW_FUNNEL, APPROVAL_REQUESTED))
