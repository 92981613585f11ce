"""Workflows, their drafts and their runs, changed over GraphQL: the same services, told with userErrors."""

from typing import Any

import httpx
import pytest

from tests.conftest import MakeOrganization
from tests.support.graphql import done, graphql, mutate, refused
from tests.support.workflows import create_workflow, enroll

LOG = {"id": "s1", "type": "log", "config": {"message": "ok"}}
WAIT = {"id": "wait", "type": "wait", "config": {"duration": 3, "unit": "days"}}
FULL = "workflow { id databaseId name status version description steps { id type config } hasDraft projectId }"


@pytest.fixture
async def workflow(client: httpx.AsyncClient) -> dict[str, Any]:
    """An active one whose runs wait."""
    return await create_workflow(client, status="active", steps=[WAIT, LOG])


@pytest.fixture
async def run(client: httpx.AsyncClient, workflow: dict[str, Any]) -> str:
    """The global id of a run of it."""
    await enroll(client, workflow["id"])
    [node] = (await graphql(client, "{ enrollments { nodes { id } } }"))["enrollments"]["nodes"]
    return node["id"]


async def test_a_workflow_is_made_and_is_the_node(client: httpx.AsyncClient) -> None:
    made = await done(client, "createWorkflow", FULL, name="Welcome", status="ACTIVE", steps=[LOG])
    assert (made["name"], made["status"], made["version"]) == ("Welcome", "ACTIVE", 1)
    shown = await graphql(
        client, f"query ($id: ID!) {{ {FULL.replace('workflow', 'workflow(id: $id)')} }}", id=made["id"]
    )
    assert shown["workflow"] == made
    assert (await client.get(f"/api/v1/workflows/{made['databaseId']}")).json()["name"] == "Welcome"


async def test_what_is_left_out_stays_and_null_is_null(client: httpx.AsyncClient) -> None:
    project = await done(client, "createProject", "project { id databaseId }", name="A")
    made = await done(client, "createWorkflow", FULL, name="W", description="D", projectId=project["id"])
    assert made["projectId"] == project["databaseId"]
    renamed = await done(client, "updateWorkflow", FULL, id=made["id"], name="V")
    assert (renamed["name"], renamed["description"], renamed["projectId"]) == ("V", "D", project["databaseId"])
    taken_out = await done(client, "updateWorkflow", FULL, id=made["databaseId"], projectId=None)
    assert (taken_out["name"], taken_out["projectId"]) == ("V", None)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"name": ""}, ("name", "validation_failed")),
        ({"name": None}, ("name", "validation_failed")),
        ({"projectId": "999999999"}, (None, "project_not_found")),
        ({"steps": [{"type": "nonsense"}]}, ("steps.0.type", "invalid_step_graph")),
        ({"steps": [{"type": "wait", "config": {"due_at": 1}}]}, ("steps.0.config.due_at", "invalid_step_graph")),
        ({"description": "nul\x00"}, (None, "validation_failed")),
    ],
)
async def test_what_is_not_acceptable_is_told(
    client: httpx.AsyncClient, workflow: dict[str, Any], said: dict[str, Any], told: tuple[str | None, str]
) -> None:
    assert told in await refused(client, "updateWorkflow", id=str(workflow["id"]), **said)
    assert (await client.get(f"/api/v1/workflows/{workflow['id']}")).json()["version"] == 1


async def test_two_mutations_of_one_operation_see_each_other(client: httpx.AsyncClient, run: str) -> None:
    query = """mutation ($pause: PauseEnrollmentInput!, $resume: ResumeEnrollmentInput!) {
      pauseEnrollment(input: $pause) { enrollment { status } }
      resumeEnrollment(input: $resume) { enrollment { status } } }"""
    data = await graphql(client, query, pause={"id": run}, resume={"id": run})
    assert data["pauseEnrollment"]["enrollment"]["status"] == "PAUSED"
    assert data["resumeEnrollment"]["enrollment"]["status"] == "ACTIVE"


