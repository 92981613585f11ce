"""Enrollments as every edge answers them. Pure: rows in, JSON-ready values out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

import orjson

from drippulse.enrollments.tables import HOLD_REASONS, EnrollmentStatus, Hold
from drippulse.kit.clock import isoformat, isoformat_or_none

Json: TypeAlias = dict[str, Any]


class Row(Protocol):
    """A database record, or anything else with these columns."""

    def __getitem__(self, column: str, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class StepOutline:
    """What a list shows of a step."""

    id: str
    name: str
    type: str


def outline(steps: str) -> list[StepOutline]:
    """The outline of a version's steps, from their JSON text."""
    return [StepOutline(step["id"], step["name"], step["type"]) for step in orjson.loads(steps)]


def enrollment(row: Row, steps: Sequence[StepOutline]) -> Json:
    """A row of the list: the core fields and the summary of contact, position, wait and error."""
    return {
        "id": row["id"],
        "workflow_id": row["workflow_id"],
        "workflow_version": row["workflow_version"],
        "agent_id": row["agent_id"],
        "lead_ref": row["lead_ref"],
        "status": row["status"],
        "current_step_index": row["current_step_index"],
        "attempt": row["attempt"],
        "timezone": row["timezone"],
        "next_run_at": isoformat_or_none(row["next_run_at"]),
        "created_at": isoformat(row["created_at"]),
        "updated_at": isoformat(row["updated_at"]),
        "finished_at": isoformat_or_none(row["finished_at"]),
        "contact": contact(row),
        "current_step": current_step(row, steps),
        "progress": progress(row, len(steps)),
        "wait": wait(row),
        "last_error": _json(row["last_error"]),
    }


def contact(row: Row) -> Json:
    first, last = row["first_name"], row["last_name"]
    return {
        "email": row["email"],
        "first_name": first,
        "last_name": last,
        "name": f"{first} {last}".strip() or row["given_name"] or "",
    }


def current_step(row: Row, steps: Sequence[StepOutline]) -> Json | None:
    """Where it stands; null past the last step and in a workflow without steps."""
    index: int = row["current_step_index"]
    if not 0 <= index < len(steps):
        return None
    return {"index": index, "number": index + 1, "name": steps[index].name, "type": steps[index].type}


def progress(row: Row, total: int) -> Json:
    done = total if row["status"] == EnrollmentStatus.COMPLETED else min(row["current_step_index"], total)
    return {
        "completed_steps": done,
        "total_steps": total,
        "percent": 100 if done == total else done * 100 // total,
    }


def wait(row: Row) -> Json:
    """Whether an active run is held by a pause, a wait, a schedule, a retry or somebody's decision, and until when.

    A run that is paused by itself is not waiting, but says so in `reason`.
    """
    until: datetime | None = row["next_run_at"]
    now: datetime = row["now"]
    active = row["status"] == EnrollmentStatus.ACTIVE
    timed = active and until is not None and until > now
    waiting = active and (timed or row["claimable_at"] is None or row["holds"] != 0)
    return {
        "waiting": waiting,
        "until": isoformat(until) if until is not None and timed else None,
        "seconds_remaining": math.ceil((until - now).total_seconds()) if until is not None and timed else 0,
        "reason": hold_reason(row["status"], row["holds"]) or (row["wait_reason"] if waiting else None),
    }


def hold_reason(status: str, holds: int) -> str | None:
    """What holds an unfinished run, the widest hold first."""
    if status == EnrollmentStatus.PAUSED:
        return HOLD_REASONS[Hold.ENROLLMENT]
    found = (reason for hold, reason in HOLD_REASONS.items() if holds & hold)
    return next(found, None) if status == EnrollmentStatus.ACTIVE else None


