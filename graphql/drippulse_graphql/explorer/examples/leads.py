"""Leads, and the forms that make them."""

from drippulse_graphql.explorer.example import Example, Section

FIELDS = (
    {"name": "email", "label": "E-mail", "type": "EMAIL", "required": True},
    {"name": "company", "label": "Company"},
)

CREATE_LEAD = Example(
    "Create a lead",
    """\
mutation CreateLead($input: CreateCrmLeadInput!) {
  createCrmLead(input: $input) {
    lead { id publicId email company score status }
    userErrors { field code message }
  }
}
""",
    {"input": {"email": "george@lovelace.example", "firstName": "George", "company": "Lovelace", "score": 80}},
)
LEADS = Example(
    "The best leads",
    """\
query BestLeads($filter: LeadFilter) {
  leads(first: 10, filter: $filter, orderBy: { field: SCORE }) {
    nodes { id email company score status convertedContact { email } }
  }
}
""",
    {"filter": {"score": {"gte": 50}}},
)
CONVERT_LEAD = Example(
    "Convert a lead",
    """\
mutation ConvertLead($input: ConvertCrmLeadInput!) {
  convertCrmLead(input: $input) {
    leadConversion {
      created
      lead { status }
      account { id name }
      contact { id email }
      opportunity { id name amount }
      changesetId
    }
    userErrors { field code message }
  }
}
""",
    {
        "input": {
            "id": CREATE_LEAD.answer("createCrmLead.lead.id"),
            "opportunity": {"name": "Lovelace, 5 seats", "amount": 1200},
        }
    },
)
CREATE_FORM = Example(
    "Put a lead form online",
    """\
mutation CreateLeadForm($input: CreateCrmLeadFormInput!) {
  createCrmLeadForm(input: $input) {
    leadForm { id url embedUrl status }
    userErrors { field code message }
  }
}
""",
    {"input": {"name": "Website contact", "title": "Talk to us", "fields": FIELDS, "tags": ["website"]}},
)
FORMS = Example(
    "Lead forms and their counts",
    """\
query LeadForms($filter: LeadFormFilter) {
  leadForms(filter: $filter, sort: "name") {
    totalCount
    leadForms { id name url submissionCount refusedCount fields { name type required } }
  }
}
""",
    {"filter": {"status": ["ACTIVE"]}},
)

SECTION = Section("Leads and lead forms", (CREATE_LEAD, LEADS, CONVERT_LEAD, CREATE_FORM, FORMS))
