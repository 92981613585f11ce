"""What workflows are grouped by."""

from drippulse_graphql.explorer.example import Example, Section

CREATE_PROJECT = Example(
    "Create a project exactly once",
    """\
mutation CreateProject($input: CreateProjectInput!) {
  createProject(input: $input) {
    project { id name color }
    userErrors { field code message }
  }
}
""",
    {"input": {"name": "Onboarding", "color": "#0b57d0", "idempotencyKey": "explorer-project"}},
)
PROJECTS = Example(
    "Projects and their workflow counts",
    """\
query Projects($filter: ProjectFilter) {
  projects(filter: $filter, sort: "name") {
    totalCount
    projects { id name color workflowCount activeWorkflowCount }
  }
}
""",
    {"filter": {"archived": False}},
)

SECTION = Section("Projects", (CREATE_PROJECT, PROJECTS))
