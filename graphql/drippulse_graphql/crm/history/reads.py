"""Reads of what happened to records, and of records that may be the same."""

from typing import Any

from drippulse.crm.changes import history
from drippulse.crm.changes.listing import CHANGESETS, EVENTS
from drippulse.crm.changes.schemas import ChangeEventList, ChangesetDetailOut, ChangesetList
from drippulse.crm.duplicates import service
from drippulse.crm.duplicates.listing import LISTING
from drippulse.crm.duplicates.schemas import DuplicateGroupList, DuplicatesOfRecord
from drippulse.crm.duplicates.state import REASONS
from drippulse.crm.tables import RecordType
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.answers import CHANGESET, SUBJECTS
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.reads import Reading, read


@read(Permission.READ, listing=EVENTS, answers=ChangeEventList, covers=("listCrmChangeEvents",))
async def change_events(call: Reading) -> Any:
    """The audit: every change of every record, newest first, with who did it and the fields before and after."""
    return await history.change_events(call.session, call.principal, call.wanted)


@read(Permission.READ, listing=CHANGESETS, answers=ChangesetList, covers=("listCrmChangesets",))
async def changesets(call: Reading) -> Any:
    """What changed together: one changeset per API call, import, workflow step or agent run; newest first."""
    return await history.changesets(call.session, call.principal, call.wanted)


@read(Permission.READ, about=CHANGESET, answers=ChangesetDetailOut, covers=("getCrmChangeset",))
async def changeset(call: Reading) -> Any:
    """Who made it, what it changed in numbers, and how far its undoing is; null for unknown ids."""
    return await history.changeset(call.session, call.principal, call.id)


@read(Permission.READ, listing=LISTING, answers=DuplicateGroupList, covers=("listCrmDuplicates",))
async def duplicates(call: Reading) -> Any:
    """Groups of accounts, contacts or leads that may be the same, the surest reason first. A call looks at a bounded
    number of records: go on while there is a `nextCursor`."""
    return await service.groups(call.session, call.principal, call.wanted)


def _of_one(kind: RecordType) -> Declared:
    title = kind.value.title()

    @read(
        Permission.READ,
        about=SUBJECTS[kind],
        answers=DuplicatesOfRecord,
        covers=(f"listCrm{title}Duplicates",),
        name=f"{kind.value}_duplicates",
        description=f"What may be the same as this {kind.value}, the surest first; at most 50. Null for unknown ids.",
    )
    async def duplicates_of(call: Reading) -> Any:
        return await service.of_record(call.session, call.principal, kind, call.id)

    return duplicates_of


READS: tuple[Declared, ...] = (
    change_events,
    changesets,
    changeset,
    duplicates,
    *(_of_one(kind) for kind in REASONS),
)
