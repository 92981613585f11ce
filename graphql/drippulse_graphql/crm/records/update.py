"""The mutations `updateCrmAccount`, `updateCrmContact`, `updateCrmLead`, `updateCrmOpportunity`,
`updateCrmActivity`."""

from typing import Any

from drippulse.crm import service
from drippulse.crm.presentation import present
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.answers import SUBJECTS, record_payload
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


def update_record(kind: RecordType) -> Declared:
    async def update(call: Call[Any]) -> Any:
        """Fields left out stay as they are. `attributes` are replaced as a whole; `customFields` are merged by key, and
        null removes one."""
        return present(kind, await service.update_record(call.session, call.principal, kind, call.id, call.body))

    return mutation(
        Permission.WRITE,
        about=SUBJECTS[kind],
        body=SPECS[kind].changes,
        answers=record_payload(kind),
        called=kind.value,
        name=f"update_crm_{kind.value}",
    )(update)