async def test_a_draft_is_saved_previewed_published_and_restored(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client, steps=[LOG])
    number = str(made["id"])
    shown = "workflowDraft { revision baseVersion steps { id } problems }"
    draft = await done(client, "saveWorkflowDraft", shown, id=number, steps=[LOG, WAIT])
    assert (draft["revision"], draft["problems"]) == (1, {})
    stale = await refused(client, "saveWorkflowDraft", id=number, steps=[], revision=7)
    assert stale == [(None, "draft_changed")]
    preview = await done(
        client, "previewPublishing", "preview { newVersion publishable confirmToken diff { added { id } } }", id=number
    )
    assert (preview["newVersion"], preview["publishable"]) == (2, True)
    assert preview["diff"]["added"] == [{"id": "wait"}]
    published = await done(client, "publishWorkflow", "publication { version strategy }", id=number)
    assert published == {"version": 2, "strategy": "PIN"}
    restored = await done(client, "restoreWorkflowVersion", shown, id=number, version=1)
    assert [step["id"] for step in restored["steps"]] == ["s1"]
    dropped = await done(client, "dropWorkflowDraft", "workflow { hasDraft }", id=number)
    assert dropped == {"hasDraft": False}


async def test_pausing_and_resuming_hold_and_let_go(
    client: httpx.AsyncClient, workflow: dict[str, Any], run: str
) -> None:
    number, holds = str(workflow["id"]), "workflowHolds { pausedSteps held { paused stepPaused workflowPaused } }"
    paused = await done(client, "pauseWorkflow", holds, id=number)
    assert paused["held"]["workflowPaused"] == 1
    resumed = await done(client, "resumeWorkflow", holds, id=number, clock="FREEZE")
    assert resumed["held"]["workflowPaused"] == 0
    step = await done(client, "pauseStep", holds, id=number, stepId="wait")
    assert (step["pausedSteps"], step["held"]["stepPaused"]) == (["wait"], 1)
    told = await refused(client, "resumeStep", id=number, stepId="wait", late="RESPREAD")
    assert [code for _, code in told] == ["validation_failed"]
    assert (await done(client, "resumeStep", holds, id=number, stepId="wait"))["pausedSteps"] == []
    assert run


async def test_a_run_is_paused_cancelled_and_refused(client: httpx.AsyncClient, run: str) -> None:
    shown = "enrollment { id status }"
    assert await done(client, "pauseEnrollment", shown, id=run) == {"id": run, "status": "PAUSED"}
    ended = await done(client, "cancelEnrollment", shown, id=run, reason="signed up")
    assert ended["status"] == "CANCELLED"
    assert await refused(client, "retryEnrollment", id=run) == [(None, "enrollment_not_failed")]
    assert await refused(client, "resolveEnrollment", id=run, action="SKIP") == [(None, "outcome_not_open")]
    assert await done(client, "deleteEnrollment", "deletedId", id=run) == run
    assert await refused(client, "pauseEnrollment", id=run) == [(None, "enrollment_not_found")]


async def test_many_runs_are_acted_on(client: httpx.AsyncClient, workflow: dict[str, Any], run: str) -> None:
    number, shown = str(workflow["id"]), "result { action matched changed results { enrollmentId status } }"
    dry = await done(client, "actOnEnrollments", shown, id=number, action="CANCEL", all=True, dryRun=True)
    assert (dry["matched"], dry["changed"]) == (1, 1)
    assert (await refused(client, "actOnEnrollments", id=number, action="CANCEL"))[0] == ("filter", "validation_failed")
    real = await done(client, "actOnEnrollments", shown, id=number, action="CANCEL", filter={"ids": [run]})
    assert real["changed"] == 1
    again = await done(client, "actOnEnrollments", shown, id=number, action="CANCEL", all=True)
    assert (again["matched"], again["changed"]) == (1, 0)


async def test_a_simulation_answers_what_would_happen(client: httpx.AsyncClient, workflow: dict[str, Any]) -> None:
    shown = "simulation { workflowId totals { contacts completed } steps { id entered } }"
    said = {"contacts": [{"email": "a@b.com"}], "startAt": "2027-01-04T09:00:00Z"}
    seen = await done(client, "simulateWorkflow", shown, id=str(workflow["id"]), **said)
    assert seen["workflowId"] == str(workflow["id"])
    assert seen["totals"] == {"contacts": 1, "completed": 1}


async def test_a_deleted_workflow_is_gone(client: httpx.AsyncClient, workflow: dict[str, Any]) -> None:
    number = str(workflow["id"])
    assert await done(client, "deleteWorkflow", "deletedId", id=number)
    assert await refused(client, "updateWorkflow", id=number, name="X") == [(None, "workflow_not_found")]


async def test_another_organizations_project_is_not_found(
    client: httpx.AsyncClient, new_organization: MakeOrganization
) -> None:
    other = await new_organization()
    theirs = await done(other.client, "createProject", "project { id }", name="Theirs")
    payload = await mutate(client, "createWorkflow", "workflow { id }", name="W", projectId=theirs["id"])
    assert payload["workflow"] is None
    assert payload["userErrors"][0]["code"] == "project_not_found"
