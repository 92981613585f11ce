"""Where deals are: stages, boards."""

from drippulse_graphql.explorer.example import Example, Section
from drippulse_graphql.explorer.examples.records import DEAL_ID

PIPELINES = Example(
    "Pipelines and their stages",
    """\
query Pipelines {
  pipelines {
    defaultPipelineId
    pipelines { id name isDefault stages { id name stageType probability } }
  }
}
""",
)
BOARD = Example(
    "The board of a pipeline",
    """\
query Board($id: ID!, $perStage: Int!) {
  pipelineBoard(id: $id, perStage: $perStage) {
    pipeline { name }
    stages {
      name
      opportunityCount
      totals { currency amount weightedAmount }
      opportunities { id name amount currency }
    }
  }
}
""",
    {"id": PIPELINES.answer("pipelines.pipelines.0.id"), "perStage": 10},
)
MOVE_DEAL = Example(
    "Move a deal to another stage",
    """\
mutation MoveDeal($input: ReorderOpportunitiesInput!) {
  reorderOpportunities(input: $input) {
    stage { totalCount opportunities { id name stage { name } } }
    userErrors { field code message }
  }
}
""",
    {
        "input": {
            "pipelineStageId": PIPELINES.answer("pipelines.pipelines.0.stages.1.id"),
            "orderedIds": [DEAL_ID],
        }
    },
)

SECTION = Section("Pipelines", (PIPELINES, BOARD, MOVE_DEAL))
