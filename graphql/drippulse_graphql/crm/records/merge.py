"""The mutations that make several records one, such as `mergeCrmContact`."""

from typing import Any

from drippulse.crm.merging import service
from drippulse.crm.merging.presentation import present_merge
from drippulse.crm.merging.schemas import Merge, merge_answer
from drippulse.crm.tables import RecordType
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.answers import SUBJECTS
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


def merge_records(kind: RecordType) -> Declared:
    async def merge(call: Call[Any]) -> Any:
        """The records of `merge` become part of this one. What it has stays, what it lacks is filled, tags are united;
        `fields` names the record whose value counts instead. What referred to the others refers to this one."""
        done = await service.merge_records(call.session, call.principal, kind, call.id, call.body)
        return present_merge(kind, done)

    return mutation(
        Permission.WRITE,
        about=SUBJECTS[kind],
        body=Merge,
        answers=merge_answer(kind),
        called="result",
        name=f"merge_crm_{kind.value}",
    )(merge)
