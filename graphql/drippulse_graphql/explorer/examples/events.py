"""What happens, and workflows that begin because of it."""

from drippulse_graphql.explorer.example import Example, Section

ASKING = (
    {"id": "asked", "type": "trigger", "config": {"frequency": "event", "event": "trial.requested"}},
    {"id": "ask", "type": "approval", "config": {"message": "May {{ first_name }} have a trial?"}},
    {
        "id": "granted",
        "type": "email",
        "config": {"subject": "Your trial, {{ first_name }}", "body": "It runs for {{ days }} days."},
    },
)

CREATE_TRIGGERED = Example(
    "Create a workflow that an event starts",
    """\
mutation CreateTriggered($input: CreateWorkflowInput!) {
  createWorkflow(input: $input) {
    workflow { id name status steps { id type config } }
    userErrors { field code message }
  }
}
""",
    {"input": {"name": "Trials", "status": "ACTIVE", "steps": ASKING}},
)
SEND_EVENT = Example(
    "Send an event",
    """\
mutation SendEvent($input: SendEventInput!) {
  sendEvent(input: $input) {
    event { id type key occurredAt }
    userErrors { field code message }
  }
}
""",
    {"input": {"type": "trial.requested", "email": "ada@example.com", "data": {"first_name": "Ada", "days": 14}}},
)
EVENTS = Example(
    "The newest events",
    """\
query Events($filter: EventFilter) {
  events(perPage: 10, filter: $filter) {
    events { id type key recordType recordId actorType data occurredAt }
    nextCursor
  }
}
""",
    {"filter": {"type": "trial.requested"}},
)

SECTION = Section("Events", (CREATE_TRIGGERED, SEND_EVENT, EVENTS))
