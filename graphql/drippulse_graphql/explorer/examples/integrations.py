"""Data sources and connections to other systems."""

from drippulse_graphql.explorer.example import Example, Section

CREATE_SOURCE = Example(
    "Create a data source",
    """\
mutation CreateDataSource($input: CreateDataSourceInput!) {
  createDataSource(input: $input) {
    dataSource { id name type status config { url } nextRunAt }
    userErrors { field code message }
  }
}
""",
    {
        "input": {
            "name": "Partner contacts",
            "type": "CSV_URL",
            "recordType": "CONTACT",
            "config": {"url": "https://example.com/people.csv"},
            "mapping": {"mail": "email", "name": "first_name"},
            "tags": ["partner"],
        }
    },
)
SOURCES = Example(
    "Data sources and their runs",
    """\
query DataSources($type: [SourceType!]) {
  dataSources(filter: { type: $type }) {
    dataSources { id name type recordType status lastRunStatus nextRunAt }
  }
  dataSourceRuns(perPage: 10) {
    dataSourceRuns { id status rowsRead counts { created updated failed } problem finishedAt }
  }
}
""",
    {"type": ["CSV_URL", "HTTP_JSON"]},
)
CONNECT = Example(
    "Connect Slack",
    """\
mutation ConnectSlack($input: CreateIntegrationConnectionInput!) {
  createIntegrationConnection(input: $input) {
    integrationConnection { id provider connectionKey status secretNames }
    userErrors { field code message }
  }
}
""",
    {
        "input": {
            "provider": "slack",
            "connectionKey": "sales",
            "credentials": {"bot_token": "xoxb-your-token"},
        }
    },
)
CONNECTIONS = Example(
    "Connections to other systems",
    """\
query Connections($filter: IntegrationConnectionFilter) {
  integrationConnections(filter: $filter, sort: "provider") {
    integrationConnections { id provider connectionKey status secretNames connectorInstalled }
  }
}
""",
    {"filter": {"status": ["ACTIVE", "NEEDS_REAUTH"]}},
)

SECTION = Section("Data sources and integrations", (CREATE_SOURCE, SOURCES, CONNECT, CONNECTIONS))
