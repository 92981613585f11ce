"""The organization's own affairs, its sending, connections, sources, forms and events, changed over GraphQL."""

import httpx
import pytest

from drippulse.kit.services import AppServices
from drippulse.organizations.tables import MemberRole
from tests.conftest import MakeOrganization
from tests.support.crm import signed_in
from tests.support.graphql import done, error_code, mutate, refused
from tests.support.organizations import PASSWORD, TestOrganization
from tests.support.planted import APPROVAL, STALL, plant
from tests.support.workflows import create_workflow, enroll


async def test_projects_are_made_changed_and_deleted(client: httpx.AsyncClient) -> None:
    shown = "project { id databaseId name color archived workflowCount createdAt }"
    made = await done(client, "createProject", shown, name="A", color="#1A73E8")
    assert (made["color"], made["archived"], made["workflowCount"]) == ("#1a73e8", False, 0)
    assert await refused(client, "createProject", name="a") == [("name", "project_exists")]
    assert await refused(client, "createProject", name="B", color="red") == [("color", "validation_failed")]
    changed = await done(client, "updateProject", shown, id=made["id"], color=None)
    assert (changed["name"], changed["color"]) == ("A", None)
    assert await done(client, "deleteProject", "deletedId", id=made["databaseId"]) == made["id"]
    assert await refused(client, "deleteProject", id=made["id"]) == [(None, "project_not_found")]


async def test_the_account_is_changed_in_parts(client: httpx.AsyncClient) -> None:
    shown = "account { timezone branding { publicName color } sender { fromName } retention { auditDays } }"
    first = await done(
        client, "updateAccount", shown, timezone="Europe/Berlin", branding={"publicName": "Acme", "color": "#1a73e8"}
    )
    assert first["branding"] == {"publicName": "Acme", "color": "#1a73e8"}
    second = await done(client, "updateAccount", shown, branding={"color": None})
    assert (second["timezone"], second["branding"]) == ("Europe/Berlin", {"publicName": "Acme", "color": None})
    told = await refused(client, "updateAccount", branding={"publicName": "two\nlines"}, retention={"auditDays": 1})
    assert told == [("branding.publicName", "validation_failed"), ("retention.auditDays", "validation_failed")]
    billing = "billing { companyName address { country } usage { members } }"
    changed = await done(client, "updateAccountBilling", billing, companyName="Acme GmbH", address={"country": "DE"})
    assert (changed["companyName"], changed["address"]) == ("Acme GmbH", {"country": "DE"})


async def test_a_key_is_told_once_and_revoked(client: httpx.AsyncClient, organization: TestOrganization) -> None:
    made = await done(client, "createApiKey", "apiKey { id databaseId key role status }", name="ci", role="VIEWER")
    theirs = organization.make_client(made["key"])
    assert (await theirs.get("/api/v1/projects")).status_code == 200
    assert await error_code(theirs, 'mutation { createProject(input: {name: "A"}) { project { id } } }') == "forbidden"
    assert (await done(client, "revokeApiKey", "apiKey { status }", id=made["id"])) == {"status": "revoked"}
    assert (await theirs.get("/api/v1/projects")).status_code == 401


async def test_members_are_invited_changed_and_removed(client: httpx.AsyncClient) -> None:
    shown = "teamMember { id email role status }"
    said = {"email": "ada@example.com", "role": "EDITOR"}
    made = await done(client, "inviteTeamMember", "teamMember { id email role invitation { token url } }", **said)
    assert (made["role"], made["invitation"]["token"] in made["invitation"]["url"]) == ("EDITOR", True)
    assert await refused(client, "inviteTeamMember", **said) == [(None, "member_exists")]
    again = await done(client, "resendInvitation", "teamMember { invitation { token } }", id=made["id"])
    assert again["invitation"]["token"] != made["invitation"]["token"]
    assert (await done(client, "updateTeamMember", shown, id=made["id"], role="VIEWER"))["role"] == "VIEWER"
    assert await done(client, "removeTeamMember", "deletedId", id=made["id"]) == made["id"]


