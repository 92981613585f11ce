"""Texts of mails, and how many go out to whom."""

from drippulse_graphql.explorer.example import Example, Section

CREATE_TEMPLATE = Example(
    "Create a mail template",
    """\
mutation CreateMailTemplate($input: CreateMailTemplateInput!) {
  createMailTemplate(input: $input) {
    mailTemplate { id name subject version }
    userErrors { field code message }
  }
}
""",
    {"input": {"name": "Welcome", "subject": "Hello {{ first_name }}", "body": "Good to have you."}},
)
TEMPLATES = Example(
    "Mail templates",
    """\
query MailTemplates {
  mailTemplates(perPage: 10) {
    totalCount
    mailTemplates { id name subject version updatedAt }
  }
}
""",
)
SENDING = Example(
    "How sending goes",
    """\
query Sending {
  sending {
    caps { organization { perHour perDay } contact { perWeek } }
    quietHours { start end timezone weekdays }
  }
  sendingStatus {
    breaker { state bounceRate complaintRate }
    today { sent delivered bounced complained }
    suppressed
  }
}
""",
)
UPDATE_SENDING = Example(
    "Set caps",
    """\
mutation SetCaps($input: UpdateSendingInput!) {
  updateSending(input: $input) {
    sendingPolicy { caps { organization { perHour } contact { perDay } } }
    userErrors { field code message }
  }
}
""",
    {"input": {"caps": {"organization": {"perHour": 5000}, "contact": {"perDay": 10}}}},
)
SUPPRESS = Example(
    "Suppress an address",
    """\
mutation Suppress($input: CreateSuppressionInput!) {
  createSuppression(input: $input) {
    suppression { id email reason createdAt }
    userErrors { field code message }
  }
}
""",
    {"input": {"email": "no-more@example.com", "reason": "MANUAL"}},
)
SUPPRESSIONS = Example(
    "Suppressed addresses",
    """\
query Suppressions($filter: SuppressionFilter) {
  suppressions(filter: $filter, sort: "-created_at") {
    totalCount
    suppressions { email reason createdAt }
  }
}
""",
    {"filter": {"email": {"contains": "example.com"}}},
)

SECTION = Section("Mail", (CREATE_TEMPLATE, TEMPLATES, SENDING, UPDATE_SENDING, SUPPRESS, SUPPRESSIONS))
