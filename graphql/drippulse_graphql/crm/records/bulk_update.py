"""The mutations that change many records, such as `bulkUpdateCrmContacts`."""

from typing import Any

from drippulse.crm.bulk import service
from drippulse.crm.bulk.schemas import BulkUpdated, bulk_update_of
from drippulse.crm.bulk.selecting import selected
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


def bulk_update_records(kind: RecordType) -> Declared:
    async def bulk_update(call: Call[Any]) -> Any:
        """Changes those of `ids`, or those that `filter` finds, by the names and operators of REST's list; at most
        10,000. One changeset. Records that cannot be changed are listed under `failed`, the others are changed."""
        which = await selected(call.session, call.principal, kind, call.body)
        return await service.update_records(call.session, call.principal, kind, which, call.body.changes)

    return mutation(
        Permission.WRITE,
        body=bulk_update_of(kind),
        answers=BulkUpdated,
        called="result",
        name=f"bulk_update_crm_{SPECS[kind].plural}",
    )(bulk_update)
