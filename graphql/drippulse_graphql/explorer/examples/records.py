"""Accounts, contacts, deals and activities."""

from drippulse_graphql.explorer.example import Example, Section

CREATE_ACCOUNT = Example(
    "Create an account",
    """\
mutation CreateAccount($input: CreateCrmAccountInput!) {
  createCrmAccount(input: $input) {
    account { id databaseId publicId name tags }
    userErrors { field code message }
  }
}
""",
    {"input": {"name": "Analytical Engines", "domain": "engines.example", "tags": ["demo", "engines"]}},
)
ACCOUNT_ID = CREATE_ACCOUNT.answer("createCrmAccount.account.id")
CREATE_CONTACT = Example(
    "Create a contact of the account",
    """\
mutation CreateContact($input: CreateCrmContactInput!) {
  createCrmContact(input: $input) {
    contact { id publicId email account { name } }
    userErrors { field code message }
  }
}
""",
    {
        "input": {
            "email": "mary@engines.example",
            "firstName": "Mary",
            "lastName": "Somerville",
            "accountId": ACCOUNT_ID,
            "tags": ["demo"],
        }
    },
)
CONTACT_ID = CREATE_CONTACT.answer("createCrmContact.contact.id")
CREATE_DEAL = Example(
    "Create a deal and log a call, or neither",
    """\
mutation CreateDeal($deal: CreateCrmOpportunityInput!, $call: CreateCrmActivityInput!) {
  createCrmOpportunity(input: $deal) {
    opportunity { id name amount currency stage { name probability } }
    userErrors { field code message }
  }
  createCrmActivity(input: $call) {
    activity { id type subject }
    userErrors { field code message }
  }
}
""",
    {
        "deal": {
            "name": "Engines, 20 seats",
            "amount": 4800,
            "currency": "EUR",
            "accountId": ACCOUNT_ID,
            "contactId": CONTACT_ID,
        },
        "call": {"type": "CALL", "subject": "First call", "contactId": CONTACT_ID, "durationMinutes": 20},
    },
)
DEAL_ID = CREATE_DEAL.answer("createCrmOpportunity.opportunity.id")
CONTACTS = Example(
    "Contacts, their deals and activities",
    """\
query Contacts($filter: ContactFilter, $after: String) {
  contacts(first: 10, after: $after, filter: $filter) {
    totalCount
    pageInfo { hasNextPage endCursor }
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
    {"filter": {"email": {"isNull": False}, "tags": ["demo"]}},
)
DEALS = Example(
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
)
BULK_UPDATE = Example(
    "Change many contacts by a filter",
    """\
mutation TagMany($input: BulkUpdateCrmContactsInput!) {
  bulkUpdateCrmContacts(input: $input) {
    result { updated unchanged changesetId failed { id error message } }
    userErrors { field code message }
  }
}
""",
    {
        "input": {
            "filter": {"q": CREATE_CONTACT.answer("createCrmContact.contact.email")},
            "changes": {"addTags": ["newsletter"]},
        }
    },
)
NODE = Example(
    "Anything by its global id",
    """\
query Anything($id: ID!) {
  node(id: $id) {
    __typename
    id
    ... on Account { name domain contacts(first: 5) { nodes { email } } }
    ... on Contact { email }
  }
}
""",
    {"id": ACCOUNT_ID},
)

SECTION = Section(
    "Accounts, contacts and deals",
    (CREATE_ACCOUNT, CREATE_CONTACT, CREATE_DEAL, CONTACTS, DEALS, BULK_UPDATE, NODE),
)