async def test_one_changes_ones_own_password(organization: TestOrganization) -> None:
    client = await signed_in(organization)
    said = {"currentPassword": PASSWORD, "newPassword": "correct horse battery"}
    assert await refused(client, "changePassword", **{**said, "currentPassword": "wrong"}) == [
        ("currentPassword", "wrong_password")
    ]
    token = (await done(client, "changePassword", "session { token }", **said))["token"]
    assert (await client.get("/api/v1/projects")).status_code == 401
    assert (await organization.make_client(token).get("/api/v1/projects")).status_code == 200


async def test_the_audit_log_says_where_a_change_came_from(client: httpx.AsyncClient) -> None:
    await done(client, "updateAccount", "account { name }", timezone="Europe/Vienna")
    await client.patch("/api/v1/account", json={"timezone": "Europe/Berlin"})
    theirs, ours = (await client.get("/api/v1/audit_log")).json()["audit_log"][:2]
    assert ours["address"].startswith("10.0.")
    assert (ours["address"], ours["user_agent"]) == (theirs["address"], theirs["user_agent"])


async def test_sending_is_changed_and_addresses_suppressed(client: httpx.AsyncClient) -> None:
    shown = "sendingPolicy { caps { contact { perDay } organization { perDay } } quietHours { start weekdays } }"
    caps = {"contact": {"perDay": 1}}
    quiet = {"start": "21:00", "end": "08:00", "weekdays": ["SAT", "SUN"]}
    policy = await done(client, "updateSending", shown, caps=caps, quietHours=quiet)
    assert policy["caps"] == {"contact": {"perDay": 1}, "organization": {"perDay": None}}
    assert policy["quietHours"]["weekdays"] == ["SAT", "SUN"]
    assert (await done(client, "updateSending", shown, quietHours=None))["quietHours"] is None
    told = await refused(client, "updateSending", caps={"contact": {"perDay": 0}})
    assert told == [("caps.contact.perDay", "validation_failed")]
    entry = await done(client, "createSuppression", "suppression { email reason }", email="Ada@Example.com")
    assert entry == {"email": "ada@example.com", "reason": "manual"}
    assert await done(client, "deleteSuppression", "releasedAddress { email }", email="ada@example.com")
    assert (await client.get("/api/v1/suppressions")).json()["total_count"] == 0
    webhook = "bounceWebhook { url secret tokenUrl }"
    first, second = [await done(client, "rotateBounceWebhook", webhook) for _ in range(2)]
    assert first["secret"] != second["secret"]


async def test_the_organization_is_paused_and_resumed(client: httpx.AsyncClient) -> None:
    shown = "organizationHolds { paused held { organizationPaused } }"
    workflow = await create_workflow(
        client, status="active", steps=[{"type": "wait", "config": {"duration": 3, "unit": "days"}}]
    )
    await enroll(client, workflow["id"])
    paused = await done(client, "pauseOrganization", shown)
    assert paused == {"paused": True, "held": {"organizationPaused": 1}}
    assert (await done(client, "resumeOrganization", shown, late="SKIP", lateHours=24))["paused"] is False


async def test_events_are_sent_alone_and_in_a_batch(client: httpx.AsyncClient) -> None:
    said = {"type": "order.paid", "email": "ada@example.com", "data": {"amount_due": 42}, "id": "order-1"}
    shown = "event { id type key data occurredAt sourceId }"
    first, again = [await done(client, "sendEvent", shown, **said) for _ in range(2)]
    assert first == again
    assert (first["data"], first["sourceId"]) == ({"amount_due": 42}, "order-1")
    assert await refused(client, "sendEvent", type="Order Paid") == [("type", "validation_failed")]
    assert await refused(client, "sendEvent", type="contact.created", email="a@b.com") == [
        ("type", "reserved_event_type")
    ]
    batch = await done(
        client,
        "sendEvents",
        "result { acceptedCount duplicateCount invalidCount }",
        events=[{**said}, {"type": "No Type"}],
    )
    assert (batch["duplicateCount"], batch["invalidCount"]) == (1, 1)


