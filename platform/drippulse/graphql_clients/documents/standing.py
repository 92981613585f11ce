"""Whether documents may go on running, of many organizations at once and past every cache: for subscriptions."""

from collections.abc import Iterable
from dataclasses import dataclass

from drippulse.graphql_clients.documents.errors import UnknownDocumentError, UntrustedDocumentError
from drippulse.kit.db import Database, Role
from drippulse.kit.errors import DomainError

# The conditions are those of a request: see `TrustedDocuments`.
STANDING = """SELECT r.organization_id, r.sha256, r.named
FROM unnest($1::bigint[], $2::text[], $3::boolean[]) AS r (organization_id, sha256, named)
JOIN organization o ON o.id = r.organization_id
WHERE NOT (r.named OR o.graphql_trusted_only) OR EXISTS (SELECT 1 FROM graphql_document d
  WHERE d.organization_id = r.organization_id AND d.sha256 = r.sha256)"""


@dataclass(frozen=True, slots=True)
class RunningDocument:
    """`named`: a client asked for it by its id, so that it has to be registered whatever else the organization runs."""

    organization_id: int
    sha256: str
    named: bool

    @property
    def ended(self) -> DomainError:
        """Why it may not go on, once it may not."""
        return UnknownDocumentError() if self.named else UntrustedDocumentError()


async def still_runnable(database: Database, documents: Iterable[RunningDocument]) -> set[RunningDocument]:
    """Those that would be run now; in one statement."""
    asked = list(documents)
    async with database.session(Role.AUTH) as session:
        rows = await session.fetch(
            STANDING,
            [one.organization_id for one in asked],
            [one.sha256 for one in asked],
            [one.named for one in asked],
        )
    return {RunningDocument(row["organization_id"], row["sha256"], row["named"]) for row in rows}
