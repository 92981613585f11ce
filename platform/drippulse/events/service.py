"""Appending to the event log, in the transaction that makes the change."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from drippulse.kit.db import Session
from drippulse.organizations.policy import Principal

APPEND = """INSERT INTO event (organization_id, type, record_type, record_id, actor_type, actor_id, data)
VALUES ($1, $2, $3, $4, $5, $6, $7)"""

APPEND_MANY = """INSERT INTO event (organization_id, type, record_type, record_id, actor_type, actor_id, data)
SELECT $1, $2, $3, record.id, $4, $5, record.data FROM unnest($6::text[], $7::jsonb[]) AS record (id, data)"""


async def append(
    session: Session, event_type: str, record_type: str, record_id: int, principal: Principal, data: Mapping[str, Any]
) -> None:
    """One event, such as `workflow.created`. `data` never holds secrets: webhooks deliver it as it is."""
    await session.execute(
        APPEND,
        principal.organization_id,
        event_type,
        record_type,
        str(record_id),
        principal.actor_type,
        principal.actor_id,
        orjson.dumps(data).decode(),
    )


async def append_many(
    session: Session,
    event_type: str,
    record_type: str,
    records: Sequence[tuple[int, Mapping[str, Any]]],
    principal: Principal,
) -> None:
    """The same event for many records (id, data), in one statement."""
    if not records:
        return
    await session.execute(
        APPEND_MANY,
        principal.organization_id,
        event_type,
        record_type,
        principal.actor_type,
        principal.actor_id,
        [str(record_id) for record_id, _ in records],
        [orjson.dumps(data).decode() for _, data in records],
    )
