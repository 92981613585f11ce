"""What API keys do: made, shown without their secret, revoked, counted."""

from datetime import date, timedelta
from typing import Any

from drippulse.kit.clock import isoformat, isoformat_or_none
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import ValidationError, not_found
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.api_keys import make_key
from drippulse.organizations.audit import service as audit
from drippulse.organizations.audit.actions import AuditAction
from drippulse.organizations.keys import queries
from drippulse.organizations.keys.errors import RoleTooHighError
from drippulse.organizations.keys.schemas import ApiKeyCreate
from drippulse.organizations.lists import read_list
from drippulse.organizations.policy import Principal, covers, lesser
from drippulse.organizations.tables import MemberRole

RESOURCE = "api key"
MESSAGE = "Save this API key now! You won't be able to see it again."
USAGE_DAYS = 30
MOST_USAGE_DAYS = 366


def present(row: Record) -> dict[str, Any]:
    """The key as every edge answers it."""
    role, maker = MemberRole(row["role"]), row["maker_role"]
    return {
        "id": row["id"],
        "name": row["name"],
        "key_prefix": row["key_prefix"],
        "last_four": row["last_four"],
        "role": (role if maker is None else lesser(role, MemberRole(maker))).value,
        "status": row["status"],
        "rate_limit": row["rate_limit"],
        "expires_at": isoformat_or_none(row["expires_at"]),
        "created_by": _maker(row),
        "last_used_at": isoformat_or_none(row["last_used_at"]),
        "revoked_at": isoformat_or_none(row["revoked_at"]),
        "created_at": isoformat(row["created_at"]),
    }


def _maker(row: Record) -> dict[str, Any] | None:
    if row["created_by_key"] is not None:
        return {"type": "api_key", "id": row["created_by_key"]}
    return None if row["created_by"] is None else {"type": "user", "id": row["created_by"]}


async def create_key(session: Session, principal: Principal, data: ApiKeyCreate) -> dict[str, Any]:
    """The key as `present` has it, with the whole `key`, which is told this once.

    Raises:
        RoleTooHighError: it would do more than its maker may.
    """
    if not covers(principal.role, data.role):
        raise RoleTooHighError(data.role, principal.role)
    organization, new, key_id = principal.organization_id, make_key(), await queries.next_id(session)
    await queries.insert(
        session,
        organization,
        key_id,
        data.name,
        new.key_hash,
        new.key_prefix,
        new.last_four,
        data.role.value,
        principal.user_id,
        principal.actor_id if principal.actor_type == "api_key" else None,
        data.rate_limit,
        lasts=None if data.expires_in is None else timedelta(days=data.expires_in),
    )
    made = present(await require_key(session, principal, key_id))
    details = {"name": data.name, "role": data.role.value, "expires_at": made["expires_at"]}
    await audit.record(session, principal, AuditAction.API_KEY_CREATED, ("api_key", key_id), details)
    return {**made, "key": new.key, "message": MESSAGE}


async def list_keys(session: Session, principal: Principal, wanted: ListRequest) -> dict[str, Any]:
    """Every key, the revoked and expired ones too."""
    return await read_list(session, principal.organization_id, queries.LIST, wanted, present)


async def require_key(session: Session, principal: Principal, key_id: int) -> Record:
    """Raises NotFoundError for unknown and foreign ids alike."""
    row = await queries.by_id(session, principal.organization_id, key_id)
    if row is None:
        raise not_found(RESOURCE)
    return row


async def get_key(session: Session, principal: Principal, key_id: int) -> dict[str, Any]:
    return present(await require_key(session, principal, key_id))


async def revoke_key(session: Session, principal: Principal, key_id: int) -> dict[str, Any]:
    """The key as it is now. One that was revoked before stays as it is. Drop the cache of credentials after commit."""
    row = await require_key(session, principal, key_id)
    if await queries.revoke(session, principal.organization_id, key_id):
        details = {"name": row["name"], "last_four": row["last_four"]}
        await audit.record(session, principal, AuditAction.API_KEY_REVOKED, ("api_key", key_id), details)
    return await get_key(session, principal, key_id)


async def usage(
    session: Session, principal: Principal, today: date, since: date | None, until: date | None, key_id: int | None
) -> dict[str, Any]:
    """Requests by day and key, both days included; the last 30 days unless told otherwise.

    Raises:
        ValidationError: the days are in the wrong order or too far apart.
        NotFoundError: no such key here.
    """
    first, last = period(today, since, until)
    if key_id is not None:
        await require_key(session, principal, key_id)
    rows = await queries.usage(session, principal.organization_id, first, last, key_id)
    return {
        "usage": [
            {"date": row["day"].isoformat(), "key_id": row["key_id"], "name": row["name"], "requests": row["requests"]}
            for row in rows
        ],
        "totals": _totals(rows),
        "total_count": len(rows),
        "since": first.isoformat(),
        "until": last.isoformat(),
    }


def period(today: date, since: date | None, until: date | None) -> tuple[date, date]:
    """The first and the last day to tell of. Raises ValidationError."""
    last = until or today
    try:
        first = since or last - timedelta(days=USAGE_DAYS - 1)
    except OverflowError:
        first = last
    if first > last:
        raise ValidationError("from lies after to.", errors={"from": ["Must not lie after to."]})
    if (last - first).days >= MOST_USAGE_DAYS:
        sentence = f"At most {MOST_USAGE_DAYS} days can be asked for at once."
        raise ValidationError(sentence, errors={"from": [sentence]})
    return first, last


def _totals(rows: list[Record]) -> dict[str, Any]:
    by_key: dict[int, dict[str, Any]] = {}
    for row in rows:
        total = by_key.setdefault(row["key_id"], {"key_id": row["key_id"], "name": row["name"], "requests": 0})
        total["requests"] += row["requests"]
    busiest = sorted(by_key.values(), key=lambda total: (-total["requests"], total["key_id"]))
    return {"requests": sum(total["requests"] for total in busiest), "by_key": busiest}
