"""The custom fields of a bundle: those that are not here yet are made, others stay as they are."""

from collections.abc import Sequence
from typing import Any, cast

from drippulse.crm.bundles.results import Report, RowStatus
from drippulse.crm.custom_fields import queries, service
from drippulse.crm.custom_fields.schemas import READ_ONLY, CustomFieldCreate
from drippulse.kit.db import Session
from drippulse.kit.errors import DomainError
from drippulse.kit.validation import parse
from drippulse.organizations.policy import Principal

KIND = "custom_field"


async def load_fields(session: Session, principal: Principal, rows: Sequence[Any], report: Report) -> None:
    """Report on each."""
    for index, row in enumerate(rows):
        try:
            given = cast("dict[str, Any]", row) if isinstance(row, dict) else {}
            data = parse(CustomFieldCreate, given, read_only=READ_ONLY)
            existing = await queries.definitions(session, principal.organization_id, data.record_type)
            here = next((service.present(one) for one in existing if one["key"] == data.key), None)
            if here is None:
                await service.create_custom_field(session, principal, data)
        except DomainError as error:
            report.add(index, KIND, RowStatus.INVALID, reason=error.message)
            continue
        sent = data.model_dump(mode="json")
        if here is None:
            report.add(index, KIND, RowStatus.CREATED)
        elif all(here[name] == value for name, value in sent.items()):
            report.add(index, KIND, RowStatus.UNCHANGED)
        else:
            report.add(index, KIND, RowStatus.SKIPPED, reason="It exists already and stays as it is.")
