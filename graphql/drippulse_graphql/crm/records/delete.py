"""The mutations `deleteCrmAccount`, `deleteCrmContact`, `deleteCrmLead`, `deleteCrmOpportunity`,
`deleteCrmActivity`."""

from typing import Any

from drippulse.crm.tables import RecordType
from drippulse.enrollments import contact_runs
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.answers import SUBJECTS
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


def delete_record(kind: RecordType) -> Declared:
    async def delete(call: Call[Any]) -> Any:
        """Hides the record; its row stays for export and audit, and its unique values are free again. What is under way
        for a person in workflows ends."""
        await contact_runs.delete_record(call.session, call.principal, kind, call.id)

    return mutation(Permission.WRITE, about=SUBJECTS[kind], name=f"delete_crm_{kind.value}")(delete)
