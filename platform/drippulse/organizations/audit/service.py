"""Recording acts, in the transaction that does them: no act without its entry, no entry without its act."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from drippulse.events.service import Actor
from drippulse.kit.clock import isoformat
from drippulse.kit.db import Record, Session
from drippulse.kit.filters import Operator
from drippulse.kit.logging import hide_secrets
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.audit import queries
from drippulse.organizations.audit.actions import AuditAction
from drippulse.organizations.lists import read_list
from drippulse.organizations.origin import current_origin
from drippulse.organizations.policy import Principal


async def record(
    session: Session,
    actor: Actor,
    action: AuditAction,
    subject: tuple[str, int | str] | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """One entry. Address and user agent are those of the running request.

    Args:
        actor: who did it; a `Principal` is one.
        subject: what it was done to, such as `("api_key", 9)`.
        details: what else is worth knowing, never a secret. What looks like one is hidden, as it is in logs.
    """
    origin = current_origin()
    kind, number = subject or (None, None)
    await queries.insert(
        session,
        actor.organization_id,
        action.value,
        actor.actor_type,
        actor.actor_id,
        kind,
        None if number is None else str(number),
        origin.address,
        origin.user_agent,
        orjson.dumps(hide_secrets(None, "", dict(details or {}))).decode(),
    )


def present(row: Record) -> dict[str, Any]:
    """The entry as every edge answers it."""
    subject = {"type": row["subject_type"], "id": row["subject_id"]}
    return {
        "id": row["id"],
        "action": row["action"],
        "actor": {"type": row["actor_type"], "id": row["actor_id"], "name": row["actor_name"]},
        "subject": subject if row["subject_type"] else None,
        "address": row["address"],
        "user_agent": row["user_agent"],
        "details": orjson.Fragment(row["details"]),
        "at": isoformat(row["created_at"]),
    }


async def list_entries(session: Session, principal: Principal, wanted: ListRequest) -> dict[str, Any]:
    """Newest first; at most 500 without paging. `since` is another name of `at[gte]`."""
    filters = tuple(replace(one, operator=Operator.GTE) if one.name == "since" else one for one in wanted.filters)
    asked = replace(wanted, filters=filters)
    return await read_list(session, principal.organization_id, queries.LIST, asked, present)
