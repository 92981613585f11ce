"""Explaining one run out of its row, its timeline and its pinned version. Nothing is written."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import orjson

from drippulse.enrollments import presentation, queries
from drippulse.enrollments.explaining import sending_forecast, sentences
from drippulse.enrollments.explaining.forecast import Coming, forecast
from drippulse.enrollments.explaining.sends import Sends
from drippulse.enrollments.expressions import LIFTED
from drippulse.enrollments.reentry import default_key
from drippulse.kit.clock import isoformat, isoformat_or_none
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import DomainError, not_found
from drippulse.kit.ids import is_id
from drippulse.organizations.policy import Principal
from drippulse.workflows.conditions import evaluate
from drippulse.workflows.graph import Graph, compile_graph
from drippulse.workflows.liquid_sandbox import work_together
from drippulse.workflows.secrets import reveal
from drippulse.workflows.service import require_workflow
from drippulse.workflows.settings import stored_settings
from drippulse.workflows.steps.branch import BranchConfig
from drippulse.workflows.steps.filter import FilterConfig
from drippulse.workflows.templates import Templates
from drippulse.workflows.walk import Subject, WalkState

PATH_ENTRIES = 50
NOT_DONE = frozenset({"skipped", "failed", "unknown", "retrying"})

DETAIL = f"""SELECT {queries.COLUMNS}, {LIFTED} AS lifted, e.bag, e.visit, e.visits, e.step_entered_at, e.intent_at,
  e.fence, e.held_at, e.signal, e.exit_reason, e.origin, e.dedupe_key, v.steps, v.settings,
  {queries.LEASED_UNTIL} AS leased_until,
  (SELECT o.timezone FROM organization o WHERE o.id = e.organization_id) AS organization_timezone
FROM enrollment e JOIN workflow_version v ON v.organization_id = e.organization_id AND v.workflow_id = e.workflow_id
  AND v.version = e.workflow_version
WHERE {queries.LIVE} AND e.id = $3"""

VERSIONS = """SELECT w.workflow_version, min(w.created_at) AS at, min(w.id) AS first FROM enrollment_walk w
WHERE w.organization_id = $1 AND w.enrollment_id = $2 GROUP BY 1 ORDER BY first"""


async def explain(
    session: Session, principal: Principal, vault: Vault, templates: Templates, workflow_id: int, enrollment_id: int
) -> dict[str, Any]:
    """The explanation of one run, as `ExplanationOut` has it. Raises NotFoundError."""
    organization_id = principal.organization_id
    workflow = await require_workflow(session, principal, workflow_id)
    known = is_id(enrollment_id)
    row = await session.fetchrow(DETAIL, organization_id, workflow_id, enrollment_id) if known else None
    if row is None:
        raise not_found("enrollment")
    timeline = await queries.timeline(session, organization_id, enrollment_id)
    entries = [_entry(entry) for entry in timeline if entry["id"] is not None]
    deliveries = await queries.deliveries(session, organization_id, enrollment_id)
    graph = _graph(row, vault, organization_id)
    here = _here(row, graph, entries)
    waiting = _waiting(row)
    version = _version(row, workflow, await session.fetch(VERSIONS, organization_id, enrollment_id))
    begun = frozenset(int(delivery["visit"]) for delivery in deliveries)
    coming = await _next(session, row, graph, organization_id, templates, begun)
    next_send = _next_send(coming)
    return {
        "id": row["id"],
        "workflow_id": row["workflow_id"],
        "status": row["status"],
        "exit_reason": row["exit_reason"],
        "summary": [here["sentence"], waiting["sentence"], *_said(next_send), version["sentence"]],
        "began": {
            "at": isoformat(row["created_at"]),
            "origin": row["origin"],
            "dedupe_key": _key(row),
        },
        "here": here,
        "waiting": waiting,
        "lease": _lease(row),
        "next": coming,
        "next_send": next_send,
        "path": entries[-PATH_ENTRIES:],
        "not_sent": _not_sent(entries, graph),
        "received": [_received(delivery, entries) for delivery in deliveries],
        "version": version,
    }


def _key(row: Record) -> str | None:
    """What re-entry rules know the run by; the default one is not kept with it."""
    kept: str | None = row["dedupe_key"]
    if kept is not None or orjson.loads(row["settings"]).get("dedupe_key"):
        return kept
    return default_key(row["lead_ref"], row["email"])


def _graph(row: Record, vault: Vault, organization_id: int) -> Graph | None:
    """The pinned version, compiled; None when it cannot be read any more."""
    try:
        graph = compile_graph(reveal(orjson.loads(row["steps"]), vault, organization_id), check=False)
    except DomainError:
        return None
    return replace(graph, exits=stored_settings(orjson.loads(row["settings"])).exits)


def _entry(row: Record) -> dict[str, Any]:
    output: Any = orjson.loads(row["output"]) if row["output"] else None
    error: Any = orjson.loads(row["error"]) if row["error"] else None
    logs: list[str] = list(output.get("logs", [])) if isinstance(output, dict) else []  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType] - JSON
    if error:
        logs.append(str(error["message"]))
    return {
        "visit": row["visit"],
        "step_index": row["step_index"],
        "step_id": row["step_id"],
        "name": row["name"],
        "type": row["type"],
        "status": row["status"],
        "at": isoformat(row["finished_at"] or row["started_at"]),
        "logs": logs,
    }


def _here(row: Record, graph: Graph | None, entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    index: int = row["current_step_index"]
    node = graph.nodes[index] if graph is not None and index < len(graph) else None
    before = [entry for entry in entries if entry["visit"] < row["visit"]]
    led_by = before[-1] if before else None
    if led_by is not None:
        led_by = {**led_by, "conditions": _conditions(graph, led_by["step_index"], row)}
    return {
        "step_index": node.index if node else None,
        "step_id": node.id if node else None,
        "name": node.name if node else None,
        "type": node.type if node else None,
        "since": isoformat(row["step_entered_at"]),
        "visit": row["visit"],
        "attempt": row["attempt"],
        "led_by": led_by,
        "sentence": sentences.why_here(row, node.name if node else None, led_by),
    }


def _conditions(graph: Graph | None, index: int, row: Record) -> list[dict[str, Any]]:
    """The conditions of a filter or a branch over today's data; nothing for other steps."""
    config = graph.nodes[index].config if graph is not None and index < len(graph) else None
    if not isinstance(config, FilterConfig | BranchConfig):
        return []
    options = [config] if isinstance(config, FilterConfig) else config.branches
    bag = orjson.loads(row["bag"])
    return [
        detail for option in options for detail in evaluate(option.match, option.conditions, bag, row["now"]).details
    ]


