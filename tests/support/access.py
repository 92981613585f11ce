"""Every operation of the API description, what an organization has, and where ids of it stand in paths.

A new route is found here by itself: its operation id needs an expectation in the access matrix; a new path parameter
needs a place in PARAMETERS, and its resource a line in `furnish` and in RANDOM.
"""

from dataclasses import dataclass
from typing import Any, cast

import httpx

from drippulse.crm.records import SPECS
from drippulse.kit.db import Database
from drippulse.kit.public_ids import encode_id
from drippulse_rest.v1.ids import shown_contact
from tests.support.api_description import api_description
from tests.support.organizations import TestOrganization
from tests.support.planted import APPROVAL, STALL, plant
from tests.support.v1 import make_template
from tests.support.workflows import create_workflow, enroll

UNKNOWN = 999_999_999
UNKNOWN_UUID = "0192f0c1-7a3e-7cc3-98c4-dc0c0c07398f"
PARAMETERS = {
    "workflow_id": "workflow",
    "version": "version",
    "step_id": "step",
    "enrollment_id": "enrollment",
    "connection_id": "connection",
    "approval_id": "approval",
    "project_id": "project",
    "import_id": "import",
    "member_id": "member",
    "key_id": "key",
    "changeset_id": "changeset",
    "field_id": "custom_field",
    "tag_name": "tag",
    "form_id": "lead_form",
    "source_id": "data_source",
    "run_id": "data_source_run",
    "pipeline_ref": "pipeline",
    "workflow_ref": "wf",
    "contact_ref": "con",
    "template_ref": "tpl",
    "enrollment_ref": "enr",
    "sha256": "graphql_document",
}
"""Path parameter -> name of a belonging. `record_ref` is the type of record that its path says."""
BODIES: dict[str, dict[str, Any]] = {
    "bulkEnroll": {"contacts": [{"email": "a@b.com"}]},
    "resolveEnrollment": {"action": "skip"},
    "actOnEnrollments": {"action": "cancel", "all": True},
    "resolveUnknownSends": {"action": "dismiss", "all": True},
    "decideApproval": {"decision": "approve"},
    "simulateWorkflow": {"contacts": [{"email": "a@b.com"}]},
    "saveWorkflowDraft": {"steps": []},
    "previewPublishing": {"strategy": "exit"},
    "updateWorkflow": {"name": "taken over", "status": "archived", "steps": []},
    "updateProject": {"name": "taken over"},
    "renameCrmTag": {"name": "taken over"},
    "updateCrmLeadForm": {"name": "taken over"},
    "updateDataSource": {"name": "taken over"},
    "updateOpportunityPipeline": {"name": "taken over"},
    "updateTeamMember": {"role": "Admin", "status": "removed"},
    "updateIntegrationConnection": {"note": "taken over", "bot_token": "xoxb-1-mine"},
    "v1UpdateWorkflow": {"name": "taken over", "nodes": []},
    "v1UpdateContact": {"firstName": "taken over"},
    "v1UpdateTemplate": {"subject": "taken over"},
    **{f"mergeCrm{kind}": {"merge": [UNKNOWN_UUID]} for kind in ("Account", "Contact", "Lead", "Opportunity")},
    **{f"updateCrm{kind.value.title()}": {"tags": ["taken over"]} for kind in SPECS},
}
"""What an operation needs in its body before it looks for the id, and what would show that it changed something."""
QUERIES = {"diffWorkflowVersions": "?from=1&to=1"}
RECORDS: dict[str, dict[str, Any]] = {
    "account": {"name": "Acme"},
    "contact": {"first_name": "Ada"},
    "lead": {"company": "Acme"},
    "opportunity": {"name": "20 seats"},
    "activity": {"subject": "First call"},
}
RANDOM = {
    **{name: str(UNKNOWN) for name in ("workflow", "enrollment", "approval", "stall", "connection")},
    **{prefix: encode_id(prefix, UNKNOWN) for prefix in ("wf", "con", "tpl", "enr")},
    **dict.fromkeys((*RECORDS, "pipeline"), UNKNOWN_UUID),
    **{name: str(UNKNOWN) for name in ("project", "member", "key", "import", "lead_form", "changeset", "custom_field")},
    **{name: str(UNKNOWN) for name in ("data_source", "data_source_run")},
    "version": "1",
    "step": "s1",
    "graphql_document": "0" * 64,
    "tag": "nobody-has-this",
}
"""Ids of the right shape that nobody has."""


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    name: str
    method: str
    path: str

    def __str__(self) -> str:
        return self.name

    @property
    def body(self) -> dict[str, Any] | None:
        """An empty one where the method has a body."""
        return {} if self.method in {"POST", "PATCH", "PUT"} else None

    @property
    def full_body(self) -> dict[str, Any] | None:
        """One that is good enough to get to the id."""
        return BODIES.get(self.name, self.body)

    def url(self, ids: dict[str, str]) -> str:
        """With these belongings in the place of its parameters, and ids that nobody has where there is none."""
        path = self.path + QUERIES.get(self.name, "")
        for spec in SPECS.values():
            if path.startswith(f"/api/v1/crm/{spec.plural}/"):
                path = path.replace("{record_ref}", ids.get(spec.kind.value, UNKNOWN_UUID))
        for parameter, name in PARAMETERS.items():
            path = path.replace(f"{{{parameter}}}", ids.get(name, RANDOM[name]))
        assert "{" not in path, f"a new path parameter: give it a place in PARAMETERS: {path}"
        return path


