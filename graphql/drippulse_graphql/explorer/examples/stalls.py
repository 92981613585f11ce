"""Runs that stand still although they should not."""

from drippulse_graphql.explorer.example import Example, Section

STALLS = Example(
    "What stands still",
    """\
query Stalls($filter: StallFilter) {
  stalls(filter: $filter) {
    totalCount
    stalls { id workflowId enrollmentId stepId kind since }
  }
}
""",
    {"filter": {"status": "open"}},
)
REPAIR = Example(
    "Mend what stands still",
    """\
mutation RepairStalls($input: RepairStallsInput!) {
  repairStalls(input: $input) {
    result { repairedCount stalls { id kind resolution } }
    userErrors { field code message }
  }
}
""",
    {"input": {}},
)

SECTION = Section("Watchdog", (STALLS, REPAIR))
