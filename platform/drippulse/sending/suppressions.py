"""The suppression list: addresses that get no more mail from an organization, asked right before every mail."""

from typing import Any

from drippulse.events import service as events
from drippulse.kit.addresses import normalize_address, same_mailbox_key
from drippulse.kit.clock import isoformat
from drippulse.kit.db import Record, Session
from drippulse.kit.pagination import PageRequest, encode_cursor, order_by
from drippulse.organizations.policy import Principal
from drippulse.sending.errors import InvalidAddressError
from drippulse.sending.list_locks import list_grows
from drippulse.sending.schemas import SuppressionCreate

SORTS = {"created_at": "id", "email": "email", "reason": "reason"}
COLUMNS = "id, email, reason, enrollment_id, created_at"
WANTED = (
    "organization_id = $1 AND ($2::text IS NULL OR strpos(email, lower($2)) > 0) AND ($3::text IS NULL OR reason = $3)"
)


def present(row: Record) -> dict[str, Any]:
    return {
        "id": row["id"],
        "email": row["email"],
        "reason": row["reason"],
        "enrollment_id": row["enrollment_id"],
        "created_at": isoformat(row["created_at"]),
    }


async def listed(
    session: Session, principal: Principal, page: PageRequest, q: str | None, reason: str | None
) -> dict[str, Any]:
    """`{suppressions, total_count}`, newest first; paginated answers also have `next_cursor`."""
    organization = principal.organization_id
    rows = await session.fetch(
        f"""SELECT {COLUMNS} FROM suppression WHERE {WANTED} AND ($4::bigint IS NULL OR id < $4)
            ORDER BY {order_by(page.sort, SORTS, "id")} LIMIT $5 OFFSET $6""",
        organization,
        q,
        reason,
        page.before_id,
        page.fetch,
        page.offset,
    )
    total = await session.fetchval(f"SELECT count(*) FROM suppression WHERE {WANTED}", organization, q, reason)
    shown = rows[: page.limit]
    answer = {"suppressions": [present(row) for row in shown], "total_count": total}
    if page.paginated:
        more = page.limit is not None and len(rows) > page.limit
        answer["next_cursor"] = encode_cursor(shown[-1]["id"]) if more else None
    return answer


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