def operations() -> list[Operation]:
    return [
        Operation(operation["operationId"], method.upper(), path)
        for path, item in api_description()["paths"].items()
        for method, operation in cast("dict[str, Any]", item).items()
    ]


async def furnish(organization: TestOrganization, database: Database) -> dict[str, str]:
    """One of everything; name -> its id, as paths have it."""
    client = organization.client
    workflow = (await create_workflow(client, name=organization.name))["id"]
    enrolled = await enroll(client, workflow, {"email": f"{organization.id}@example.com"})
    enrollment = int(enrolled["enrollment_ids"][0])
    slack = {"provider": "slack", "bot_token": "xoxb-0-canary"}
    ids = {
        "workflow": workflow,
        "enrollment": enrollment,
        "approval": await plant(database, APPROVAL, organization.id, enrollment),
        "stall": await plant(database, STALL, organization.id, enrollment),
        "connection": await made(client, "integration_connections", slack),
        "project": await made(client, "projects", {"name": organization.name}),
        "member": await made(client, "team_members", {"email": f"invited-{organization.id}@example.com"}),
        "key": await made(client, "api_keys", {"name": organization.name}),
        "wf": encode_id("wf", workflow),
        "enr": encode_id("enr", enrollment),
        "tpl": (await make_template(client))["id"],
    }
    imported = await client.post(
        "/api/v1/crm/contacts/import_csv", content=b"email\n", headers={"content-type": "text/csv"}
    )
    ids["import"] = imported.json()["id"]
    for kind, fields in RECORDS.items():
        plural = next(spec.plural for spec in SPECS.values() if spec.kind.value == kind)
        ids[kind] = await made(client, f"crm/{plural}", fields)
    contact = (await client.get(f"/api/v1/crm/contacts/{ids['contact']}")).json()
    ids["tag"] = f"tag-of-{organization.id}"
    await client.patch(f"/api/v1/crm/contacts/{ids['contact']}", json={"tags": [ids["tag"]]})
    field = {"record_type": "lead", "key": "size", "label": "Size", "type": "integer"}
    ids["custom_field"] = await made(client, "crm/custom_fields", field)
    form = {"name": organization.name, "fields": [{"name": "email", "label": "E-mail", "type": "email"}]}
    ids["lead_form"] = await made(client, "crm/lead_forms", form)
    source = {"name": organization.name, "type": "csv_url", "config": {"url": "https://example.com/people.csv"}}
    ids["data_source"] = await made(client, "data_sources", {**source, "record_type": "lead"})
    ids["data_source_run"] = await made(client, "data_source_runs", {"data_source_id": ids["data_source"]})
    await client.post(f"/api/v1/data_source_runs/{ids['data_source_run']}/cancel")  # nobody is to call its address
    ids["changeset"] = (await client.get("/api/v1/crm/changesets")).json()["changesets"][0]["id"]
    text = f"query Of{organization.id} {{ viewer {{ role }} }}"
    put = await client.put("/api/v1/graphql/documents", json={"documents": {"mine": text}})
    ids["graphql_document"] = put.json()["document_ids"]["mine"]
    ids["pipeline"] = (await client.get("/api/v1/crm/opportunity_pipelines")).json()["default_pipeline_id"]
    ids["con"] = shown_contact(contact["public_id"])
    return {name: str(value) for name, value in ids.items()}


async def made(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> Any:
    """The id of what a POST creates."""
    answer = await client.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]
