"""What custom fields do."""

from collections.abc import Mapping
from typing import Any

import asyncpg
import orjson

from drippulse.crm.custom_fields import queries
from drippulse.crm.custom_fields.errors import (
    CustomFieldExistsError,
    InvalidCustomFieldError,
    TooManyCustomFieldsError,
)
from drippulse.crm.custom_fields.schemas import CustomFieldCreate, CustomFieldUpdate
from drippulse.crm.custom_fields.state import Definition, check_value, check_values
from drippulse.crm.custom_fields.tables import FieldType
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.clock import isoformat
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import ValidationError, not_found
from drippulse.kit.json import dump_json
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.lists import read_list

RESOURCE = "custom field"
MOST = 200
SELECTS = frozenset({FieldType.SELECT, FieldType.MULTI_SELECT})


async def definitions_of(session: Session, kind: RecordType, organization_id: int) -> dict[str, Definition]:
    """The fields of a record type by key; one statement."""
    rows = await queries.definitions(session, organization_id, kind)
    return {row["key"]: _definition(row) for row in rows}


async def check_custom_fields(
    session: Session, kind: RecordType, organization_id: int, values: Mapping[str, Any], *, creating: bool
) -> dict[str, Any]:
    """The values as they are stored. Raises ValidationError that names `custom_fields.<key>`."""
    if not values and not creating:
        return {}
    definitions = await definitions_of(session, kind, organization_id)
    stored, errors = check_values(definitions, values, creating=creating)
    if errors:
        first = next(iter(errors))
        raise ValidationError(f"{first}: {errors[first][0]}", errors=errors)
    return stored


async def list_custom_fields(session: Session, actor: Actor, wanted: ListRequest) -> dict[str, Any]:
    return await read_list(session, actor.organization_id, queries.LIST, wanted, present)


async def get_custom_field(session: Session, actor: Actor, field_id: int) -> dict[str, Any]:
    """Raises NotFoundError for unknown and foreign ids alike."""
    return present(await _found(session, actor, field_id))


async def create_custom_field(session: Session, actor: Actor, data: CustomFieldCreate) -> dict[str, Any]:
    """Raises CustomFieldExistsError, TooManyCustomFieldsError, InvalidCustomFieldError."""
    definition = Definition(data.key, data.label, data.type, tuple(data.options), data.required)
    default = _default(definition, data.default)
    known = await queries.definitions(session, actor.organization_id, data.record_type)
    if len(known) >= MOST:
        raise TooManyCustomFieldsError(MOST)
    values = (data.record_type.value, data.key, *_values(definition, default, data.description, data.type.value))
    try:
        async with session.savepoint():
            field_id = await queries.insert(session, actor.organization_id, *values)
    except asyncpg.UniqueViolationError:
        raise CustomFieldExistsError(data.record_type.value, data.key) from None
    return await get_custom_field(session, actor, field_id)


async def update_custom_field(session: Session, actor: Actor, field_id: int, data: CustomFieldUpdate) -> dict[str, Any]:
    """Values that records have already stay as they are. Raises NotFoundError, InvalidCustomFieldError."""
    row = await _found(session, actor, field_id)
    sent, stored = data.model_fields_set, present(row)
    merged = {name: getattr(data, name) if name in sent else stored[name] for name in CustomFieldUpdate.model_fields}
    definition = Definition(
        row["key"], merged["label"], FieldType(row["type"]), tuple(merged["options"]), merged["required"]
    )
    default = _default(definition, merged["default"])
    values = _values(definition, default, merged["description"])
    await queries.update(session, actor.organization_id, field_id, *values)
    return await get_custom_field(session, actor, field_id)


async def delete_custom_field(session: Session, actor: Actor, field_id: int) -> None:
    """Values stay in the records, where nothing checks them any more until there is a field of this key again."""
    await _found(session, actor, field_id)
    await queries.delete(session, actor.organization_id, field_id)


def present(row: Record) -> dict[str, Any]:
    """The field as every edge answers it."""
    return {
        **{name: row[name] for name in ("id", "record_type", "key", "label", "type")},
        "options": orjson.loads(row["options"]),
        "required": row["required"],
        "default": None if row["default_value"] is None else orjson.loads(row["default_value"]),
        "description": row["description"],
        "created_at": isoformat(row["created_at"]),
        "updated_at": isoformat(row["updated_at"]),
    }


async def _found(session: Session, actor: Actor, field_id: int) -> Record:
    row = await queries.by_id(session, actor.organization_id, field_id)
    if row is None:
        raise not_found(RESOURCE)
    return row


def _default(definition: Definition, value: Any) -> Any:
    """The default as it is stored."""
    if definition.type in SELECTS and not definition.options:
        raise InvalidCustomFieldError("options", f"A {definition.type.value} needs at least one option.")
    if definition.type not in SELECTS and definition.options:
        raise InvalidCustomFieldError("options", f"A {definition.type.value} has no options; leave them out.")
    if value is None:
        return None
    try:
        return check_value(definition, value)
    except ValueError as error:
        raise InvalidCustomFieldError("default", str(error)) from None


def _values(definition: Definition, default: Any, description: str, *kind: str) -> tuple[Any, ...]:
    options = dump_json(list(dict.fromkeys(definition.options)))
    stored = None if default is None else dump_json(default)
    return (definition.label, *kind, options, definition.required, stored, description)


def _definition(row: Record) -> Definition:
    default = None if row["default_value"] is None else orjson.loads(row["default_value"])
    options = tuple(orjson.loads(row["options"]))
    return Definition(row["key"], row["label"], FieldType(row["type"]), options, row["required"], default)
