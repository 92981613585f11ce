"""The mutations `createCrmAccount`, `createCrmContact`, `createCrmLead`, `createCrmOpportunity`,
`createCrmActivity`."""

from typing import Any

from drippulse.crm import service
from drippulse.crm.presentation import present
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.answers import record_payload
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


def create_record(kind: RecordType) -> Declared:
    async def create(call: Call[Any]) -> Any:
        """Ids of other records are global ids, UUIDs or public ids."""
        return present(kind, await service.create_record(call.session, call.principal, kind, call.body))

    return mutation(
        Permission.WRITE,
        body=SPECS[kind].fields,
        answers=record_payload(kind),
        called=kind.value,
        name=f"create_crm_{kind.value}",
    )(create)
