"""The history of a workflow: its versions, what differs between them, and how far moves have come."""

from collections.abc import Mapping
from typing import Any

import orjson

from drippulse.kit.clock import isoformat, isoformat_or_none
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import not_found
from drippulse.kit.pagination import PageRequest, encode_cursor
from drippulse.organizations.policy import Principal
from drippulse.workflows.publishing import queries
from drippulse.workflows.publishing.diff import diff_versions
from drippulse.workflows.publishing.state import NO_STEP
from drippulse.workflows.secrets import redact, reveal
from drippulse.workflows.service import require_workflow

MAX_VERSION = 2**31 - 1


async def list_versions(
    session: Session, principal: Principal, workflow_id: int, request: PageRequest
) -> dict[str, Any]:
    """`{versions, total_count}`, newest first."""
    await require_workflow(session, principal, workflow_id)
    rows, total = await queries.versions_page(session, principal.organization_id, workflow_id, request)
    return _list("versions", rows, total, request, _brief)


async def get_version(session: Session, principal: Principal, workflow_id: int, number: int) -> dict[str, Any]:
    """Raises NotFoundError."""
    await require_workflow(session, principal, workflow_id)
    row = await require_version(session, principal.organization_id, workflow_id, number)
    steps = redact(orjson.loads(row["steps"]))
    return {**_brief(row), "steps": steps, "settings": orjson.Fragment(row["settings"])}


async def diff(
    session: Session, principal: Principal, vault: Vault, workflow_id: int, old: int | None, new: int | None
) -> dict[str, Any]:
    """What differs from `old` (default: the version before) to `new` (default: the live one). Raises NotFoundError."""
    live = await require_workflow(session, principal, workflow_id)
    organization = principal.organization_id
    to = live["version"] if new is None else new
    start = max(to - 1, 1) if old is None else old
    before = await require_version(session, organization, workflow_id, start)
    after = await require_version(session, organization, workflow_id, to)
    found = diff_versions(
        reveal(orjson.loads(before["steps"]), vault, organization),
        reveal(orjson.loads(after["steps"]), vault, organization),
        orjson.loads(before["settings"]),
        orjson.loads(after["settings"]),
    )
    return {"from": start, "to": to, **found}


async def list_moves(session: Session, principal: Principal, workflow_id: int, request: PageRequest) -> dict[str, Any]:
    """`{moves, total_count}`, newest first."""
    await require_workflow(session, principal, workflow_id)
    rows, total = await queries.moves_page(session, principal.organization_id, workflow_id, request)
    return _list("moves", rows, total, request, _move)


async def move_to(session: Session, organization_id: int, workflow_id: int, version: int) -> dict[str, Any] | None:
    """How far those in flight have moved to a version; None when they stay where they are."""
    row = await queries.move_to(session, organization_id, workflow_id, version)
    return None if row is None else _move(row)


def _list(name: str, rows: list[Record], total: int, request: PageRequest, present: Any) -> dict[str, Any]:
    more = request.limit is not None and len(rows) > request.limit
    shown = rows[: request.limit]
    answer: dict[str, Any] = {name: [present(row) for row in shown], "total_count": total}
    if request.paginated:
        answer["next_cursor"] = encode_cursor(shown[-1]["id"]) if more else None
    return answer


async def require_version(session: Session, organization_id: int, workflow_id: int, number: int) -> Record:
    """Its row with steps and settings. Raises NotFoundError."""
    known = 0 < number <= MAX_VERSION
    row = await queries.version(session, organization_id, workflow_id, number) if known else None
    if row is None:
        raise not_found("workflow version")
    return row


def _brief(row: Record) -> dict[str, Any]:
    return {
        "version": row["version"],
        "live": row["live"],
        "note": row["note"],
        "created_at": isoformat(row["created_at"]),
        "published_by": _actor(row) if row["actor_type"] else None,
        "in_flight": row["in_flight"],
        "steps_count": row["steps_count"],
    }


def _actor(row: Record) -> dict[str, Any]:
    return {"type": row["actor_type"], "id": row["actor_id"]}


def _move(row: Record) -> dict[str, Any]:
    targets: Mapping[str, Any] = orjson.loads(row["targets"])
    done = row["finished_at"] is not None or row["remaining"] == 0
    return {
        "id": row["id"],
        "version": row["version"],
        "strategy": row["strategy"],
        "status": "superseded" if row["superseded"] else "done" if done else "moving",
        "total": row["total"],
        "moved": row["moved"],
        "exited": row["exited"],
        "remaining": row["remaining"],
        "targets": {step: place and place["id"] for step, place in targets.items() if step != NO_STEP},
        "published_by": _actor(row),
        "created_at": isoformat(row["created_at"]),
        "updated_at": isoformat(row["updated_at"]),
        "finished_at": isoformat_or_none(row["finished_at"]),
    }
