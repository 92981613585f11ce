"""Who asks, the team, its API keys, and what is recorded of them."""

from drippulse_graphql.explorer.example import Example, Section

WHO_AM_I = Example(
    "Who am I?",
    """\
query WhoAmI {
  viewer { role actorType organization { name timezone } }
}
""",
)
ACCOUNT = Example(
    "The organization's account",
    """\
query OrganizationAccount {
  organizationAccount {
    name
    locale
    sender { fromName fromAddress replyTo }
    retention { timelineDays eventDays auditDays }
    graphqlTrustedOnly
  }
  organizationBilling {
    usage { periodStart mailsSent apiRequests members records }
  }
}
""",
)
TEAM = Example(
    "The team and its API keys",
    """\
query Team($status: [MemberStatus!]) {
  teamMembers(filter: { status: $status }) {
    totalCount
    teamMembers { id name username role status }
  }
  apiKeys(sort: "-created_at") {
    apiKeys { id name role status keyPrefix lastFour lastUsedAt }
  }
}
""",
    {"status": ["ACTIVE", "INVITED"]},
)
CREATE_API_KEY = Example(
    "Create an API key",
    """\
mutation CreateApiKey($input: CreateApiKeyInput!) {
  createApiKey(input: $input) {
    apiKey { id name role expiresAt key message }
    userErrors { field code message }
  }
}
""",
    {"input": {"name": "Dashboard", "role": "VIEWER", "expiresIn": 3600}},
)
AUDIT_LOG = Example(
    "Who did what",
    """\
query WhoDidWhat($actions: [AuditAction!]) {
  auditLog(perPage: 10, filter: { action: $actions }) {
    totalCount
    nextCursor
    auditLog { action at address actor { type name } subject { type id } }
  }
}
""",
    {"actions": ["API_KEY_CREATED", "LOGIN_SUCCEEDED"]},
)

SECTION = Section("Organization", (WHO_AM_I, ACCOUNT, TEAM, CREATE_API_KEY, AUDIT_LOG))
