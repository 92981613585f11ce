"""Approvals and stalls over REST."""

from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from drippulse.organizations.tables import MemberRole
from tests.support.organizations import TestOrganization
from tests.support.planted import APPROVAL, STALL, plant
from tests.support.workflows import create_workflow, enroll

APPROVALS, STALLS = "/api/v1/approvals", "/api/v1/stalls"


@pytest.fixture
def approver(organization: TestOrganization) -> httpx.AsyncClient:
    return organization.as_role(MemberRole.APPROVER)


@pytest.fixture
async def run(organization: TestOrganization) -> dict[str, int]:
    """A run that an Editor started."""
    editor = organization.as_role(MemberRole.EDITOR)
    steps = [{"type": "approval", "id": "ask", "config": {"message": "Go on?"}}]
    workflow = (await create_workflow(editor, steps=steps, status="paused"))["id"]
    made = await enroll(editor, workflow, {"email": "ada@example.com", "first_name": "Ada"})
    return {"workflow": workflow, "enrollment": made["enrollment_ids"][0]}


@pytest.fixture
async def approval(organization: TestOrganization, services: AppServices, run: dict[str, int]) -> int:
    return await plant(services.database, APPROVAL, organization.id, run["enrollment"])


async def test_an_approval_shows_what_is_asked_about_whom(
    client: httpx.AsyncClient, approval: int, run: dict[str, int]
) -> None:
    shown = (await client.get(f"{APPROVALS}/{approval}")).json()
    assert shown.pop("created_at").endswith("Z")
    assert shown == {
        "id": approval,
        "workflow_id": run["workflow"],
        "enrollment_id": run["enrollment"],
        "step_id": "ask",
        "status": "open",
        "role": "Approver",
        "message": "Go on?",
        "contact": {"lead_ref": None, "email": "ada@example.com", "first_name": "Ada", "last_name": ""},
        "held": True,
        "requested_by": None,
        "due_at": None,
        "decided_by": None,
        "decided_at": None,
        "note": "",
        "output": {},
    }


@pytest.mark.parametrize("wrapped", [False, True])
async def test_a_decision_is_taken_once(approver: httpx.AsyncClient, approval: int, wrapped: bool) -> None:
    body: dict[str, Any] = {"decision": "approve", "note": "fits", "output": {"owner": "grace"}}
    first = await approver.post(f"{APPROVALS}/{approval}/decide", json={"approval": body} if wrapped else body)
    assert first.status_code == 200
    decided = first.json()
    assert (decided["status"], decided["note"], decided["output"]) == ("approved", "fits", {"owner": "grace"})
    assert decided["decided_by"]["type"] == "api_key"
    second = await approver.post(f"{APPROVALS}/{approval}/decide", json={"decision": "reject"})
    assert (second.status_code, second.json()["error"]) == (409, "approval_closed")
    assert "approved before" in second.json()["message"]
    assert (await approver.get(f"{APPROVALS}/{approval}")).json() == decided


async def test_a_late_decision_on_a_run_that_was_deleted_is_refused(
    client: httpx.AsyncClient, approver: httpx.AsyncClient, approval: int, run: dict[str, int]
) -> None:
    path = f"/api/v1/workflows/{run['workflow']}/enrollments/{run['enrollment']}"
    assert (await client.delete(path)).status_code == 204
    late = await approver.post(f"{APPROVALS}/{approval}/decide", json={"decision": "approve"})
    assert (late.status_code, late.json()["error"]) == (409, "approval_closed")
    assert (await client.get(f"{APPROVALS}/{approval}")).json()["status"] == "cancelled"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "decision"),
        ({"decision": "maybe"}, "decision"),
        ({"decision": "approve", "output": []}, "output"),
        ({"decision": "approve", "note": "x" * 10_001}, "note"),
        ({"decision": "approve", "notes": "typo"}, "notes"),
    ],
)
async def test_what_is_no_decision_is_refused(
    approver: httpx.AsyncClient, approval: int, body: dict[str, Any], field: str
) -> None:
    answer = await approver.post(f"{APPROVALS}/{approval}/decide", json=body)
    assert answer.status_code in {400, 422}
    assert field in answer.text
    assert (await approver.get(f"{APPROVALS}/{approval}")).json()["status"] == "open"


async def test_the_list_filters_and_pages(client: httpx.AsyncClient, approval: int, run: dict[str, int]) -> None:
    for query, ids in (
        ("", [approval]),
        ("?status=open", [approval]),
        ("?status=approved", []),
        (f"?workflow_id={run['workflow']}", [approval]),
        ("?workflow_id=999999999", []),
        (f"?workflow_id={2**70}", []),
        ("?page=1&per_page=1", [approval]),
    ):
        answer = (await client.get(APPROVALS + query)).json()
        assert [row["id"] for row in answer["approvals"]] == ids, query
        assert answer["total_count"] == len(ids), query
    wrong = await client.get(f"{APPROVALS}?status=opne")
    assert (wrong.status_code, "open" in wrong.json()["message"]) == (422, True)


async def test_stalls_are_listed_and_repaired(
    organization: TestOrganization, services: AppServices, client: httpx.AsyncClient, run: dict[str, int]
) -> None:
    stall = await plant(services.database, STALL, organization.id, run["enrollment"])
    [listed] = (await client.get(f"{STALLS}?status=open")).json()["stalls"]
    assert (listed["id"], listed["kind"], listed["resolved_at"]) == (stall, "unclaimed", None)
    refusals: list[tuple[list[Any], int]] = [([stall, 999_999_999], 404), ([], 422), (["x"], 422)]
    for ids, status in refusals:
        assert (await client.post(f"{STALLS}/repair", json={"ids": ids})).status_code == status
    answer = (await client.post(f"{STALLS}/repair", json={"ids": [stall]})).json()
    assert (answer["repaired_count"], answer["stalls"][0]["resolution"]) == (0, "moved_on")  # it is held: nothing to do
    assert (await client.get(f"{STALLS}?status=open")).json()["total_count"] == 0
    assert (await client.get(f"{STALLS}?status=resolved")).json()["total_count"] == 1
    assert (await client.get(f"{STALLS}?status=lost")).status_code == 422
