"""Records of the same person or company: found, merged."""

from drippulse_graphql.explorer.example import Example, Section

CREATE_TWICE = Example(
    "Create the same person twice",
    """\
mutation CreateTwice($first: CreateCrmContactInput!, $second: CreateCrmContactInput!) {
  first: createCrmContact(input: $first) {
    contact { id email }
    userErrors { field code message }
  }
  second: createCrmContact(input: $second) {
    contact { id phone }
    userErrors { field code message }
  }
}
""",
    {
        "first": {"firstName": "Charles", "lastName": "Babbage", "company": "Difference Engines"},
        "second": {
            "firstName": "Charles",
            "lastName": "Babbage",
            "company": "Difference Engines",
            "phone": "+44 20 7946 0991",
        },
    },
)
DUPLICATES = Example(
    "What may be the same",
    """\
query Duplicates($filter: DuplicateGroupFilter) {
  duplicates(filter: $filter) {
    duplicates { recordType reasons score records { id firstName lastName company phone } }
    nextCursor
  }
}
""",
    {"filter": {"recordType": "contact"}},
)
MERGE = Example(
    "Merge two contacts",
    """\
mutation Merge($input: MergeCrmContactInput!) {
  mergeCrmContact(input: $input) {
    result { merged record { id firstName lastName phone } changesetId }
    userErrors { field code message }
  }
}
""",
    {"input": {"id": CREATE_TWICE.answer("first.contact.id"), "merge": [CREATE_TWICE.answer("second.contact.id")]}},
)

SECTION = Section("Duplicates", (CREATE_TWICE, DUPLICATES, MERGE))
