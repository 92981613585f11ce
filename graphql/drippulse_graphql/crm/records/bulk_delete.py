"""The mutations that delete many records, such as `bulkDeleteCrmContacts`."""

from typing import Any

from drippulse.crm.bulk import service
from drippulse.crm.bulk.schemas import BulkDeleted, Selection
from drippulse.crm.bulk.selecting import selected
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.enrollments.contact_runs import ending
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


def bulk_delete_records(kind: RecordType) -> Declared:
    async def bulk_delete(call: Call[Any]) -> Any:
        """Deletes those of `ids`, or those that `filter` finds, each as a single delete does; at most 10,000. One
        changeset."""
        which = await selected(call.session, call.principal, kind, call.body)
        return await service.delete_records(call.session, call.principal, kind, which, ending(kind))

    return mutation(
        Permission.WRITE,
        body=Selection,
        answers=BulkDeleted,
        called="result",
        name=f"bulk_delete_crm_{SPECS[kind].plural}",
    )(bulk_delete)