async def test_connections_hold_secrets_that_are_not_answered(client: httpx.AsyncClient) -> None:
    shown = "integrationConnection { id provider connectionKey secretNames status note }"
    said = {"provider": "slack", "credentials": {"bot_token": "xoxb-0-canary"}}
    made = await done(client, "createIntegrationConnection", shown, **said)
    assert (made["provider"], made["secretNames"]) == ("slack", ["bot_token"])
    assert await refused(client, "createIntegrationConnection", **said) == [("connectionKey", "connection_exists")]
    changed = await done(client, "updateIntegrationConnection", shown, id=made["id"], note="n", status="DISABLED")
    assert (changed["note"], changed["status"], changed["secretNames"]) == ("n", "DISABLED", ["bot_token"])
    assert await done(client, "deleteIntegrationConnection", "deletedId", id=made["id"]) == made["id"]


async def test_data_sources_are_made_changed_and_run(client: httpx.AsyncClient) -> None:
    shown = "dataSource { id name type recordType config { url auth { type } } secretNames status }"
    config = {"url": "https://example.com/people", "auth": {"type": "BEARER"}, "itemsPath": "data"}
    said = {"name": "S", "type": "HTTP_JSON", "recordType": "LEAD", "config": config, "secrets": {"token": "t"}}
    made = await done(client, "createDataSource", shown, **said)
    assert (made["type"], made["secretNames"], made["config"]["auth"]) == ("HTTP_JSON", ["token"], {"type": "BEARER"})
    told = await refused(client, "createDataSource", **{**said, "schedule": {"everyMinutes": 0}})
    assert told == [("schedule.everyMinutes", "validation_failed")]
    changed = await done(client, "updateDataSource", shown, id=made["id"], status="PAUSED")
    assert (changed["status"], changed["name"]) == ("PAUSED", "S")
    run = await done(
        client, "startDataSourceRun", "dataSourceRun { id dataSourceId status bytes }", dataSourceId=made["id"]
    )
    assert (await done(client, "cancelDataSourceRun", "dataSourceRun { status }", id=run["id"])) == {
        "status": "CANCELLED"
    }
    assert await refused(client, "cancelDataSourceRun", id=run["id"]) == [(None, "data_source_run_over")]
    assert await done(client, "deleteDataSource", "deletedId", id=made["id"])


async def test_lead_forms_are_made_and_get_another_address(client: httpx.AsyncClient) -> None:
    shown = "leadForm { id name url fields { name type required } enroll { workflowId } tags }"
    workflow = await create_workflow(client)
    fields = [{"name": "email", "label": "E-mail", "type": "EMAIL", "required": True}]
    said = {"name": "F", "fields": fields, "enroll": {"workflowId": str(workflow["id"])}, "tags": ["web"]}
    made = await done(client, "createCrmLeadForm", shown, **said)
    assert made["enroll"] == {"workflowId": str(workflow["id"])}
    assert made["fields"] == [{"name": "email", "type": "EMAIL", "required": True}]
    changed = await done(client, "updateCrmLeadForm", shown, id=made["id"], enroll=None)
    assert (changed["enroll"], changed["tags"]) == (None, ["web"])
    assert (await done(client, "rotateCrmLeadFormToken", shown, id=made["id"]))["url"] != made["url"]
    assert await done(client, "deleteCrmLeadForm", "deletedId", id=made["id"]) == made["id"]


async def test_an_import_is_cancelled_once(client: httpx.AsyncClient) -> None:
    started = await client.post(
        "/api/v1/crm/contacts/import_csv", content=b"email\na@b.com\n", headers={"content-type": "text/csv"}
    )
    number = str(started.json()["id"])
    assert (await done(client, "cancelImport", "import { status counts { created } }", id=number))["status"]
    assert await refused(client, "cancelImport", id=number) == [(None, "import_over")]
    assert await refused(client, "undoImport", id=number) == [(None, "import_not_undoable")]


