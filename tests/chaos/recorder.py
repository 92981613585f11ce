"""What is read out of the database, and the trigger that keeps every write to an enrollment, made by tests alone."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeAlias

import asyncpg

from drippulse.enrollments import queries
from drippulse.enrollments.presentation import outline, step_funnel
from drippulse.kit.db import Database, Role, Session
from tests.chaos.evidence import (
    ApprovalRow,
    Change,
    Counts,
    DeliveryRow,
    EnrollmentRow,
    Entry,
    Funnel,
    Snapshot,
    Written,
)

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

INSTALL = """
CREATE SCHEMA chaos;
CREATE TABLE chaos.change (
  id bigserial PRIMARY KEY, enrollment_id bigint, by text, began timestamptz, fence_before bigint, fence bigint,
  visit_before int, visit int, status text, attempt_before int, attempt int, claimable_before timestamptz,
  claimable_at timestamptz, intent_before timestamptz, intent_at timestamptz, progressed bool, deleted bool, told bool);
CREATE FUNCTION chaos.record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = chaos, pg_temp AS $$
BEGIN
  INSERT INTO chaos.change (enrollment_id, by, began, fence_before, fence, visit_before, visit, status, attempt_before,
    attempt, claimable_before, claimable_at, intent_before, intent_at, progressed, deleted, told)
  VALUES (NEW.id, current_setting('application_name'), now(), OLD.fence, NEW.fence, OLD.visit, NEW.visit, NEW.status,
    OLD.attempt, NEW.attempt, OLD.claimable_at, NEW.claimable_at, OLD.intent_at, NEW.intent_at,
    OLD.updated_at <> NEW.updated_at, NEW.deleted_at IS NOT NULL,
    NEW.signal IS NOT NULL AND NEW.signal IS DISTINCT FROM OLD.signal AND NEW.visit = OLD.visit);
  RETURN NULL;
END $$;
CREATE TRIGGER chaos_record AFTER UPDATE ON public.enrollment FOR EACH ROW EXECUTE FUNCTION chaos.record();
"""

ENROLLMENTS = """
SELECT e.id, e.organization_id, e.workflow_id, e.workflow_version AS version,
  coalesce(e.bag ->> 'token', split_part(e.email, '@', 1)) AS token, e.status, e.step_id, e.visit, e.next_run_at,
  e.claimable_at, e.wait_reason, e.holds, e.created_at, e.deleted_at, e.last_error ->> 'code' AS error_code,
  w.organization_id AS workflow_organization_id
FROM enrollment e JOIN workflow w ON w.id = e.workflow_id ORDER BY e.id
"""
ENTRIES = """
SELECT enrollment_id, visit, step_id, type AS kind, status, started_at, finished_at,
  output -> 'approval' ->> 'decision' AS decision, (output -> 'event' ->> 'id')::bigint AS event_id,
  (output -> 'moved' ->> 'from_version')::int AS from_version, (output -> 'moved' ->> 'to_version')::int AS to_version,
  output -> 'moved' ->> 'to_step' AS to_step
FROM enrollment_step ORDER BY enrollment_id, id
"""
DELIVERIES = "SELECT enrollment_id, organization_id, visit, step_id, status FROM delivery"
CHANGES = """
SELECT enrollment_id, by, began, fence_before, fence, visit_before, visit, status, attempt_before, attempt,
  claimable_before, claimable_at, intent_before, intent_at, progressed, deleted, told FROM chaos.change ORDER BY id
"""
COUNTED = """
SELECT organization_id, workflow_id, status, step_index, sum(enrollments)::int AS n FROM enrollment_count
GROUP BY 1, 2, 3, 4 HAVING sum(enrollments) <> 0
"""
RECOUNTED = """
SELECT organization_id, workflow_id, status, current_step_index AS step_index, count(*)::int AS n FROM enrollment
WHERE deleted_at IS NULL GROUP BY 1, 2, 3, 4
"""
APPROVALS = """
SELECT a.id, a.organization_id, a.enrollment_id, a.visit, a.status, (SELECT count(*) FROM event e
  WHERE e.organization_id = a.organization_id AND e.type = 'approval.decided' AND e.record_id = a.id::text)::int
  AS reports
