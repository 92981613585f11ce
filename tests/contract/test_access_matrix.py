"""Who may call what: every operation of the API description and every root field of the SDL, by every caller.

A new route or field fails here until it says what it expects.
"""

import httpx
import pytest

from drippulse.kit.services import AppServices
from drippulse.organizations import service
from drippulse.organizations.policy import GRANTS, Permission
from drippulse.organizations.tables import MemberRole
from tests.conftest import MakeClient, MakeOrganization
from tests.support.access import Operation, furnish, operations
from tests.support.organizations import PASSWORD, TestOrganization
from tests.support.roots import RootField, root_fields

READ, WRITE, PUBLIC = Permission.READ, Permission.WRITE, None

REST = {
    "adminLogin": PUBLIC,
    "createAdminSession": PUBLIC,
    "login": PUBLIC,
    "verifyToken": READ,
    "getHealth": PUBLIC,
    "getApiHealth": PUBLIC,
    "readMetrics": PUBLIC,
    "trackClick": PUBLIC,
    "trackOpen": PUBLIC,
    "showUnsubscribe": PUBLIC,
    "unsubscribe": PUBLIC,
    "getAccount": READ,
    "updateAccount": Permission.ADMINISTER,
    "getAccountBilling": Permission.ADMINISTER,
    "updateAccountBilling": Permission.ADMINISTER,
    "changePassword": READ,
    "listTeamMembers": READ,
    "inviteTeamMember": Permission.ADMINISTER,
    "getTeamMember": READ,
    "updateTeamMember": Permission.ADMINISTER,
    "removeTeamMember": Permission.ADMINISTER,
    "resendInvitation": Permission.ADMINISTER,
    "acceptInvitation": PUBLIC,
    "listApiKeys": Permission.ADMINISTER,
    "createApiKey": Permission.ADMINISTER,
    "getApiKey": Permission.ADMINISTER,
    "revokeApiKey": Permission.ADMINISTER,
    "getApiKeyUsage": Permission.ADMINISTER,
    "listAuditLog": Permission.ADMINISTER,
    "listProjects": READ,
    "createProject": WRITE,
    "getProject": READ,
    "updateProject": WRITE,
    "deleteProject": WRITE,
    "listCrmLeadForms": READ,
    "createCrmLeadForm": WRITE,
    "getCrmLeadForm": READ,
    "updateCrmLeadForm": WRITE,
    "deleteCrmLeadForm": WRITE,
    "rotateCrmLeadFormToken": WRITE,
    "listCrmLeadFormSubmissions": READ,
    "listDataSources": READ,
    "createDataSource": WRITE,
    "getDataSource": READ,
    "updateDataSource": WRITE,
    "deleteDataSource": WRITE,
    "uploadDataSourceFile": WRITE,
    "previewDataSource": WRITE,
    "listDataSourceRuns": READ,
    "startDataSourceRun": WRITE,
    "getDataSourceRun": READ,
    "getDataSourceRunErrors": READ,
    "cancelDataSourceRun": WRITE,
    "importAccounts": WRITE,
    "importContacts": WRITE,
    "importLeads": WRITE,
    "importOpportunities": WRITE,
    "importActivities": WRITE,
    "previewImport": WRITE,
    "listImports": READ,
    "getImport": READ,
    "watchImport": READ,
    "getImportErrors": READ,
    "cancelImport": WRITE,
    "undoImport": WRITE,
    "listWorkflows": READ,
    "createWorkflow": WRITE,
    "listStepTypes": READ,
    "getWorkflow": READ,
    "updateWorkflow": WRITE,
    "deleteWorkflow": WRITE,
    "testWorkflow": WRITE,
    "simulateWorkflow": WRITE,
    "getWorkflowDraft": READ,
    "saveWorkflowDraft": WRITE,
    "dropWorkflowDraft": WRITE,
    "previewPublishing": WRITE,
    "publishWorkflow": WRITE,
    "listVersionMoves": READ,
    "listWorkflowVersions": READ,
    "diffWorkflowVersions": READ,
    "getWorkflowVersion": READ,
    "restoreWorkflowVersion": WRITE,
    "listEnrollments": READ,
    "bulkEnroll": WRITE,
    "getEnrollment": READ,
    "deleteEnrollment": WRITE,
    "pauseEnrollment": WRITE,
    "resumeEnrollment": WRITE,
    "cancelEnrollment": WRITE,
    "retryEnrollment": WRITE,
    "resolveEnrollment": WRITE,
    "actOnEnrollments": WRITE,
    "listUnknownSends": READ,
    "resolveUnknownSends": WRITE,
    "explainEnrollment": READ,
    "getWorkflowHolds": READ,
    "pauseWorkflow": WRITE,
    "resumeWorkflow": WRITE,
    "pauseStep": WRITE,
    "resumeStep": WRITE,
    "getOrganizationHolds": READ,
    "pauseOrganization": Permission.ADMINISTER,
    "resumeOrganization": Permission.ADMINISTER,
    "sendEvent": WRITE,
    "sendEvents": WRITE,
    "listEvents": READ,
    "listApprovals": READ,
    "getApproval": READ,
    "decideApproval": Permission.DECIDE_APPROVALS,
    "listStalls": READ,
    "repairStalls": Permission.ADMINISTER,
    "listIntegrationConnections": READ,
    "createIntegrationConnection": WRITE,
    "getIntegrationConnection": READ,
    "updateIntegrationConnection": WRITE,
    "deleteIntegrationConnection": WRITE,
    "testIntegrationConnection": WRITE,
    "listGraphqlDocuments": Permission.ADMINISTER,
    "putGraphqlDocuments": Permission.ADMINISTER,
    "deleteGraphqlDocument": Permission.ADMINISTER,
    "getGraphqlUsage": Permission.ADMINISTER,
    "getSending": READ,
    "updateSending": Permission.ADMINISTER,
    "getSendingStatus": READ,
    "resetSendingBreaker": Permission.ADMINISTER,
    "getBounceWebhook": Permission.ADMINISTER,
    "rotateBounceWebhook": Permission.ADMINISTER,
    "reportBounces": PUBLIC,
    "listSuppressions": READ,
    "createSuppression": WRITE,
    "deleteSuppression": WRITE,
    "convertCrmLead": WRITE,
    "listCrmDuplicates": READ,
    "dismissCrmDuplicates": WRITE,
    "listCrmAccountDuplicates": READ,
    "listCrmContactDuplicates": READ,
    "listCrmLeadDuplicates": READ,
    "createCrmAccount": WRITE,
    "getCrmAccount": READ,
    "updateCrmAccount": WRITE,
    "deleteCrmAccount": WRITE,
    "restoreCrmAccount": WRITE,
    "createCrmContact": WRITE,
    "getCrmContact": READ,
    "updateCrmContact": WRITE,
    "deleteCrmContact": WRITE,
    "restoreCrmContact": WRITE,
    "createCrmLead": WRITE,
    "getCrmLead": READ,
    "updateCrmLead": WRITE,
    "deleteCrmLead": WRITE,
    "restoreCrmLead": WRITE,
    "createCrmOpportunity": WRITE,
    "getCrmOpportunity": READ,
    "updateCrmOpportunity": WRITE,
    "deleteCrmOpportunity": WRITE,
    "restoreCrmOpportunity": WRITE,
    "createCrmActivity": WRITE,
    "getCrmActivity": READ,
    "updateCrmActivity": WRITE,
    "deleteCrmActivity": WRITE,
    "restoreCrmActivity": WRITE,
    "listCrmAccounts": READ,
    "listCrmContacts": READ,
    "listCrmLeads": READ,
    "listCrmOpportunities": READ,
    "listCrmActivities": READ,
    "bulkUpdateCrmAccounts": WRITE,
    "bulkDeleteCrmAccounts": WRITE,
    "assignCrmAccounts": WRITE,
    "bulkUpdateCrmContacts": WRITE,
    "bulkDeleteCrmContacts": WRITE,
    "assignCrmContacts": WRITE,
    "bulkUpdateCrmLeads": WRITE,
    "bulkDeleteCrmLeads": WRITE,
    "assignCrmLeads": WRITE,
    "bulkUpdateCrmOpportunities": WRITE,
    "bulkDeleteCrmOpportunities": WRITE,
    "assignCrmOpportunities": WRITE,
    "bulkUpdateCrmActivities": WRITE,
    "bulkDeleteCrmActivities": WRITE,
    "assignCrmActivities": WRITE,
    "listCrmTags": READ,
    "renameCrmTag": WRITE,
    "deleteCrmTag": WRITE,
    "mergeCrmAccount": WRITE,
    "unmergeCrmAccount": WRITE,
    "mergeCrmContact": WRITE,
    "unmergeCrmContact": WRITE,
    "mergeCrmLead": WRITE,
    "unmergeCrmLead": WRITE,
    "mergeCrmOpportunity": WRITE,
    "unmergeCrmOpportunity": WRITE,
    "listCrmChangeEvents": READ,
    "listCrmChangesets": READ,
    "getCrmChangeset": READ,
    "revertCrmChangeset": WRITE,
    "listCrmCustomFields": READ,
    "createCrmCustomField": WRITE,
    "getCrmCustomField": READ,
    "updateCrmCustomField": WRITE,
    "deleteCrmCustomField": WRITE,
    "listOpportunityPipelines": READ,
    "createOpportunityPipeline": WRITE,
    "getOpportunityPipeline": READ,
    "updateOpportunityPipeline": WRITE,
    "deleteOpportunityPipeline": WRITE,
    "setDefaultOpportunityPipeline": WRITE,
    "getPipelineBoard": READ,
    "reorderOpportunities": WRITE,
    "exportCrm": READ,
    "importCrm": WRITE,
    "v1ListWorkflows": READ,
    "v1CreateWorkflow": WRITE,
    "v1GetWorkflow": READ,
    "v1UpdateWorkflow": WRITE,
    "v1DeleteWorkflow": WRITE,
    "v1ListContacts": READ,
    "v1CreateContact": WRITE,
    "v1GetContact": READ,
    "v1UpdateContact": WRITE,
    "v1DeleteContact": WRITE,
    "v1ListTemplates": READ,
    "v1CreateTemplate": WRITE,
    "v1GetTemplate": READ,
    "v1UpdateTemplate": WRITE,
    "v1DeleteTemplate": WRITE,
    "v1ListEnrollments": READ,
    "v1CreateEnrollment": WRITE,
    "v1BulkEnroll": WRITE,
    "v1GetEnrollment": READ,
    "v1ListEnrollmentLogs": READ,
}
NOBODIES = ("none", "garbage", "basic", "revoked key", "expired key", "ended session", "session of a former member")
ROLES = list(MemberRole)


