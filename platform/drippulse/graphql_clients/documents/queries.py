"""Reads and writes of documents. Every statement names the organization; row-level security is the second net."""

from collections.abc import Sequence

from drippulse.kit.db import Record, Session
from drippulse.kit.filters import Kind
from drippulse.kit.locks import lock_number
from drippulse.kit.pagination import Sort
from drippulse.organizations.lists import Source

COLUMNS = "d.id, d.sha256, d.text, d.name, d.client, d.actor_type, d.actor_id, d.created_at, d.updated_at"

LIST = Source(
    name="documents",
    columns=COLUMNS,
    source="FROM graphql_document d WHERE d.organization_id = $1",
    key="d.id",
    sorts={"created_at": "d.id", "name": Sort("d.name", Kind.TEXT), "client": Sort("d.client", Kind.TEXT)},
    filters={"sha256": "d.sha256", "name": "d.name", "client": "d.client", "created_at": "d.created_at"},
    searched="(d.name || ' ' || d.text)",
)

# In the order of their hashes: two manifests at once cannot wait for each other in a circle. One that is there with the
# same name and client is left alone, and so not counted as changed.
PUT = """INSERT INTO graphql_document AS d (organization_id, sha256, text, name, client, actor_type, actor_id)
SELECT $1, u.sha256, u.text, u.name, $5, $6, $7
FROM unnest($2::text[], $3::text[], $4::text[]) AS u (sha256, text, name) ORDER BY u.sha256
ON CONFLICT (organization_id, sha256) DO UPDATE SET name = excluded.name, client = excluded.client, updated_at = now()
  WHERE (d.name, d.client) IS DISTINCT FROM (excluded.name, excluded.client)
RETURNING xmax = 0 AS created"""

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock($1)"
COUNT = "SELECT count(*) FROM graphql_document d WHERE d.organization_id = $1"
TEXT = "SELECT d.text FROM graphql_document d WHERE d.organization_id = $1 AND d.sha256 = $2"
DELETE = "DELETE FROM graphql_document d WHERE d.organization_id = $1 AND d.sha256 = $2 RETURNING d.name"
TRUSTED_ONLY = "SELECT o.graphql_trusted_only FROM organization o WHERE o.id = $1"


async def lock(session: Session, organization_id: int) -> None:
    """Until the transaction ends: whoever registers documents counts what is committed, and nothing comes between."""
    await session.execute(ONE_AT_A_TIME, lock_number(f"graphql documents\0{organization_id}"))


async def put(
    session: Session,
    organization_id: int,
    documents: Sequence[tuple[str, str, str]],
    client: str,
    actor: tuple[str, int | None],
) -> list[Record]:
    """`documents` are (sha256, text, name). A row for each that was new or has another name or client now."""
    hashes, texts, names = ([document[place] for document in documents] for place in range(3))
    return await session.fetch(PUT, organization_id, hashes, texts, names, client, *actor)


async def count(session: Session, organization_id: int) -> int:
    return int(await session.fetchval(COUNT, organization_id))


async def text(session: Session, organization_id: int, sha256: str) -> str | None:
    return await session.fetchval(TEXT, organization_id, sha256)


async def delete(session: Session, organization_id: int, sha256: str) -> str | None:
    """Its name; None when there is none."""
    return await session.fetchval(DELETE, organization_id, sha256)


async def trusted_only(session: Session, organization_id: int) -> bool:
    return bool(await session.fetchval(TRUSTED_ONLY, organization_id))
