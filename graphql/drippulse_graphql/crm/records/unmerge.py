"""The mutations that take a merge back, such as `unmergeCrmContact`."""

from typing import Any

from drippulse.crm.changes.schemas import Revert, RevertOut
from drippulse.crm.merging import service
from drippulse.crm.tables import RecordType
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.answers import SUBJECTS
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


def unmerge_record(kind: RecordType) -> Declared:
    async def unmerge(call: Call[Any]) -> Any:
        """Takes back the merge that this record went into, or the last one into it, as a whole. All is as before but
        what somebody changed since, which is left alone and reported. Runs that the merge cancelled stay cancelled."""
        policy = {"on_conflict": call.body.on_conflict, "dry_run": call.body.dry_run}
        return await service.unmerge(call.session, call.principal, kind, call.id, **policy)

    return mutation(
        Permission.WRITE, about=SUBJECTS[kind], body=Revert, answers=RevertOut, name=f"unmerge_crm_{kind.value}"
    )(unmerge)