ROOT_FIELDS = root_fields()
PROTECTED = [operation for operation in operations() if REST.get(operation.name) is not PUBLIC]
WITH_IDS = [operation for operation in PROTECTED if "{" in operation.path]


@pytest.fixture(scope="module")
async def theirs(new_organization: MakeOrganization, services: AppServices) -> tuple[TestOrganization, dict[str, str]]:
    """Another organization and the ids of what it has."""
    other = await new_organization()
    return other, await furnish(other, services.database)


@pytest.fixture(scope="module")
async def nobodies(
    new_organization: MakeOrganization, make_client: MakeClient, services: AppServices
) -> dict[str, dict[str, str]]:
    """What callers who are nobody send: their headers."""
    former, ended = await new_organization(), await new_organization()
    tokens: dict[str, str] = {}
    for name, organization in (("session of a former member", former), ("ended session", ended)):
        credentials = {"username": organization.username, "password": PASSWORD}
        tokens[name] = (await make_client().post("/api/v1/auth/login", json=credentials)).json()["token"]
    async with services.database.tenant(former.id) as session:
        for name in ("revoked key", "expired key"):
            tokens[name] = (await service.create_api_key(former.id, name=name, role=MemberRole.ADMIN)).key
        await session.execute("UPDATE api_key SET revoked_at = now() WHERE name = 'revoked key'")
        await session.execute("UPDATE api_key SET expires_at = now() WHERE name = 'expired key'")
        await session.execute("DELETE FROM membership")
    async with services.database.tenant(ended.id) as session:
        await session.execute("UPDATE app_user SET session_epoch = session_epoch + 1")
    headers = {name: {"authorization": f"Bearer {token}"} for name, token in tokens.items()}
    return {
        **headers,
        "none": {},
        "garbage": {"authorization": "Bearer adcrm_live_garbage"},
        "basic": {"authorization": "Basic YWRtaW46YWRtaW4="},
    }


