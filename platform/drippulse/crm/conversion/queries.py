"""Reads of converting. Every statement names the organization."""

from drippulse.crm.queries import LIVE
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Record, Session

ACCOUNT = f"SELECT {SPECS[RecordType.ACCOUNT].select} FROM account r WHERE {LIVE}"
LOCK = "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS k (key)"


async def lock(session: Session, numbers: list[int]) -> None:
    """In order, so that two conversions cannot wait for each other."""
    await session.execute(LOCK, sorted(set(numbers)))


async def domain_of(session: Session, website: str, email_key: str | None) -> str | None:
    """The domain of a company: its website's, else that of an address, unless everybody can have one there."""
    return await session.fetchval("SELECT coalesce(match_host($1), match_mail_host($2))", website, email_key)


async def keys_of(session: Session, name: str, domain: str, website: str) -> Record:
    """`name_key` and `domain_key` as an account with this name, domain and website would have them."""
    [row] = await session.fetch(
        """SELECT match_key(match_company($1)) AS name_key,
             match_key(coalesce(match_host($2), match_host($3))) AS domain_key""",
        name,
        domain,
        website,
    )
    return row


async def account_by_domain(session: Session, organization_id: int, domain_key: int) -> Record | None:
    """The oldest."""
    return await session.fetchrow(f"{ACCOUNT} AND r.domain_key = $2 ORDER BY r.id LIMIT 1", organization_id, domain_key)


async def account_by_name(
    session: Session, organization_id: int, name_key: int, domain_key: int | None
) -> Record | None:
    """The oldest of this name that has no other domain."""
    return await session.fetchrow(
        f"""{ACCOUNT} AND r.name_key = $2 AND (r.domain_key IS NULL OR r.domain_key = coalesce($3, r.domain_key))
            ORDER BY r.id LIMIT 1""",
        organization_id,
        name_key,
        domain_key,
    )