def _waiting(row: Record) -> dict[str, Any]:
    wait = presentation.wait(row)
    error = orjson.loads(row["last_error"]) if row["last_error"] else None
    return {
        "reason": wait["reason"],
        "until": wait["until"],
        "held_since": isoformat_or_none(row["held_at"]),
        "holds": sentences.holds(row),
        "error": error,
        "signal": orjson.loads(row["signal"]) if row["signal"] else None,
        "sentence": sentences.why_waiting(row, error, row["leased_until"]),
    }


def _lease(row: Record) -> dict[str, Any]:
    until: datetime | None = row["leased_until"]
    return {
        "held": until is not None,
        "until": isoformat_or_none(until),
        "fence": row["fence"],
        "call_begun_at": isoformat_or_none(row["intent_at"]),
    }


async def _next(
    session: Session,
    row: Record,
    graph: Graph | None,
    organization_id: int,
    templates: Templates,
    begun: frozenset[int],
) -> list[dict[str, Any]]:
    """The forecast, made once to see which mails come, and again with what their windows hold by now."""
    if graph is None or row["status"] not in {"active", "paused"}:
        return []
    sends = await sending_forecast.load(session, organization_id)
    with work_together():
        coming = _forecast(row, graph, organization_id, templates, sends, begun)
    if sends.seen and await sending_forecast.load_rooms(session, sends, row["now"]):
        with work_together():
            coming = _forecast(row, graph, organization_id, templates, sends, begun)
    return [step.shown() for step in coming]


def _forecast(
    row: Record, graph: Graph, organization_id: int, templates: Templates, sends: Sends, begun: frozenset[int]
) -> list[Coming]:
    subject = Subject(
        organization_id=organization_id,
        enrollment_id=row["id"],
        workflow_id=row["workflow_id"],
        timezone=row["timezone"],
        templates=templates,
        organization_timezone=row["organization_timezone"] or "UTC",
        signal=orjson.loads(row["signal"]) if row["signal"] else None,
    )
    state = WalkState(
        cursor=row["current_step_index"],
        visit=row["visit"],
        attempt=max(row["attempt"], 1),
        entered_at=row["step_entered_at"],
        bag=orjson.loads(row["bag"]),
        visits=orjson.loads(row["visits"]) or ({row["step_id"]: 1} if row["step_id"] else {}),
    )
    return forecast(graph, state, subject, row["now"], row["next_run_at"], row["wait_reason"], sends, begun)


def _next_send(coming: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The first mail that comes."""
    mail = next((step for step in coming if step["sends_at"] is not None or step["held_by"]), None)
    if mail is None:
        return None
    names = ("step_id", "name", "held_by")
    return {**{name: mail[name] for name in names}, "at": mail["sends_at"], "sentence": sentences.next_send(mail)}


def _said(next_send: dict[str, Any] | None) -> list[str]:
    return [next_send["sentence"]] if next_send is not None else []


def _not_sent(entries: Sequence[dict[str, Any]], graph: Graph | None) -> list[dict[str, Any]]:
    effects = {node.id for node in graph.nodes if node.effect} if graph is not None else set[str]()
    return [
        {**entry, "why": "; ".join(entry["logs"]) or entry["status"]}
        for entry in entries
        if entry["status"] in NOT_DONE and entry["step_id"] in effects
    ]


def _received(delivery: Record, entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    before = [entry for entry in entries if entry["visit"] < delivery["visit"]]
    return {
        "delivery_id": delivery["id"],
        "step_id": delivery["step_id"],
        "to": delivery["recipient"],
        "subject": delivery["subject"],
        "status": delivery["status"],
        "at": isoformat(delivery["sent_at"] or delivery["updated_at"]),
        "path": sentences.path(before[-PATH_ENTRIES:]),
    }


def _version(row: Record, workflow: Record, seen: Sequence[Record]) -> dict[str, Any]:
    pinned, newest = int(row["workflow_version"]), int(workflow["version"])
    known = [(int(one["workflow_version"]), one["at"]) for one in seen]
    if known and known[-1][0] != pinned:
        known.append((pinned, row["updated_at"]))
    moves = [
        {"from_version": before[0], "to_version": after[0], "at": isoformat(after[1])}
        for before, after in pairwise(known)
    ]
    newer = f"; version {newest} is the newest, and this run stays on its own" if newest != pinned else ", the newest"
    return {"pinned": pinned, "newest": newest, "sentence": f"It runs on version {pinned}{newer}.", "moves": moves}