def step_funnel(steps: Sequence[StepOutline], counts: Sequence[Row]) -> Json:
    """How many runs stand on each step of the newest version, and how all of them fare.

    Who is on an older version counts on the step of the same id; `other_versions` has those whose step is gone.
    """
    totals = dict.fromkeys((*EnrollmentStatus,), 0)
    active, waiting = [0] * len(steps), [0] * len(steps)
    places = {step.id: index for index, step in enumerate(steps)}
    others: list[Json] = []
    for row in counts:
        totals[EnrollmentStatus(row["status"])] += row["enrollments"]
        if row["status"] != EnrollmentStatus.ACTIVE:
            continue
        index: int = row["current_step_index"] if row["step_id"] is None else places.get(row["step_id"], -1)
        if 0 <= index < len(steps):
            active[index] += row["enrollments"]
            waiting[index] += row["waiting"]
        elif row["step_id"] is not None:
            others.append(_elsewhere(row))
    return {
        "steps": [
            {
                "step_index": index,
                "step_number": index + 1,
                "name": step.name,
                "type": step.type,
                "active_leads": active[index],
                "waiting_leads": waiting[index],
                "running_leads": active[index] - waiting[index],
            }
            for index, step in enumerate(steps)
        ],
        "other_versions": sorted(others, key=lambda other: (-other["version"], other["step_index"])),
        "totals": {
            "active": totals[EnrollmentStatus.ACTIVE],
            "paused": totals[EnrollmentStatus.PAUSED],
            "completed": totals[EnrollmentStatus.COMPLETED],
            "failed": totals[EnrollmentStatus.FAILED],
            "cancelled": totals[EnrollmentStatus.CANCELLED],
            "total_enrollments": sum(totals.values()),
        },
    }


def _elsewhere(row: Row) -> Json:
    """Active runs on a step that the newest version does not have."""
    return {
        "version": row["workflow_version"],
        "step_id": row["step_id"],
        "step_index": row["current_step_index"],
        "name": row["name"],
        "type": row["type"],
        "active_leads": row["enrollments"],
        "waiting_leads": row["waiting"],
        "running_leads": row["enrollments"] - row["waiting"],
    }


def timeline_entry(row: Row) -> Json:
    """One attempt of a step visit, or the step that an unfinished run is on, which has no id and no end."""
    return {
        "id": row["id"],
        "visit": row["visit"],
        "step_index": row["step_index"],
        "step_id": row["step_id"],
        "name": row["name"],
        "type": row["type"],
        "status": row["status"],
        "attempt": row["attempt"],
        "started_at": isoformat(row["started_at"]),
        "finished_at": isoformat_or_none(row["finished_at"]),
        "duration_ms": _milliseconds(row["started_at"], row["finished_at"]),
        "input": _json(row["input"]),
        "output": _json(row["output"]),
        "error": _json(row["error"]),
    }


def delivery(row: Row) -> Json:
    return {
        "id": row["id"],
        "visit": row["visit"],
        "step_index": row["step_index"],
        "step_id": row["step_id"],
        "to": row["recipient"],
        "subject": row["subject"],
        "message_id": row["message_id"],
        "status": row["status"],
        "attempts": row["attempts"],
        "response": row["response"],
        "created_at": isoformat(row["created_at"]),
        "updated_at": isoformat(row["updated_at"]),
        "sent_at": isoformat_or_none(row["sent_at"]),
        "feedback": row["feedback"],
        "feedback_at": isoformat_or_none(row["feedback_at"]),
    }


def nurture_event(row: Row) -> Json:
    return {
        "id": row["id"],
        "delivery_id": row["delivery_id"],
        "type": row["type"],
        "at": isoformat(row["at"]),
        "url": row["url"],
        "human": row["human"],
    }


def runtime_state(row: Row) -> Json:
    return {
        "bag": _json(row["bag"]),
        "visits": _json(row["visits"]),
        "next_run_at": isoformat_or_none(row["next_run_at"]),
        "lease": {
            "held": row["leased_until"] is not None,
            "until": isoformat_or_none(row["leased_until"]),
            "fence": row["fence"],
        },
    }


def _milliseconds(start: datetime, end: datetime | None) -> int | None:
    return None if end is None else round((end - start).total_seconds() * 1000)


def _json(text: str | None) -> orjson.Fragment | None:
    """JSON text from the database, which goes out as it is."""
    return None if text is None else orjson.Fragment(text)
