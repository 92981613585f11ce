"""Workflows and contacts that tests start from."""

from typing import Any

import httpx

SEED_WORKFLOW: dict[str, Any] = {
    "name": "Inbound Lead Qualification",
    "description": "Draft from API",
    "status": "draft",
    "steps": [
        {"type": "trigger", "name": "Start", "config": {"frequency": "hourly"}},
        {"type": "log", "name": "Done", "config": {"message": "ok", "level": "info"}},
    ],
    "integrations": [],
}
"""The body of the API reference, word for word."""

WEBHOOK_SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def webhook_step(**changes: Any) -> dict[str, Any]:
    config = {"url": "https://example.com/hook", "secret": WEBHOOK_SECRET, **changes}
    return {"id": "hook", "type": "webhook_callback", "name": "Notify", "config": config}


async def create_workflow(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    """A workflow over REST; the answer's body."""
    response = await client.post("/api/v1/workflows", json={**SEED_WORKFLOW, **changes})
    assert response.status_code == 201, response.text
    return response.json()


async def enroll(client: httpx.AsyncClient, workflow_id: int, *contacts: Any, **fields: Any) -> dict[str, Any]:
    """A bulk enrollment over REST; the answer's body."""
    body = {"contacts": list(contacts) or [{"email": "ada@example.com"}], **fields}
    response = await client.post(f"/api/v1/workflows/{workflow_id}/enrollments/bulk", json=body)
    assert response.status_code == 201, response.text
    return response.json()
