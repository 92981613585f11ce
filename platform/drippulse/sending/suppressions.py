"""The suppression list: addresses that get no more mail from an organization, asked right before every mail."""

from typing import Any

from drippulse.events import service as events
from drippulse.kit.addresses import normalize_address, same_mailbox_key
from drippulse.kit.clock import isoformat
from drippulse.kit.db import Record, Session
from drippulse.kit.filters import Kind, where
from drippulse.kit.pagination import ListRequest, Sort, listed, tail
from drippulse.organizations.policy import Principal
from drippulse.sending.errors import InvalidAddressError
from drippulse.sending.list_locks import list_grows
from drippulse.sending.schemas import SuppressionCreate

SORTS = {"created_at": Sort("id", Kind.INTEGER), "email": Sort("email", Kind.TEXT), "reason": Sort("reason", Kind.TEXT)}
COLUMNS = "id, email, reason, enrollment_id, created_at"
FILTERED = {"email": "email", "reason": "reason", "enrollment_id": "enrollment_id", "created_at": "created_at"}
"""The columns that a list may be filtered by."""


def present(row: Record) -> dict[str, Any]:
    return {
        "id": row["id"],
        "email": row["email"],
        "reason": row["reason"],
        "enrollment_id": row["enrollment_id"],
        "created_at": isoformat(row["created_at"]),
    }


async def list_suppressions(session: Session, principal: Principal, wanted: ListRequest) -> dict[str, Any]:
    """`{suppressions, total_count}`, newest first; paginated answers also have `next_cursor`."""
    args: list[Any] = [principal.organization_id, wanted.q]
    conditions = "organization_id = $1 AND ($2::text IS NULL OR strpos(email, lower($2)) > 0)"
    conditions += where(wanted.filters, FILTERED, args)
    total = await session.fetchval(f"SELECT count(*) FROM suppression WHERE {conditions}", *args)
    end = tail(wanted.page, SORTS, "id", args)
    rows = await session.fetch(
        f"SELECT {COLUMNS}, {end.value} AS cursor_value FROM suppression WHERE {conditions}{end.sql}", *args
    )
    return listed("suppressions", rows, wanted.page, present, total)


async def add(session: Session, principal: Principal, data: SuppressionCreate) -> tuple[dict[str, Any], bool]:
    """The entry, and whether it is new. An address that is there already keeps its reason.

    Raises:
        InvalidAddressError
    """
    mailbox = _mailbox(data.email)
    await list_grows(session, principal.organization_id, mailbox)
    made = await session.fetchrow(
        f"""INSERT INTO suppression (organization_id, email, reason) VALUES ($1, $2, $3)
            ON CONFLICT (organization_id, email) DO NOTHING RETURNING {COLUMNS}""",
        principal.organization_id,
        mailbox,
        data.reason,
    )
    if made is not None:
        about = {"email": mailbox, "reason": data.reason}
        await events.append(session, "suppression.added", "suppression", made["id"], principal, about)
        return present(made), True
    found = await session.fetchrow(
        f"SELECT {COLUMNS} FROM suppression WHERE organization_id = $1 AND email = $2",
        principal.organization_id,
        mailbox,
    )
    # Removed in between: then it is as if that had come after this call.
    return (present(found), False) if found is not None else await add(session, principal, data)


async def remove(session: Session, principal: Principal, email: str) -> None:
    """Let an address get mail again; nothing happens when it is not on the list.

    Raises:
        InvalidAddressError
    """
    gone = await session.fetchrow(
        f"DELETE FROM suppression WHERE organization_id = $1 AND email = $2 RETURNING {COLUMNS}",
        principal.organization_id,
        _mailbox(email),
    )
    if gone is not None:
        about = {"email": gone["email"], "reason": gone["reason"]}
        await events.append(session, "suppression.removed", "suppression", gone["id"], principal, about)


async def count(session: Session, organization_id: int) -> int:
    return await session.fetchval("SELECT count(*) FROM suppression WHERE organization_id = $1", organization_id)


def _mailbox(email: str) -> str:
    address = normalize_address(email)
    if address is None:
        sentence = f'"{email[:200]}" is not an e-mail address. Send one, such as ada@example.com.'
        raise InvalidAddressError(sentence, errors={"email": [sentence]})
    return same_mailbox_key(address)