async def test_an_approval_is_decided_by_who_may(
    client: httpx.AsyncClient, organization: TestOrganization, services: AppServices
) -> None:
    steps = [{"type": "approval", "id": "ask", "config": {"message": "Go on?"}}]
    workflow = await create_workflow(client, status="active", steps=steps)
    run = (await enroll(client, workflow["id"]))["enrollment_ids"][0]
    number = str(await plant(services.database, APPROVAL, organization.id, run))
    approver = organization.as_role(MemberRole.APPROVER)
    shown = "approval { id databaseId status note decidedBy { type } contact { email } }"
    editor = 'mutation { decideApproval(input: {id: "1", decision: APPROVE}) { approval { id } } }'
    assert await error_code(organization.as_role(MemberRole.EDITOR), editor) == "forbidden"
    payload = await mutate(approver, "decideApproval", shown, id=number, decision="REJECT", note="no")
    assert (payload["userErrors"], payload["approval"]["databaseId"]) == ([], number)
    assert (payload["approval"]["status"], payload["approval"]["note"]) == ("REJECTED", "no")
    assert await refused(approver, "decideApproval", id=number, decision="APPROVE") == [(None, "approval_closed")]


async def test_stalls_are_repaired(
    client: httpx.AsyncClient, organization: TestOrganization, services: AppServices
) -> None:
    workflow = await create_workflow(client, status="active")
    run = (await enroll(client, workflow["id"]))["enrollment_ids"][0]
    number = await plant(services.database, STALL, organization.id, run)
    repaired = await done(client, "repairStalls", "result { repairedCount stalls { id kind } }", ids=[str(number)])
    assert repaired["stalls"] == [{"id": str(number), "kind": "UNCLAIMED"}]
    assert await refused(client, "repairStalls", ids=["999999999"]) == [(None, "stall_not_found")]


@pytest.mark.parametrize("name", ["updateDataSource", "updateCrmLeadForm", "revokeApiKey", "decideApproval"])
async def test_other_organizations_ids_are_unknown(
    client: httpx.AsyncClient, new_organization: MakeOrganization, name: str
) -> None:
    other = await new_organization()
    made = await done(other.client, "createApiKey", "apiKey { databaseId }", name="x")
    extra = {"decision": "APPROVE"} if name == "decideApproval" else {}
    [(field, code)] = await refused(client, name, id=made["databaseId"], **extra)
    assert (field, code[-10:]) == (None, "_not_found")


async def test_mail_templates_are_made_changed_and_deleted(client: httpx.AsyncClient) -> None:
    shown = "mailTemplate { id databaseId name subject body html sender version }"
    made = await done(client, "createMailTemplate", shown, name="Intro", subject="Hi {{ first_name }}", body="Hello")
    assert (made["body"], made["html"], made["version"]) == ("Hello", None, 1)
    assert await refused(client, "createMailTemplate", name="I", subject="{{", body="x") == [
        ("subject", "validation_failed")
    ]
    changed = await done(client, "updateMailTemplate", shown, id=made["id"], sender="Ana <ana@example.com>")
    assert (changed["subject"], changed["sender"], changed["version"]) == (
        "Hi {{ first_name }}",
        "Ana <ana@example.com>",
        2,
    )
    assert await done(client, "deleteMailTemplate", "deletedId", id=made["id"]) == made["id"]
    assert await refused(client, "deleteMailTemplate", id=made["id"]) == [(None, "template_not_found")]


async def test_contacts_of_the_crm_are_enrolled_by_any_of_their_ids(client: httpx.AsyncClient) -> None:
    workflow = await create_workflow(
        client, status="active", steps=[{"type": "wait", "config": {"duration": 3, "unit": "days"}}]
    )
    contact = "contact { id databaseId publicId }"
    people = [await done(client, "createCrmContact", contact, email=f"{name}@example.com") for name in "abc"]
    ids = [people[0]["id"], people[1]["databaseId"], people[2]["publicId"], people[0]["publicId"], "cnt_nobody"]
    shown = "result { results { contactId status enrollmentId code message } }"
    said = {"workflowId": str(workflow["id"]), "contactIds": ids, "variables": {"hook": "news"}}
    results = (await done(client, "enrollCrmContacts", shown, **said))["results"]
    assert [one["status"] for one in results] == ["enrolled"] * 3 + ["skipped", "failed"]
    assert [one["code"] for one in results] == [None] * 3 + ["already_enrolled", "contact_not_found"]
    assert (await client.get(f"/api/v1/workflows/{workflow['id']}/enrollments")).json()["total"] == 3
