"""Rows as the dialect answers them. Pure."""

from collections.abc import Mapping
from typing import Any, Protocol, cast

import orjson

from drippulse.enrollments.contact_runs import Outcome
from drippulse.kit.clock import isoformat, isoformat_or_none
from drippulse.kit.errors import ConflictError, DomainError
from drippulse.workflows.nodes.layout import is_shown, owner_of
from drippulse_rest.v1.ids import ENROLLMENT, TEMPLATE, WORKFLOW, shown, shown_contact

Json = dict[str, Any]
DONE = {
    "email": "Email sent",
    "wait": "Delay over",
    "webhook_callback": "Webhook sent",
    "wait_for_event": "Wait over",
    "branch": "Branch taken",
    "ab_test": "Variant chosen",
    "goto": "Jumped",
    "exit": "Exited",
}
SPOKEN = {"waiting": "Waiting", "due": "Due", "running": "Running", "paused": "Paused", "retrying": "Trying again"}


class Row(Protocol):
    def __getitem__(self, column: str, /) -> Any: ...


def contact(row: Row) -> Json:
    return {
        "id": shown_contact(row["public_id"]),
        "email": row["email"],
        "firstName": row["first_name"],
        "lastName": row["last_name"],
        "company": row["company"],
        "phone": row["phone"],
        "timezone": row["timezone"],
        "attributes": orjson.loads(row["attributes"]),
        "tags": list(row["tags"]),
        "externalSystem": row["external_system"],
        "externalId": row["external_id"],
        **_stamps(row),
    }


def template(row: Row) -> Json:
    return {
        "id": shown(TEMPLATE, row["id"]),
        "name": row["name"],
        "subject": row["subject"],
        "body": row["body"],
        "html": row["html"],
        "from": row["sender"],
        "version": row["version"],
        **_stamps(row),
    }


def workflow(row: Row, definition: Mapping[str, Any]) -> Json:
    return {
        "id": shown(WORKFLOW, row["id"]),
        "name": row["name"],
        "description": row["description"],
        "status": row["status"],
        "version": row["version"],
        "nodes": definition.get("nodes", []),
        "startNodeId": definition.get("startNodeId"),
        "trigger": definition.get("trigger", "manual"),
        "eventType": definition.get("eventType"),
        "cron": definition.get("cron"),
        "exitCriteria": definition.get("exitCriteria") or [],
        "optOutMode": definition.get("optOutMode") or "link",
        "pausedNodeIds": definition.get("pausedNodeIds") or [],
        **_stamps(row),
    }


def enrollment(row: Row) -> Json:
    return {
        "id": shown(ENROLLMENT, row["id"]),
        "workflowId": shown(WORKFLOW, row["workflow_id"]),
        "contactId": shown_contact(row["lead_ref"]),
        "email": row["email"],
        "status": row["status"],
        "currentNodeId": current_node(row),
        "variables": _object(row["variables"]),
        "nextRunAt": isoformat_or_none(row["next_run_at"]),
        "exitReason": row["exit_reason"],
        "lastError": orjson.loads(row["last_error"]) if row["last_error"] else None,
        **_stamps(row),
        "completedAt": isoformat_or_none(row["finished_at"]),
    }


def current_node(row: Row) -> str | None:
    """The node it stands on; a run that has not begun stands on the first one. None once it ended."""
    if row["status"] not in {"active", "paused"}:
        return None
    step_id: str = row["step_id"]
    if step_id == row["first_step_id"] and row["first_step_type"] == "trigger":
        step_id = row["second_step_id"] or step_id
    return owner_of(step_id) or None


def bulk_result(outcome: Outcome, contact_id: str) -> Json:
    """`contact_id` as it was sent."""
    if outcome.error is None:
        number = outcome.enrollment_id or 0
        return {"contactId": contact_id, "enrollmentId": shown(ENROLLMENT, number), "status": "enrolled"}
    status = "skipped" if isinstance(outcome.error, ConflictError) else "failed"
    return {"contactId": contact_id, "status": status, "reason": _reason(outcome.error)}


def log(row: Row) -> Json | None:
    """An entry of the timeline; None for the wiring between nodes."""
    if not is_shown(row["step_id"]):
        return None
    at = row["finished_at"] or row["started_at"]
    return {"nodeId": owner_of(row["step_id"]), "status": row["status"], "message": _message(row), "at": isoformat(at)}


def _message(row: Row) -> str:
    error, logs = _object(row["error"]), cast("list[Any]", _object(row["output"]).get("logs") or [])
    if error:
        return str(error.get("message", ""))
    if row["status"] == "completed":
        return DONE.get(row["type"], str(logs[-1]) if logs else f"{row['name']} done")
    if row["status"] == "skipped" and logs:
        return str(logs[-1])
    return SPOKEN.get(row["status"], str(row["status"]).capitalize())


def _object(text: str | None) -> Json:
    """A JSON object; empty for anything else."""
    value: Any = orjson.loads(text) if text else None
    return cast("Json", value) if isinstance(value, dict) else {}


def _reason(error: DomainError) -> str:
    """Short, as the API reference shows them: `already enrolled`."""
    return str(getattr(error, "reason", error.message))


def _stamps(row: Row) -> Json:
    return {"createdAt": isoformat(row["created_at"]), "updatedAt": isoformat(row["updated_at"])}
