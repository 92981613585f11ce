"""What the page offers to run. Every one is run against the schema by a test."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Example:
    """An operation with variables that work on an instance where the README's tour was followed."""

    title: str
    query: str
    variables: dict[str, Any] = field(default_factory=dict[str, Any])


EXAMPLES = (
    Example(
        "Who am I?",
        """\
query WhoAmI {
  viewer {
    role
    organization { name }
  }
}
""",
    ),
    Example(
        "Workflows and where people are in them",
        """\
query Workflows {
  workflows(first: 10) {
    totalCount
    nodes {
      id
      name
      status
      stepFunnel {
        totals { active completed failed }
        steps { stepNumber name type activeLeads waitingLeads }
      }
    }
  }
}
""",
    ),
    Example(
        "The newest enrollments with their timelines",
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
        {"filter": {"q": "example.com"}},
    ),
    Example(
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
        {"input": {"workflowId": "1", "contacts": [{"email": "ada@example.com", "first_name": "Ada"}]}},
    ),
    Example(
        "Step types",
        """\
query StepTypes {
  stepTypes {
    type
    label
    guarantee
    description
  }
}
""",
    ),
    Example(
        "The largest open deals",
        """\
query Deals($filter: OpportunityFilter) {
  opportunities(first: 10, filter: $filter, orderBy: { field: AMOUNT }) {
    totalCount
    nodes {
      name
      amount
      currency
      stage { name probability }
      account { name }
      contact { email firstName lastName }
    }
  }
}
""",
        {"filter": {"status": {"eq": "OPEN"}}},
    ),
    Example(
        "Who was met, called and written to",
        """\
query Contacts {
  contacts(first: 10, filter: { email: { isNull: false } }) {
    nodes {
      id
      email
      account { name }
      activities(first: 5) { totalCount nodes { type subject occurredAt } }
      opportunities(first: 5) { nodes { name status } }
    }
  }
}
""",
    ),
    Example(
        "Create an account",
        """\
mutation CreateAccount($input: CreateCrmAccountInput!) {
  createCrmAccount(input: $input) {
    account { id databaseId name tags }
    userErrors { field code message }
  }
}
""",
        {"input": {"name": "Analytical Engines", "tags": ["demo"], "idempotencyKey": "explorer-1"}},
    ),
    Example(
        "Create a workflow",
        """\
mutation CreateWorkflow($input: CreateWorkflowInput!) {
  createWorkflow(input: $input) {
    workflow { id name status version steps { id type name } }
    userErrors { field code message }
  }
}
""",
        {"input": {"name": "Welcome", "steps": [{"type": "wait", "config": {"duration": 1, "unit": "days"}}]}},
    ),
    Example(
        "Tell of an event",
        """\
mutation SendEvent($input: SendEventInput!) {
  sendEvent(input: $input) {
    userErrors { field code message }
  }
}
""",
        {"input": {"type": "order.placed", "email": "ada@example.com", "data": {"total": 12}}},
    ),
)
