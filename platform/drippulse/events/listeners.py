"""Who listens to which events: written down when a workflow's live version or status changes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from drippulse.events.tables import ListenerKind
from drippulse.kit.db import Record, Session
from drippulse.workflows.settings import ExitCriterion, Goal, WorkflowSettings, stored_settings
from drippulse.workflows.steps.trigger import Frequency
from drippulse.workflows.tables import WorkflowStatus

CRON = {Frequency.HOURLY: "0 * * * *", Frequency.DAILY: "0 9 * * *", Frequency.WEEKLY: "0 9 * * 1"}
"""When the frequencies without a cron of their own fire, in the trigger's time zone."""

LIVE = """SELECT w.status, w.version, w.deleted_at, v.steps, v.settings FROM workflow w JOIN workflow_version v
ON v.organization_id = w.organization_id AND v.workflow_id = w.id AND v.version = w.version
WHERE w.organization_id = $1 AND w.id = $2"""

FORGET_ALL = "DELETE FROM workflow_listener WHERE organization_id = $1 AND workflow_id = $2"
FORGET_TRIGGERS = f"{FORGET_ALL} AND kind = 'trigger'"

# A version never changes, so what is there of it is right.
INSERT = """INSERT INTO workflow_listener
  (organization_id, workflow_id, version, kind, place, event_type, step_id, config)
SELECT $1, $2, $3, kind, place, event_type, step_id, config
FROM unnest($4::text[], $5::int[], $6::text[], $7::text[], $8::jsonb[])
  AS l (kind, place, event_type, step_id, config)
ON CONFLICT DO NOTHING"""

# What runs already may come to this version by a migration.
ENTER_KEYS = """INSERT INTO enrollment_key (organization_id, workflow_id, key, enrollment_id)
SELECT e.organization_id, e.workflow_id, k.key, e.id
FROM enrollment e CROSS JOIN LATERAL (VALUES (e.lead_ref), (nullif(lower(e.email), ''))) AS k (key)
WHERE e.organization_id = $1 AND e.workflow_id = $2 AND e.status IN ('active', 'paused') AND e.deleted_at IS NULL
  AND k.key IS NOT NULL
ON CONFLICT DO NOTHING"""

UNSCHEDULE = """DELETE FROM workflow_schedule
WHERE organization_id = $1 AND workflow_id = $2 AND step_id <> ALL ($3::text[])"""

# A schedule that stays as it is keeps its next time: saving a workflow neither fires it nor puts it off.
SCHEDULE = """INSERT INTO workflow_schedule AS s (organization_id, workflow_id, step_id, version, cron, timezone)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (organization_id, workflow_id, step_id) DO UPDATE SET version = excluded.version, cron = excluded.cron,
  timezone = excluded.timezone, next_at = CASE
    WHEN s.cron = excluded.cron AND s.timezone IS NOT DISTINCT FROM excluded.timezone THEN s.next_at END"""


@dataclass(frozen=True, slots=True)
class Listener:
    """One thing that a version listens to. `config` is {match, conditions, reason}."""

    kind: ListenerKind
    place: int
    event_type: str
    step_id: str
    config: dict[str, Any]


async def refresh(session: Session, organization_id: int, workflow_id: int) -> None:
    """Write down what the live version of a workflow listens to, and when it fires.

    Call it in the transaction that changes a workflow's live version or status, or deletes it, after that change. What
    older versions' runs listen to stays as it is.
    """
    row = await session.fetchrow(LIVE, organization_id, workflow_id)
    if row is None or row["deleted_at"] is not None:
        await session.execute(FORGET_ALL, organization_id, workflow_id)
        await session.execute(UNSCHEDULE, organization_id, workflow_id, list[str]())
        return
    steps: list[dict[str, Any]] = orjson.loads(row["steps"])
    settings = stored_settings(orjson.loads(row["settings"]))
    active = row["status"] == WorkflowStatus.ACTIVE
    await session.execute(FORGET_TRIGGERS, organization_id, workflow_id)
    await _listen(session, organization_id, workflow_id, row, listeners_of(steps, settings, active=active))
    await _schedule(session, organization_id, workflow_id, row["version"], steps if active else [])


def listeners_of(steps: list[dict[str, Any]], settings: WorkflowSettings, *, active: bool) -> Iterator[Listener]:
    """What these steps and settings listen to; triggers only while the workflow is active."""
    for index, step in enumerate(steps):
        config = step["config"]
        event = str(config.get("event") or "")
        if step["type"] == "wait_for_event" and event:
            yield Listener(ListenerKind.WAIT, index, event, step["id"], {})
        elif active and step["type"] == "trigger" and config.get("frequency") == Frequency.EVENT and event:
            yield Listener(ListenerKind.TRIGGER, index, event, step["id"], config.get("filter") or {})
    for kind, given in ((ListenerKind.EXIT, settings.exit_criteria), (ListenerKind.GOAL, settings.goals)):
        for index, one in enumerate(given):
            if one.event_type is not None:
                yield Listener(kind, index, one.event_type, "", _ending(one))


def _ending(one: ExitCriterion | Goal) -> dict[str, Any]:
    conditions = [condition.model_dump(mode="json") for condition in one.conditions]
    return {"match": one.match, "conditions": conditions, "reason": one.exit_reason}


async def _listen(
    session: Session, organization_id: int, workflow_id: int, row: Record, found: Iterator[Listener]
) -> None:
    listeners = list(found)
    if not listeners:
        return
    await session.execute(
        INSERT,
        organization_id,
        workflow_id,
        row["version"],
        [one.kind.value for one in listeners],
        [one.place for one in listeners],
        [one.event_type for one in listeners],
        [one.step_id for one in listeners],
        [orjson.dumps(one.config).decode() for one in listeners],
    )
    if any(one.kind in (ListenerKind.EXIT, ListenerKind.GOAL) for one in listeners):
        await session.execute(ENTER_KEYS, organization_id, workflow_id)


async def _schedule(
    session: Session, organization_id: int, workflow_id: int, version: int, steps: list[dict[str, Any]]
) -> None:
    fired: list[str] = []
    for step in steps:
        config = step["config"]
        cron = cron_of(config) if step["type"] == "trigger" else None
        if cron is not None:
            fired.append(step["id"])
            zone = config.get("timezone")
            await session.execute(SCHEDULE, organization_id, workflow_id, step["id"], version, cron, zone)
    await session.execute(UNSCHEDULE, organization_id, workflow_id, fired)


def cron_of(config: dict[str, Any]) -> str | None:
    """The five cron fields by which a trigger's config fires; None for one that does not fire by time."""
    frequency = config.get("frequency")
    return config.get("cron") if frequency == Frequency.CRON else CRON.get(Frequency(frequency or "manual"))