@pytest.fixture
async def callers(
    organization: TestOrganization, make_client: MakeClient
) -> dict[tuple[MemberRole, str], httpx.AsyncClient]:
    """By role and kind of credential; a session for the Admin, who is the one with a password."""
    credentials = {"username": organization.username, "password": PASSWORD}
    token = (await make_client().post("/api/v1/auth/login", json=credentials)).json()["token"]
    keys = {(role, "key"): organization.as_role(role) for role in ROLES}
    return {**keys, (MemberRole.ADMIN, "session"): make_client(token)}


def test_every_operation_has_an_expectation() -> None:
    assert {operation.name for operation in operations()} == set(REST), "say who may call the new route"


def test_every_root_field_has_an_expectation() -> None:
    """Roles have a test of their own, which goes by these."""
    assert [str(field) for field in ROOT_FIELDS if field.permission not in {READ, Permission.ADMINISTER}] == []


@pytest.mark.parametrize("operation", PROTECTED, ids=str)
@pytest.mark.parametrize("caller", NOBODIES)
async def test_nobody_gets_in(
    operation: Operation,
    caller: str,
    nobodies: dict[str, dict[str, str]],
    theirs: tuple[TestOrganization, dict[str, str]],
    anonymous: httpx.AsyncClient,
) -> None:
    answers = [
        await anonymous.request(operation.method, operation.url(ids), json=operation.body, headers=nobodies[caller])
        for ids in (theirs[1], dict[str, str]())
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].content == answers[1].content
    assert answers[0].headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("operation", PROTECTED, ids=str)
