"""Custom fields of rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drippulse.crm.custom_fields.service import definitions_of
from drippulse.crm.custom_fields.state import check_value
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Session
from drippulse.kit.text import did_you_mean


@dataclass(frozen=True, slots=True)
class CustomFields:
    """An organization's fields for one record type.

    `check` makes what is stored of a key and what stands in a row, or raises ValueError with a sentence. `required`
    are the keys without which nothing is created, `defaults` the values that a new record has where its row says
    nothing, `labels` what people call the fields; by key.
    """

    check: Callable[[str, Any], Any]
    required: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])


async def load_custom_fields(session: Session, kind: RecordType, organization_id: int) -> CustomFields:
    definitions = await definitions_of(session, kind, organization_id)

    def check(key: str, value: Any) -> Any:
        definition = definitions.get(key)
        if definition is None:
            raise ValueError(f"Unknown custom field.{did_you_mean(key, definitions)}")
        return check_value(definition, value)

    defaults = {one.key: one.default for one in definitions.values() if one.default is not None}
    required = tuple(one.key for one in definitions.values() if one.required and one.key not in defaults)
    return CustomFields(check, required, {one.key: one.label for one in definitions.values()}, defaults)