FROM approval a ORDER BY a.id
"""
# A lead or an activity for each visit of a step that makes one; an event for each contact that was made or changed.
WRITTEN = """
SELECT attributes ->> 'token' AS token, 'create' AS step, count(*)::int AS times FROM lead WHERE attributes ? 'token'
GROUP BY 1
UNION ALL
SELECT split_part(subject, '|', 1), 'add_activity', count(*)::int FROM activity GROUP BY 1
UNION ALL
SELECT split_part(data ->> 'email', '@', 1), CASE type WHEN 'contact.created' THEN 'upsert' ELSE 'update' END,
  count(*)::int
FROM event WHERE type IN ('contact.created', 'contact.updated') AND actor_type = 'workflow' GROUP BY 1, 2
"""
EVENTS = """
SELECT organization_id, type, data ->> 'token' AS token, count(*)::int AS n FROM event WHERE source_id IS NOT NULL
GROUP BY 1, 2, 3
"""
WORKFLOWS = """
SELECT w.id, w.organization_id, v.steps FROM workflow w
JOIN workflow_version v ON v.workflow_id = w.id AND v.version = w.version WHERE w.deleted_at IS NULL
"""
SUPPRESSED = "SELECT organization_id, split_part(email, '@', 1) AS token FROM suppression"
TENANT_TABLES = ("enrollment", "enrollment_walk", "delivery", "workflow", "suppression", "event", "approval", "lead")


async def install(superuser_url: str) -> None:
    """Record every change of an enrollment from now on."""
    connection = await asyncpg.connect(superuser_url)
    try:
        await connection.execute(INSTALL)
    finally:
        await connection.close()


async def take_snapshot(superuser_url: str, database: Database) -> Snapshot:
    """All of it at one moment. `database` is asked, as each organization, for what it can see of the others."""
    connection = await asyncpg.connect(superuser_url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            organizations = [row["id"] for row in await connection.fetch("SELECT id FROM organization")]
            versions = await connection.fetch("SELECT workflow_id, version FROM workflow_version")
            suppressed = await connection.fetch(SUPPRESSED)
            found = Snapshot(
                now=await connection.fetchval("SELECT now()"),
                enrollments=[EnrollmentRow(**row) for row in await connection.fetch(ENROLLMENTS)],
                entries=[Entry(**row) for row in await connection.fetch(ENTRIES)],
                deliveries=[DeliveryRow(**row) for row in await connection.fetch(DELIVERIES)],
                changes=[Change(**row) for row in await connection.fetch(CHANGES)],
                suppressed=frozenset((row["organization_id"], row["token"]) for row in suppressed),
                versions=frozenset((row["workflow_id"], row["version"]) for row in versions),
                counted=_counts(await connection.fetch(COUNTED)),
                recounted=_counts(await connection.fetch(RECOUNTED)),
                foreign=await _foreign(database, organizations),
                funnels=await _funnels(connection),
                approvals=[ApprovalRow(**row) for row in await connection.fetch(APPROVALS)],
                written=[Written(**row) for row in await connection.fetch(WRITTEN)],
                events={
                    (row["organization_id"], row["type"], row["token"]): row["n"]
                    for row in await connection.fetch(EVENTS)
                },
            )
    finally:
        await connection.close()
    return found


def _counts(rows: Sequence[Any]) -> Counts:
    return {(row["organization_id"], row["workflow_id"], row["status"], row["step_index"]): row["n"] for row in rows}


async def _funnels(connection: Connection) -> list[Funnel]:
    """What the product says of each workflow, by its own queries and in its own words."""
    found: list[Funnel] = []
    for workflow in await connection.fetch(WORKFLOWS):
        organization_id = workflow["organization_id"]
        rows = await queries.counts(Session(connection, organization_id), organization_id, workflow["id"])
        steps = outline(workflow["steps"])
        told = step_funnel(steps, rows)
        standing = Counter({step.id: one["active_leads"] for step, one in zip(steps, told["steps"], strict=True)})
        for elsewhere in told["other_versions"]:
            standing[elsewhere["step_id"]] += elsewhere["active_leads"]
        found.append(Funnel(workflow["id"], told["totals"], standing))
    return found


async def _foreign(database: Database, organizations: Sequence[int]) -> int:
    total = 0
    for organization_id in organizations:
        async with database.session(Role.APP, organization_id) as session:
            for table in TENANT_TABLES:
                sql = f"SELECT count(*) FROM {table} WHERE organization_id <> $1"
                total += int(await session.fetchval(sql, organization_id))
    return total
