"""Taking back the merge of one record, and doing it again: what reverting a changeset calls for each."""

from drippulse.crm import queries as records
from drippulse.crm import reporting, service
from drippulse.crm.changes import service as changes
from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.changes.tables import ChangeAction
from drippulse.crm.merging import aliases, queries
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import not_found


async def bring_back(
    session: Session, actor: Actor, own: OpenChangeset, kind: RecordType, row: Record, changeset_id: int
) -> Record:
    """A merged record is live again, as it was. `changeset_id` is that of its merge.

    Raises RecordExistsError: another one has its address or external id by now.
    """
    organization_id = actor.organization_id
    into = await aliases.survivor_of(session, kind, organization_id, str(row["id"]))
    await aliases.give_back(session, kind, organization_id, row["id"], row["merged_into_id"], changeset_id)
    restored = await service.revive(session, kind, organization_id, row)
    await reporting.unmerged(session, actor, own, kind, restored, None if into is None else into["public_id"])
    return restored


async def merge_again(
    session: Session, actor: Actor, own: OpenChangeset, kind: RecordType, row: Record, into: str
) -> None:
    """A record whose merge was taken back is merged again. Raises NotFoundError: the other one is gone."""
    organization_id = actor.organization_id
    survivor = await records.by_public_id(session, kind, organization_id, into)
    if survivor is None:
        raise not_found(kind.value)
    await absorb(session, actor, own, kind, [row], survivor)


async def absorb(
    session: Session, actor: Actor, own: OpenChangeset, kind: RecordType, rows: list[Record], survivor: Record
) -> None:
    """Hide these records, keep what finds them, and write it into the audit."""
    organization_id = actor.organization_id
    await queries.absorb(session, kind, organization_id, [row["id"] for row in rows], survivor["id"])
    await aliases.keep(session, kind, organization_id, rows, survivor["id"], await own.number(session))
    after = {"merged_into": survivor["public_id"]}
    for row in rows:
        before = reporting.snapshot(kind, row)
        await changes.record(session, actor, own, kind, ChangeAction.MERGE, row, before=before, after=after)
