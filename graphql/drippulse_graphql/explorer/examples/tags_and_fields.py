"""Tags and custom fields."""

from drippulse_graphql.explorer.example import Example, Section
from drippulse_graphql.explorer.examples.records import CREATE_ACCOUNT

TAGS = Example(
    "Tags and how often they are used",
    """\
query Tags($q: String) {
  tags(q: $q, sort: "-record_count") {
    tags { name recordCount counts }
  }
}
""",
    {"q": "e"},
)
RENAME_TAG = Example(
    "Rename a tag everywhere",
    """\
mutation RenameTag($input: RenameCrmTagInput!) {
  renameCrmTag(input: $input) {
    tag { name status merged updated changesetId }
    userErrors { field code message }
  }
}
""",
    {"input": {"tag": CREATE_ACCOUNT.answer("createCrmAccount.account.tags.1"), "name": "machines"}},
)
CREATE_FIELD = Example(
    "Create a custom field",
    """\
mutation CreateCustomField($input: CreateCrmCustomFieldInput!) {
  createCrmCustomField(input: $input) {
    customField { id recordType key label type options }
    userErrors { field code message }
  }
}
""",
    {
        "input": {
            "recordType": "CONTACT",
            "key": "plan",
            "label": "Plan",
            "type": "SELECT",
            "options": ["free", "pro"],
        }
    },
)
CUSTOM_FIELDS = Example(
    "Custom fields",
    """\
query CustomFields($filter: CustomFieldFilter) {
  customFields(filter: $filter, sort: "label") {
    customFields { id recordType key label type options required }
  }
}
""",
    {"filter": {"recordType": ["CONTACT", "ACCOUNT"]}},
)

SECTION = Section("Tags and custom fields", (TAGS, RENAME_TAG, CREATE_FIELD, CUSTOM_FIELDS))
