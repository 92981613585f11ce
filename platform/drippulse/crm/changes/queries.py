"""Reads of the history and writes of reverts. Every statement names the organization."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Record, Session
from drippulse.kit.filters import Operator, where
from drippulse.kit.ids import is_id
from drippulse.kit.json import dump_json
from drippulse.kit.pagination import COUNTED, ListRequest, Sort, Total, tail, total_up_to

REVERTS_WAIT: Final = "EXISTS (SELECT FROM changeset_revert WHERE status = 'running')"
EVENT_SORTS: Final = {"created_at": Sort("c.id")}
EVENT_COLUMNS: Final = {
    "record_type": "c.record_type",
    "record_id": "c.record_id",
    "action": "c.action",
    "actor_type": "c.actor_type",
    "actor_id": "c.actor_id",
    "changeset_id": "c.changeset_id",
    "created_at": "c.created_at",
    "since": "c.created_at",
}
CHANGESET_COLUMNS: Final = {
    "source": "c.source",
    "actor_type": "c.actor_type",
    "actor_id": "c.actor_id",
    "created_at": "c.created_at",
}
NAMED = """CASE c.actor_type
  WHEN 'user' THEN (SELECT u.username FROM app_user u WHERE u.id = c.actor_id)
  WHEN 'api_key' THEN (SELECT k.name FROM api_key k WHERE k.organization_id = $1 AND k.id = c.actor_id)
  WHEN 'workflow' THEN (SELECT w.name FROM workflow w WHERE w.organization_id = $1 AND w.id = c.actor_id)
  WHEN 'data_source' THEN (SELECT d.name FROM data_source d WHERE d.organization_id = $1 AND d.id = c.actor_id)
  END AS actor_name"""
CHANGESET = "c.id, c.source, c.label, c.actor_type, c.actor_id, c.reverts_id, c.created_at, c.reverted_at"
EVENT = """c.id, c.changeset_id, c.record_type, c.record_id, c.record_public_id, c.action, c.actor_type, c.actor_id,
  c.before, c.after, c.created_at"""


async def page(
    session: Session, organization_id: int, table: str, wanted: ListRequest, columns: Mapping[str, str]
) -> tuple[list[Record], Total]:
    """Of `change_event` or `changeset`, newest first."""
    args: list[Any] = [organization_id]
    filters = [replace(one, operator=Operator.GTE) if one.name == "since" else one for one in wanted.filters]
    condition = "c.organization_id = $1" + where(filters, columns, args)
    counted = f"SELECT count(*) FROM (SELECT 1 FROM {table} c WHERE {condition} LIMIT {COUNTED + 1}) AS counted"
    total = total_up_to(int(await session.fetchval(counted, *args)))
    end = tail(wanted.page, EVENT_SORTS, "c.id", args)
    shown = EVENT if table == "change_event" else CHANGESET
    sql = f"SELECT {shown}, {NAMED}, {end.value} AS cursor_value FROM {table} c WHERE {condition}{end.sql}"
    return await session.fetch(sql, *args), total


async def changeset(session: Session, organization_id: int, changeset_id: int) -> Record | None:
    if not is_id(changeset_id):
        return None
    sql = f"SELECT {CHANGESET}, {NAMED} FROM changeset c WHERE c.organization_id = $1 AND c.id = $2"
    return await session.fetchrow(sql, organization_id, changeset_id)


async def counts(session: Session, organization_id: int, changeset_id: int) -> dict[str, int]:
    """Changes by `type.action`."""
    rows = await session.fetch(
        """SELECT record_type || '.' || action AS what, count(*) AS number FROM change_event
           WHERE organization_id = $1 AND changeset_id = $2 GROUP BY 1 ORDER BY 1""",
        organization_id,
        changeset_id,
    )
    return {row["what"]: row["number"] for row in rows}


async def records(session: Session, kind: RecordType, organization_id: int, ids: Sequence[UUID]) -> dict[UUID, Record]:
    """As they are now, deleted ones too."""
    sql = f"SELECT {SPECS[kind].select} FROM {kind.value} r WHERE r.organization_id = $1 AND r.id = ANY ($2::uuid[])"
    return {row["id"]: row for row in await session.fetch(sql, organization_id, ids)}


async def later_befores(session: Session, organization_id: int, ids: Sequence[UUID]) -> list[Record]:
    """record_id, id and `before` of the updates of these records, newest first."""
    return await session.fetch(
        """SELECT record_id, id, before FROM change_event
           WHERE organization_id = $1 AND record_id = ANY ($2::uuid[]) AND action = 'update' ORDER BY id DESC""",
        organization_id,
        ids,
    )


async def mark_reverted(session: Session, organization_id: int, changeset_id: int) -> bool:
    """Whether nobody had done it before."""
    sql = """UPDATE changeset SET reverted_at = now() WHERE organization_id = $1 AND id = $2 AND reverted_at IS NULL
             RETURNING 1"""
    return await session.fetchval(sql, organization_id, changeset_id) is not None


async def revert_of(session: Session, organization_id: int, changeset_id: int) -> Record | None:
    sql = """SELECT changeset_id, reverting_id, status, counts, conflicts FROM changeset_revert
             WHERE organization_id = $1 AND changeset_id = $2"""
    return await session.fetchrow(sql, organization_id, changeset_id)


async def begin(
    session: Session, organization_id: int, changeset_id: int, reverting_id: int, actor: tuple[str, int | None]
) -> Record:
    [row] = await session.fetch(
        """INSERT INTO changeset_revert (organization_id, changeset_id, reverting_id, actor_type, actor_id, below)
           VALUES ($1, $2, $3, $4, $5, $6) RETURNING *""",
        organization_id,
        changeset_id,
        reverting_id,
        *actor,
        2**63 - 1,
    )
    return row


async def claim_running(session: Session) -> Record | None:
    """The oldest that nobody works on; the engine's role."""
    return await session.fetchrow(
        """SELECT * FROM changeset_revert WHERE status = 'running' ORDER BY created_at LIMIT 1
           FOR UPDATE SKIP LOCKED"""
    )


async def events_below(
    session: Session, organization_id: int, changeset_id: int, below: int, most: int
) -> list[Record]:
    """The next changes to be undone, newest first."""
    sql = f"""SELECT {EVENT} FROM change_event c
              WHERE c.organization_id = $1 AND c.changeset_id = $2 AND c.id < $3 ORDER BY c.id DESC LIMIT $4"""
    return await session.fetch(sql, organization_id, changeset_id, below, most)


async def advance(
    session: Session, row: Record, below: int, counts: Mapping[str, int], conflicts: Sequence[object], *, done: bool
) -> None:
    await session.execute(
        """UPDATE changeset_revert SET below = $3, counts = $4, conflicts = $5, status = $6,
             finished_at = CASE WHEN $6 = 'completed' THEN now() END
           WHERE organization_id = $1 AND changeset_id = $2""",
        row["organization_id"],
        row["changeset_id"],
        below,
        dump_json(counts),
        dump_json(conflicts),
        "completed" if done else "running",
    )
