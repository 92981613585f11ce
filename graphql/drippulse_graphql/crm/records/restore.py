"""The mutations that bring deleted records back, such as `restoreCrmContact`."""

from typing import Any

from drippulse.crm import service
from drippulse.crm.presentation import present
from drippulse.crm.tables import RecordType
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.answers import SUBJECTS, record_payload
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


def restore_record(kind: RecordType) -> Declared:
    async def restore(call: Call[Any]) -> Any:
        """Brings a deleted record back as it was. Refused when another one has its unique values by now."""
        return present(kind, await service.restore_record(call.session, call.principal, kind, call.id))

    return mutation(
        Permission.WRITE,
        about=SUBJECTS[kind],
        answers=record_payload(kind),
        called=kind.value,
        name=f"restore_crm_{kind.value}",
    )(restore)
