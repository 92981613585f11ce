"""A source's definition as it is stored. Pure."""

from dataclasses import dataclass
from typing import Any

import orjson

from drippulse.crm.presentation import Row
from drippulse.data_sources.schemas import DataSourceFields, SourceOptions
from drippulse.data_sources.tables import SourceType
from drippulse.kit.json import dump_json

OPTIONS = tuple(SourceOptions.model_fields)


@dataclass(frozen=True, slots=True, repr=False)
class Definition:
    """What is read, as whom, and how rows become records. `data.secrets` is empty; `secrets` is the ciphertext."""

    id: int
    organization_id: int
    type: SourceType
    data: DataSourceFields
    secrets: bytes | None
    file_number: int | None
    file_bytes: int | None


def read_definition(row: Row) -> Definition:
    """From a row of `data_source`."""
    return Definition(
        id=row["id"],
        organization_id=row["organization_id"],
        type=SourceType(row["type"]),
        data=DataSourceFields.model_validate(stored_fields(row)),
        secrets=row["secrets"],
        file_number=row["file_number"],
        file_bytes=row["file_bytes"],
    )


def stored_fields(row: Row) -> dict[str, Any]:
    """What `DataSourceFields` is made of."""
    schedule = row["schedule"]
    return {
        **{name: row[name] for name in ("name", "type", "record_type", "status")},
        "config": orjson.loads(row["config"]),
        "schedule": None if schedule is None else orjson.loads(schedule),
        **orjson.loads(row["options"]),
    }


def columns_of(data: DataSourceFields) -> dict[str, Any]:
    """Column -> value, of what a caller defines."""
    dumped = data.model_dump(mode="json")
    return {
        **{name: dumped[name] for name in ("name", "type", "record_type", "status")},
        "config": dump_json(data.config.model_dump(mode="json", exclude_defaults=True)),
        "options": dump_json({name: dumped[name] for name in OPTIONS}),
        "schedule": None
        if data.schedule is None
        else dump_json(data.schedule.model_dump(mode="json", exclude_none=True)),
    }
