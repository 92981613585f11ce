"""Decisions that runs wait for."""

from drippulse_graphql.explorer.example import Example, Section

APPROVALS = Example(
    "Approvals that are open",
    """\
query Approvals($filter: ApprovalFilter) {
  approvals(filter: $filter, sort: "created_at") {
    totalCount
    approvals { id message role dueAt contact { email firstName } }
  }
}
""",
    {"filter": {"status": ["OPEN"]}},
)
APPROVE = Example(
    "Approve",
    """\
mutation Approve($input: DecideApprovalInput!) {
  decideApproval(input: $input) {
    approval { id status decidedAt note }
    userErrors { field code message }
  }
}
""",
    {"input": {"id": APPROVALS.answer("approvals.approvals.0.id"), "decision": "APPROVE", "note": "Good fit"}},
)

SECTION = Section("Approvals", (APPROVALS, APPROVE))
