"""What changed in the CRM, and taking it back; imports."""

from drippulse_graphql.explorer.example import Example, Section
from drippulse_graphql.explorer.examples.records import BULK_UPDATE

CHANGES = Example(
    "Who changed what",
    """\
query Changes($filter: ChangeEventFilter) {
  changeEvents(perPage: 10, filter: $filter) {
    changeEvents { action recordType recordPublicId changedFields before after actor { type name } at }
  }
  changesets(perPage: 5) {
    changesets { id source label actor { name } at revertedAt }
  }
}
""",
    {"filter": {"recordType": ["CONTACT"], "action": ["CREATE", "UPDATE"]}},
)
REVERT = Example(
    "What taking a change back would do",
    """\
mutation Revert($input: RevertCrmChangesetInput!) {
  revertCrmChangeset(input: $input) {
    revert { status counts conflicts { recordPublicId field reason } }
    userErrors { field code message }
  }
}
""",
    {"input": {"id": BULK_UPDATE.answer("bulkUpdateCrmContacts.result.changesetId"), "dryRun": True}},
)
IMPORTS = Example(
    "Imports of files",
    """\
query Imports($filter: ImportFilter) {
  imports(perPage: 10, filter: $filter) {
    imports { id fileName recordType status progress { percent } counts { rows created updated failed } }
  }
}
""",
    {"filter": {"recordType": ["CONTACT", "LEAD"]}},
)

SECTION = Section("History and imports", (CHANGES, REVERT, IMPORTS))
