"""The mutations that give many records to somebody, such as `assignCrmContacts`."""

from typing import Any

from drippulse.crm.bulk import service
from drippulse.crm.bulk.schemas import Assign, BulkUpdated
from drippulse.crm.bulk.selecting import selected
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


def assign_records(kind: RecordType) -> Declared:
    async def assign(call: Call[Any]) -> Any:
        """Gives those of `ids`, or those that `filter` finds, to a member of the organization, or to nobody; at most
        10,000. One changeset."""
        which = await selected(call.session, call.principal, kind, call.body)
        return await service.assign_records(call.session, call.principal, kind, which, call.body.owner_id)

    return mutation(
        Permission.WRITE,
        body=Assign,
        answers=BulkUpdated,
        called="result",
        name=f"assign_crm_{SPECS[kind].plural}",
    )(assign)
