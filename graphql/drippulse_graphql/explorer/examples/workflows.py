"""Workflows: made, tried out, and published beside those who are in them."""

from drippulse_graphql.explorer.example import Example, Section

HELLO = {"subject": "Hello {{ first_name }}", "body": "Good to have you."}
HOW = {"subject": "How is it going?", "body": "Just checking in."}
STEPS = (
    {"id": "hello", "type": "email", "name": "Hello", "config": HELLO},
    {"id": "pause", "type": "wait", "name": "Pause", "config": {"duration": 1, "unit": "days"}},
    {"id": "how", "type": "email", "name": "How is it going?", "config": HOW},
)
LONGER = {"id": "pause", "type": "wait", "name": "Pause", "config": {"duration": 3, "unit": "days"}}

STEP_TYPES = Example(
    "Step types",
    """\
query StepTypes {
  stepTypes { type label category guarantee description fields { name type required help } }
}
""",
)
CREATE_WORKFLOW = Example(
    "Create a workflow",
    """\
mutation CreateWorkflow($input: CreateWorkflowInput!) {
  createWorkflow(input: $input) {
    workflow { id databaseId name status version steps { id type name } }
    userErrors { field code message }
  }
}
""",
    {"input": {"name": "Welcome", "status": "ACTIVE", "steps": STEPS}},
)
WORKFLOW_ID = CREATE_WORKFLOW.answer("createWorkflow.workflow.id")
WORKFLOWS = Example(
    "Workflows and where people stand",
    """\
query Workflows($filter: WorkflowFilter) {
  workflows(first: 10, filter: $filter) {
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
    {"filter": {"status": "ACTIVE"}},
)
TEST_WORKFLOW = Example(
    "Dry-run a workflow for one contact",
    """\
mutation TestWorkflow($input: TestWorkflowInput!) {
  testWorkflow(input: $input) {
    dryRun { status missingVariables steps { name status output logs } }
    userErrors { field code message }
  }
}
""",
    {"input": {"id": WORKFLOW_ID, "sampleData": {"email": "ada@example.com", "first_name": "Ada"}}},
)
SAVE_DRAFT = Example(
    "Save a draft",
    """\
mutation SaveDraft($input: SaveWorkflowDraftInput!) {
  saveWorkflowDraft(input: $input) {
    workflowDraft { workflowId revision baseVersion problems steps { id type name } }
    userErrors { field code message }
  }
}
""",
    {"input": {"id": WORKFLOW_ID, "steps": (STEPS[0], LONGER, STEPS[2])}},
)
DRAFTED_ID = SAVE_DRAFT.answer("saveWorkflowDraft.workflowDraft.workflowId")
SIMULATE = Example(
    "Simulate the draft over months",
    """\
mutation Simulate($input: SimulateWorkflowInput!) {
  simulateWorkflow(input: $input) {
    simulation {
      totals { contacts completed exited failed }
      steps { name entered completed sends }
      sends { total busiestDay { date sends } }
      comparison { differences { metric this other } }
    }
    userErrors { field code message }
  }
}
""",
    {
        "input": {
            "id": DRAFTED_ID,
            "version": "draft",
            "compareWith": {"version": "live"},
            "contacts": [{"email": "ada@example.com", "first_name": "Ada"}],
            "seed": 7,
        }
    },
)
PREVIEW = Example(
    "Preview publishing the draft",
    """\
mutation PreviewPublishing($input: PreviewPublishingInput!) {
  previewPublishing(input: $input) {
    preview {
      newVersion
      inFlight
      groups { name count outcome to }
      diff { changed { name fields { path before after } } }
      publishable
      confirmToken
    }
    userErrors { field code message }
  }
}
""",
    {"input": {"id": DRAFTED_ID, "strategy": "MIGRATE", "note": "Longer pause"}},
)
PUBLISH = Example(
    "Publish the draft",
    """\
mutation Publish($input: PublishWorkflowInput!) {
  publishWorkflow(input: $input) {
    publication { workflowId version strategy inFlight move { status moved total } }
    userErrors { field code message }
  }
}
""",
    {"input": {"id": WORKFLOW_ID, "confirmToken": PREVIEW.answer("previewPublishing.preview.confirmToken")}},
)
VERSIONS = Example(
    "Versions and what the last one changed",
    """\
query Versions($id: ID!) {
  workflowVersions(workflowId: $id) {
    versions { version live note createdAt inFlight }
  }
  workflowDiff(workflowId: $id) {
    from
    to
    changed { name fields { path before after } }
  }
}
""",
    {"id": PUBLISH.answer("publishWorkflow.publication.workflowId")},
)

SECTION = Section(
    "Workflows",
    (STEP_TYPES, CREATE_WORKFLOW, WORKFLOWS, TEST_WORKFLOW, SAVE_DRAFT, SIMULATE, PREVIEW, PUBLISH, VERSIONS),
)