async def test_roles_do_what_they_are_granted_and_nothing_else(
    operation: Operation, callers: dict[tuple[MemberRole, str], httpx.AsyncClient]
) -> None:
    for (role, kind), client in callers.items():
        answer = await client.request(operation.method, operation.url({}), json=operation.body)
        if REST[operation.name] in GRANTS[role]:
            assert answer.status_code not in {401, 403}, (role, kind)
            assert answer.status_code < 500, (role, kind)
        else:
            body = answer.json()
            told = body["error"]["code"] if operation.path.startswith("/v1/") else body["error"]
            assert (answer.status_code, told) == (403, "forbidden"), (role, kind)


@pytest.mark.parametrize("operation", WITH_IDS, ids=str)
async def test_foreign_ids_answer_as_random_ids_do(
    operation: Operation, theirs: tuple[TestOrganization, dict[str, str]], client: httpx.AsyncClient
) -> None:
    answers = [
        await client.request(operation.method, operation.url(ids), json=operation.full_body)
        for ids in (theirs[1], dict[str, str]())
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    other, ids = theirs
    for path in (f"workflows/{ids['workflow']}/enrollments/{ids['enrollment']}", "integration_connections?page=1"):
        assert (await other.client.get(f"/api/v1/{path}")).status_code == 200


@pytest.mark.parametrize("field", ROOT_FIELDS, ids=str)
async def test_nobody_is_told_a_root_field(
    field: RootField, nobodies: dict[str, dict[str, str]], anonymous: httpx.AsyncClient
) -> None:
    for headers in nobodies.values():
        answer = await anonymous.post("/graphql", json={"query": field.document()}, headers=headers)
        assert (answer.status_code, answer.json().get("data")) == (401, None)
