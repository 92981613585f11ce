"""What the account does: show and change the organization, and who is asking."""

from collections.abc import Mapping
from typing import Any

import asyncpg
import orjson

from drippulse.kit.clock import isoformat, isoformat_or_none
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import not_found
from drippulse.organizations.account import queries
from drippulse.organizations.account.errors import NameTakenError, SlugTakenError
from drippulse.organizations.account.schemas import Branding, OrganizationUpdate, Retention, SenderIdentity, merged
from drippulse.organizations.audit import service as audit
from drippulse.organizations.audit.actions import AuditAction
from drippulse.organizations.policy import Principal

SENDING_URL = "/api/v1/sending"
SLUG_CONSTRAINT = "organization_slug"
FIELDS = ("name", "slug", "timezone", "locale", "graphql_trusted_only")
PARTS = {"branding": Branding, "sender": SenderIdentity, "retention": Retention}


async def get_account(session: Session, principal: Principal) -> dict[str, Any]:
    row = await _row(session, principal)
    return {
        "id": row["id"],
        **{name: row[name] for name in FIELDS},
        **{name: {**dict.fromkeys(model.model_fields), **orjson.loads(row[name])} for name, model in PARTS.items()},
        "sending_url": SENDING_URL,
        "paused_at": isoformat_or_none(row["paused_at"]),
        "profile": await _profile(session, principal),
        "created_at": isoformat(row["created_at"]),
        "updated_at": isoformat(row["updated_at"]),
    }


async def update_account(session: Session, principal: Principal, data: OrganizationUpdate) -> dict[str, Any]:
    """Change what was sent. Another time zone moves what is scheduled by it: wake the scheduler's next round.

    Raises:
        NameTakenError, SlugTakenError: both are unique over the installation.
    """
    row = await _row(session, principal, lock=True)
    sent = data.model_fields_set
    fields: dict[str, Any] = {name: getattr(data, name) if name in sent else row[name] for name in FIELDS}
    parts = {
        name: merged(orjson.loads(row[name]), getattr(data, name)) if name in sent else orjson.loads(row[name])
        for name in PARTS
    }
    await _write(session, principal, fields, parts)
    if fields["timezone"] != row["timezone"]:
        await queries.reschedule(session, principal.organization_id)
    await _record(session, principal, row, fields, parts)
    return await get_account(session, principal)


async def _write(
    session: Session, principal: Principal, fields: Mapping[str, Any], parts: Mapping[str, dict[str, Any]]
) -> None:
    texts = [orjson.dumps(part).decode() for part in parts.values()]
    try:
        await queries.update(session, principal.organization_id, *fields.values(), *texts)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == SLUG_CONSTRAINT:
            raise SlugTakenError(fields["slug"]) from None
        raise NameTakenError(fields["name"]) from None


async def _record(
    session: Session,
    principal: Principal,
    row: Record,
    fields: Mapping[str, Any],
    parts: Mapping[str, dict[str, Any]],
) -> None:
    """Which fields changed; of retention what it was and is, because it decides how long anybody can look back."""
    changed = [name for name in FIELDS if fields[name] != row[name]]
    changed += [name for name in PARTS if parts[name] != orjson.loads(row[name])]
    if not changed:
        return
    details: dict[str, Any] = {"fields": changed}
    if "retention" in changed:
        details["retention"] = {"from": orjson.loads(row["retention"]), "to": parts["retention"]}
    subject = ("organization", principal.organization_id)
    await audit.record(session, principal, AuditAction.ACCOUNT_UPDATED, subject, details)


async def _row(session: Session, principal: Principal, *, lock: bool = False) -> Record:
    row = await queries.account(session, principal.organization_id, lock=lock)
    if row is None:
        raise not_found("organization")
    return row


async def _profile(session: Session, principal: Principal) -> dict[str, Any]:
    organization, number = principal.organization_id, principal.actor_id
    row = await queries.user(session, organization, number) if principal.actor_type == "user" else None
    name = row["name"] if row else await queries.key_name(session, organization, number)
    return {
        "type": principal.actor_type,
        "id": number,
        "name": name,
        "username": row["username"] if row else None,
        "email": row["email"] if row else None,
        "role": principal.role.value,
    }
